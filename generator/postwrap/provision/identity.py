"""What makes an instance one of its own: its directories, its names, its networks. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.listeners import Endpoint, is_loopback, network
from postwrap.provision.options import CreateOptions, Role, RoleOptions
from postwrap.provision.roles import PRIVATE, TRANSPORTS
from postwrap.provision.sharing import listening_settings, receiving

_LONGEST_LABEL = 63
"""Of a host name: RFC 1035."""

_OWN_NAME = re.compile(r"\$[({]?myhostname\b")


def own_settings(
    options: CreateOptions,
    facts: Facts,
    source: Configured,
    directory: str,
    endpoints: tuple[Endpoint, ...],
) -> dict[str, str | None]:
    """Return the settings that make the instance one of its own."""
    last = PurePosixPath(directory).name
    public = source["myhostname"]
    name = options.shared.hostname or derived_hostname(options.name, public)
    made: dict[str, str | None] = {
        "queue_directory": options.queue_directory or _beside(facts, "queue_directory", options),
        "data_directory": options.data_directory or _beside(facts, "data_directory", options),
        "syslog_name": options.syslog_name or last,
        "multi_instance_name": last,
        "multi_instance_enable": "no",
        "myhostname": name,
        "mynetworks": options.shared.mynetworks or networks(facts, source, endpoints),
    }
    if options.group:
        made["multi_instance_group"] = options.group
    made |= names(options.shared, source, public, name)
    return made | listening_settings(facts, source, endpoints)


def _beside(facts: Facts, parameter: str, options: CreateOptions) -> str:
    return f"{facts.default[parameter].rstrip('/')}-{options.name}"


def derived_hostname(name: str, public: str) -> str:
    """Return a host name of its own for the instance ``name`` beside one called ``public``."""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower())[:_LONGEST_LABEL].strip("-") or "second"
    domain = public.partition(".")[2]
    return f"{label}.{domain if '.' in domain else public}"


def bounces(instance: Configured) -> tuple[str, ...]:
    """Return the parameters by which ``instance`` bounces what is for elsewhere, as written."""
    return tuple(n for n in TRANSPORTS if instance.stated.get(n, "").startswith("error"))


def need_own_name(role: Role | None, hostname: str, public: str) -> None:
    """Raise RefusedError where two instances that speak to each other have one myhostname."""
    if role in PRIVATE and hostname == public:
        message = f"myhostname = {hostname}: is the default instance's, and mail between them loops"
        raise RefusedError(message, "leave --hostname out: --helo-name is what others see")


def names(
    options: RoleOptions, source: Configured, public: str, name: str
) -> dict[str, str | None]:
    """Return what keeps the public name where others see it, and its mail at home."""
    made: dict[str, str | None] = {}
    helo = options.helo_name or source["smtp_helo_name"] or public
    own_face = options.same_source_address and options.hostname
    if own_face and not options.helo_name:
        made["smtp_helo_name"] = None
    elif helo != name:
        made["smtp_helo_name"] = helo
    if source["myorigin"] == public:
        made["myorigin"] = public
    local = source.stated.get("mydestination", "$myhostname, localhost.$mydomain, localhost")
    if public in source["mydestination"].replace(",", " ").split() and _OWN_NAME.search(local):
        made["mydestination"] = f"{local}, {public}"
    return made


def networks(facts: Facts, source: Configured, endpoints: tuple[Endpoint, ...]) -> str:
    """Return the source's mynetworks and the addresses from which its siblings may speak."""
    words = source["mynetworks"].replace(",", " ").split()
    siblings = (*(e.address for e in endpoints), *receiving(facts, endpoints))
    wanted = (network(a) for a in dict.fromkeys(siblings) if not is_loopback(a))
    return " ".join(dict.fromkeys((*words, *wanted)))
