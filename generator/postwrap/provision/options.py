"""What was asked for on the command line, understood and checked as far as words go."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from postwrap.errors import RefusedError, UsageError
from postwrap.host.addresses import Address
from postwrap.host.naming import is_removed, is_safe
from postwrap.provision.desired import ParameterValues
from postwrap.provision.roles import Role

_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_PATH = re.compile(r"/[^\s,$]*[^\s,$/]\Z")
_CHECKS = re.compile(r"([a-z]+:)*/[^\s,$]*[^\s,$/]\Z")
_TABLE = re.compile(r"[a-z]+:")
_TIME = re.compile(r"[0-9]+[smhdw]?\Z")
_HOP = re.compile(r"([\w.-]+|\[[\w.:-]+\])(:[\w-]+)?\Z")
_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where the instance is to listen; without a port, on those that its services have."""

    host: Address
    port: int | None = None


@dataclass(frozen=True, slots=True)
class RoleOptions:
    """What ``create`` and ``role`` have in common.

    ``settings`` are parameters of main.cf and ``services`` lines of master.cf by ``name/type``;
    None takes one out.
    """

    role: Role | None = None
    same_source_address: bool = False
    queue_lifetime: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    header_checks: str = ""
    body_checks: str = ""
    filter: str = ""
    next_hop: str = ""
    hostname: str = ""
    helo_name: str = ""
    mynetworks: str = ""
    relay_domains: str = ""
    settings: ParameterValues = field(default_factory=dict)
    services: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("tls_cert", "tls_key"):
            path = getattr(self, name)
            if path and not _PATH.match(path):
                hint = "write an absolute path, without blanks, commas or $"
                raise UsageError(
                    f"--{name.replace('_', '-')} {path}: is not an absolute path", hint
                )
        if bool(self.tls_cert) != bool(self.tls_key):
            hint = "one file may hold both: name it twice"
            raise UsageError("--tls-cert, --tls-key: one cannot be given without the other", hint)
        if self.queue_lifetime and not _TIME.match(self.queue_lifetime):
            raise UsageError(f"--queue-lifetime {self.queue_lifetime}: is not a time", "write 20d")
        for option, text in (("--hostname", self.hostname), ("--helo-name", self.helo_name)):
            if text and not _HOSTNAME.match(text):
                raise UsageError(f"{option} {text}: is not a host name", "write out.example.com")
        for option, text in (
            ("--header-checks", self.header_checks),
            ("--body-checks", self.body_checks),
        ):
            if text and not _CHECKS.match(text):
                hint = "write regexp:/etc/postfix/checks"
                raise UsageError(f"{option} {text}: is not a table in a file", hint)
        self._need_fitting_role()
        need_domains(self.relay_domains)
        if self.relay_domains and "relay_domains" in self.settings:
            raise UsageError("--relay-domains, --set relay_domains: are the same", "give one")
        need_networks(self.mynetworks)

    def _need_fitting_role(self) -> None:
        """Raise UsageError for what only means something with another role, or nothing at all."""
        for option, text, roles in (
            ("--next-hop", self.next_hop, (Role.FALLBACK_RELAY, Role.OUTBOUND)),
            ("--filter", self.filter, (Role.CONTENT_FILTER,)),
            ("--relay-domains", self.relay_domains, (Role.BACKUP_MX, None)),
        ):
            if text and self.role not in roles:
                named = " or ".join(filter(None, roles))
                raise UsageError(f"{option} needs the role {named}", "name that role")
        for option, text in (("--next-hop", self.next_hop), ("--filter", self.filter)):
            if any(not _HOP.match(word) for word in text.replace(",", " ").split()):
                raise UsageError(f"{option} {text}: is not a next hop", "write [10.0.0.1]:25")


class UnansweredError(RefusedError):
    """What only the administrator knows was not told.

    ``question`` asks for it, and ``answered`` returns the options with the answer; UsageError for
    one that makes no sense.
    """

    def __init__(
        self, message: str, hint: str, question: str, answered: Callable[[str], RoleOptions]
    ) -> None:
        super().__init__(message, hint)
        self.question = question
        self.answered = answered


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """What ``create`` was asked for.

    ``copied``: main.cf and master.cf begin as copies of ``source``; else they have what is asked
    for alone.
    """

    name: str
    addresses: tuple[ListenAddress, ...] = ()
    add_address: str = ""
    source: str = ""
    queue_directory: str = ""
    data_directory: str = ""
    syslog_name: str = ""
    group: str = ""
    postmulti: bool = True
    start: bool = True
    copied: bool = True
    shared: RoleOptions = field(default_factory=RoleOptions)

    def __post_init__(self) -> None:
        need_name(self.name)
        for option in ("source", "queue_directory", "data_directory"):
            path = getattr(self, option)
            is_whole = path.startswith("/") and not path.endswith("/") and "//" not in path
            if path and not (is_whole and is_safe(path.replace("/", ""))):
                spelled = "--from" if option == "source" else f"--{option.replace('_', '-')}"
                hint = "an absolute path of A-Z a-z 0-9 . _ - is wanted"
                raise UsageError(f"{spelled} {path}: is not an absolute path", hint)
        for option, text in (("--group", self.group), ("--syslog-name", self.syslog_name)):
            if text and not is_safe(text):
                raise UsageError(f"{option} {text}: has characters outside A-Z a-z 0-9 . _ -")
        if self.add_address and not self.addresses:
            raise UsageError("--add-address needs --address", "name the address to add")
        if len(set(self.addresses)) < len(self.addresses):
            raise UsageError("--address names one address twice", "name each once")


@dataclass(frozen=True, slots=True)
class RemoveOptions:
    """What ``remove`` was asked for; ``date`` marks what is kept."""

    name: str
    date: str
    purge: bool = False
    requeue_to: str = ""


def instance_name(word: str) -> str:
    """Return the name that ``create`` is given as ``out``, ``postfix-out`` or ``/etc/postfix-out``.

    They are one everywhere else, so an instance that is called ``postfix-out`` cannot be made.
    """
    return word.rstrip("/").removeprefix("/etc/").removeprefix("postfix-")


def need_networks(text: str) -> None:
    """Raise UsageError where ``text`` is not what mynetworks may be: postconf(5)."""
    for word in text.replace(",", " ").split():
        plain = word.removeprefix("!")
        if plain.startswith(("/", "$")) or (_TABLE.match(plain) and "/" in plain):
            continue
        try:
            ipaddress.ip_network(plain.replace("[", "").replace("]", ""))
        except ValueError as error:
            hint = "write 127.0.0.0/8 10.0.0.1/32 [2001:db8::1]/128"
            raise UsageError(f"--mynetworks {word}: is not a network ({error})", hint) from None


def need_domains(text: str) -> None:
    """Raise UsageError where ``text`` is not what relay_domains may be: domains, tables, files."""
    for word in text.replace(",", " ").split():
        is_table = word.startswith("/") or (_TABLE.match(word) and "/" in word)
        if not is_table and not _HOSTNAME.match(word.removeprefix("!").removeprefix(".")):
            hint = "write example.net, or hash:/etc/postfix/relay_domains"
            raise UsageError(f"--relay-domains {word}: is not a mail domain", hint)


def addresses(texts: Iterable[str]) -> tuple[ListenAddress, ...]:
    """Return the values of ``--address``."""
    return tuple(map(parse_address, texts))


def parse_address(text: str) -> ListenAddress:
    """Return the address and the port, None if there is none, of ``ADDR[:PORT]``.

    IPv6 may stand bare where there is no port, and in brackets. Raises UsageError.
    """
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        hint = "write 10.0.0.1, 10.0.0.1:2525, 2001:db8::1 or [2001:db8::1]:2525"
        raise UsageError(f"--address {text}: is not an IP address", hint) from None
    if not colon and not port:
        return ListenAddress(address)
    if colon != ":" or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        message = f"--address {text}: {port!r} is not a port"
        raise UsageError(message, "write ADDRESS:PORT, as :2525")
    return ListenAddress(address, int(port))


DECIDED = {
    "alternate_config_directories": "postwrap create and remove keep it",
    "config_directory": "it is where the configuration is",
    "data_directory": "create it with --data-directory",
    "inet_interfaces": "create it with --address",
    "master_service_disable": "create it with --address, or without",
    "multi_instance_directories": "postwrap create and remove keep it",
    "multi_instance_enable": "postwrap create turns it on",
    "multi_instance_group": "create it with --group",
    "multi_instance_name": "it is called after its directory",
    "queue_directory": "create it with --queue-directory",
    "syslog_name": "create it with --syslog-name",
}
"""What other options decide, after looking at what else is on the host, and the way to do it."""


def settings(texts: Iterable[str]) -> dict[str, str]:
    """Return the values of ``--set``: PARAM=VALUE."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not is_setting(name, value):
            raise UsageError(f"--set {text}: is not a setting", "write --set PARAMETER=VALUE")
        if name in found:
            raise UsageError(f"--set {name}: is given twice", "give it once")
        if name in DECIDED:
            raise UsageError(f"--set {name}: is not for --set", DECIDED[name])
        found[name] = value
    return found


def is_setting(name: str, value: str) -> bool:
    """Whether ``name`` can be a parameter of main.cf, and ``value`` its value."""
    return bool(_PARAMETER.match(name)) and value.isprintable()


def need_name(name: str) -> None:
    """Raise UsageError where ``name`` is none for a new instance."""
    taken = name in {"", "default", "postfix"} or name.startswith("postfix-")
    if taken or is_removed(name) or not is_safe(name) or name[0] in "-.":
        hint = "begin with a letter or digit, A-Z a-z 0-9 . _ - may follow: out"
        raise UsageError(f"{name!r}: is not a name for an instance", hint)
    if len(name) > 100:
        raise UsageError(f"{name}: is too long a name", "100 characters are the most")
