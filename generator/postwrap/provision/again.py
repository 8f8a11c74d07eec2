"""The same create again: whether an instance that exists is as it is asked for. Pure.

A request is kept as the options that were given, by their names on the command line, so that what
differs can be named. What only a request tells (``--from``) is compared with the recorded one; what
the instance shows is compared with the instance, so that one made by hand can be asked for too.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from postwrap.host.addresses import bracketed
from postwrap.host.model import InstanceConfig
from postwrap.provision.desired import ALTERNATE, MULTI, words_of
from postwrap.provision.options import CreateOptions, ListenAddress, RoleOptions

Request = Mapping[str, str]
"""Options by name, with their values; a flag has "" and --set is followed by its parameter."""

OWN_OPTIONS = {
    "--add-address": "add_address",
    "--from": "source",
    "--queue-directory": "queue_directory",
    "--data-directory": "data_directory",
    "--syslog-name": "syslog_name",
    "--group": "group",
}
"""The options with a value that create alone has, and the fields of CreateOptions."""

SHARED_OPTIONS = {
    "--queue-lifetime": "queue_lifetime",
    "--tls-cert": "tls_cert",
    "--tls-key": "tls_key",
    "--header-checks": "header_checks",
    "--body-checks": "body_checks",
    "--filter": "filter",
    "--next-hop": "next_hop",
    "--hostname": "hostname",
    "--helo-name": "helo_name",
    "--mynetworks": "mynetworks",
    "--relay-domains": "relay_domains",
}
"""The options with a value that role has too, and the fields of RoleOptions."""

_PARAMETERS = {
    "--queue-directory": "queue_directory",
    "--data-directory": "data_directory",
    "--syslog-name": "syslog_name",
    "--group": "multi_instance_group",
}
"""The parameters that show what an option of create has set."""


def request_of(options: CreateOptions) -> dict[str, str]:
    """Return what ``options`` ask for, by option; what was not given is not in it."""
    made = {name: getattr(options, field) for name, field in OWN_OPTIONS.items()}
    made["--address"] = ", ".join(sorted(map(spelled, options.addresses)))
    flags = {"--no-postmulti": not options.postmulti, "--no-start": not options.start}
    given = {name: value for name, value in made.items() if value}
    return (
        given | {name: "" for name, is_given in flags.items() if is_given} | _shared(options.shared)
    )


def _shared(options: RoleOptions) -> dict[str, str]:
    """Return what role takes too."""
    made = {name: getattr(options, field) for name, field in SHARED_OPTIONS.items()}
    given = {"--role": str(options.role)} if options.role else {}
    given |= {name: value for name, value in made.items() if value}
    if options.same_source_address:
        given["--same-source-address"] = ""
    stated = {name: value for name, value in options.settings.items() if value is not None}
    return given | {f"--set {name}": value for name, value in stated.items()}


def spelled(address: ListenAddress) -> str:
    """Return ``address`` as ``--address`` has it."""
    return f"{bracketed(address.host)}:{address.port}" if address.port else str(address.host)


def unreachable(options: CreateOptions, config: InstanceConfig) -> Iterator[str]:
    """Yield how ``config`` is not what ``options`` ask for and cannot become so; see differences.

    A directory that nobody names is left where it is.
    """
    asked = request_of(options)
    for option in ("--queue-directory", "--data-directory"):
        value = config.get(_PARAMETERS[option]).rstrip("/")
        if asked.get(option, value) != value:
            yield f"{option} {asked[option]} (it has {_PARAMETERS[option]} = {value})"
    if not options.copied:
        yield from _missing(options, config)


def elsewhere(options: CreateOptions, config: InstanceConfig) -> Iterator[str]:
    """Yield how ``config`` listens elsewhere than ``options`` ask for."""
    yield from _listening(options, config)
    yield from _missing(options, config)


def differences(
    options: CreateOptions, recorded: Request | None, config: InstanceConfig, listed: str
) -> Iterator[str]:
    """Yield how the instance ``config`` is not what ``options`` ask for, role and settings aside.

    ``recorded`` is the request by which postwrap created it, None for none; ``listed`` the
    parameter of the default instance that lists it, "" for none.
    """
    asked, shared = request_of(options), _shared(options.shared)
    if recorded is not None:
        for name in dict.fromkeys((*asked, *recorded)):
            # What role takes is compared with what is there, if it is asked for.
            if asked.get(name) != recorded.get(name) and name not in shared:
                yield f"{_given(name, asked)} (created with {_given(name, recorded)})"
    else:
        yield from _shown(options, asked, config, listed)
    yield from _missing(options, config)


def _given(name: str, request: Request) -> str:
    if name not in request:
        return f"no {name}"
    glue = "=" if name.startswith("--set ") else " "
    return f"{name}{glue}{request[name]}".rstrip()


def _shown(
    options: CreateOptions, asked: Request, config: InstanceConfig, listed: str
) -> Iterator[str]:
    """Yield what the instance itself shows to be different."""
    for name, parameter in _PARAMETERS.items():
        if name in asked and asked[name] != config.get(parameter).rstrip("/"):
            yield f"{name} {asked[name]} (it has {parameter} = {config.get(parameter)})"
    yield from _listening(options, config)
    if listed and listed != (MULTI if options.postmulti else ALTERNATE):
        yield f"{'no ' * options.postmulti}--no-postmulti (it is in {listed})"


def _listening(options: CreateOptions, config: InstanceConfig) -> Iterator[str]:
    hosts = {address.host for address in options.addresses}
    for listener in config.listeners:
        if listener.address not in hosts and not listener.address.is_loopback:
            yield f"no --address {listener} (it listens there)"


def _missing(options: CreateOptions, config: InstanceConfig) -> Iterator[str]:
    for wanted in options.addresses:
        if not any(
            listener.address == wanted.host and wanted.port in {None, listener.port}
            for listener in config.listeners
        ):
            yield f"--address {spelled(wanted)} (it does not listen there)"


def listing(default: InstanceConfig, directory: str) -> str:
    """Return the parameter of the ``default`` instance that lists ``directory``, "" for none."""
    stated = default.settings
    found = (name for name in (MULTI, ALTERNATE) if directory in words_of(stated.get(name, "")))
    return next(found, "")


def role_command(name: str, options: RoleOptions) -> str:
    """Return the command that gives the instance ``name`` the role and settings of ``options``."""
    words = ["postwrap", "role", name]
    for option, value in _shared(options).items():
        flag, _, parameter = option.partition(" ")
        if option == "--role":
            words.append(value)
        elif parameter:
            words += [flag, f"{parameter}={value}"]
        else:
            words += [flag, *([value] if value else [])]
    return shlex.join(words)
