"""What makes an instance one of its own: its directories, its names, its networks. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.host.addresses import Address, Endpoint, network_of
from postwrap.host.naming import Instance, own_maillog
from postwrap.host.nexthops import relay_clients
from postwrap.host.nexthops import source as sent_from
from postwrap.provision.desired import Value, words_of
from postwrap.provision.listening import listening_settings
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.site import ProvisionSite, Side, receiving

_LONGEST_LABEL = 63
"""Of a host name: RFC 1035."""

_OWN_NAME = re.compile(r"\$[({]?myhostname\b")
_OWN_NAMES = "$myhostname, localhost.$mydomain, localhost"
"""The default of mydestination."""


OWN = (
    *("queue_directory", "data_directory", "syslog_name"),
    *("multi_instance_name", "multi_instance_enable"),
)
"""What no two instances have in common, whatever else they are."""


IDENTITY = frozenset(("myhostname", "mynetworks", "smtp_helo_name", "myorigin", "mydestination"))
"""What keeps a copy and its source apart where they speak to each other."""


def own_settings(
    options: CreateOptions,
    site: ProvisionSite,
    source: Side,
    instance: Instance,
    endpoints: Sequence[Endpoint],
) -> dict[str, Value]:
    """Return the settings that make the instance its own, without those asked for by name."""
    last = instance.service_name
    public = source.get("myhostname")
    name = derived_hostname(options.name, public)
    made: dict[str, Value] = {
        "queue_directory": options.queue_directory or _beside(site, "queue_directory", options),
        "data_directory": options.data_directory or _beside(site, "data_directory", options),
        "syslog_name": last,
        "multi_instance_name": last,
        "multi_instance_enable": "no",
        "myhostname": name,
        "mynetworks": networks(site, source.get("mynetworks"), endpoints),
    }
    maillog = source.get("maillog_file")
    if maillog in site.model.rotated:
        # postfix logrotate tells the postlogd(8) of one instance alone.
        made["maillog_file"] = own_maillog(maillog, instance.suffix)
    made |= names(RoleOptions(), source, public, name)
    return made | listening_settings(site, source, endpoints)


def _beside(site: ProvisionSite, name: str, options: CreateOptions) -> str:
    return f"{site.default_config.get(name).rstrip('/')}-{options.name}"


def role_identity(
    options: RoleOptions, site: ProvisionSite, instance: Side, endpoints: Sequence[Endpoint]
) -> dict[str, Value]:
    """Return what lets an instance that exists and the default one speak to each other.

    That is for its role; what is asked for by name is not in it.
    """
    made: dict[str, Value] = {}
    public = site.default.get("myhostname")
    # Without what a role has set, a main.cf may state no name: then it has the host's.
    if instance.get("myhostname") in {"", public} and not options.hostname:
        name = derived_hostname(instance.config.name, public)
        made |= {"myhostname": name, **names(options, site.default, public, name)}
    known = instance.get("mynetworks") or instance.config.get("mynetworks")
    wanted = networks(site, known, endpoints)
    is_claimed = "mynetworks" in instance.config.settings.keys() - instance.settings.keys()
    if is_claimed or wanted.split() != words_of(known):
        made["mynetworks"] = wanted
    return made


def named_identity(options: RoleOptions, source: Side) -> dict[str, Value]:
    """Return what ``options`` ask for by name; ``source`` has the name that others see."""
    made: dict[str, Value] = {}
    if options.hostname:
        public = source.get("myhostname")
        made = {"myhostname": options.hostname}
        made |= names(options, source, public, options.hostname)
    elif options.helo_name:
        made["smtp_helo_name"] = options.helo_name
    if options.mynetworks:
        made["mynetworks"] = options.mynetworks
    return made


def named_tags(options: CreateOptions) -> dict[str, Value]:
    """Return the log tag and the group that are asked for by name."""
    made = {"syslog_name": options.syslog_name, "multi_instance_group": options.group}
    return {name: value for name, value in made.items() if value}


def derived_hostname(name: str, public: str) -> str:
    """Return a host name of its own for the instance ``name`` beside one called ``public``."""
    label = re.sub(r"[^a-z0-9-]+", "-", name.lower())[:_LONGEST_LABEL].strip("-") or "secondary"
    domain = public.partition(".")[2]
    return f"{label}.{domain if '.' in domain else public}"


def need_own_name(is_private: bool, hostname: str, public: str) -> None:
    """Raise RefusedError where two instances that speak to each other have one myhostname."""
    if is_private and hostname == public:
        message = f"myhostname = {hostname}: is the default instance's, and mail between them loops"
        raise RefusedError(message, "leave --hostname out: --helo-name is what others see")


def names(options: RoleOptions, source: Side, public: str, name: str) -> dict[str, Value]:
    """Return what keeps the public name where others see it, and its mail at home."""
    made: dict[str, Value] = {}
    helo = options.helo_name or source.get("smtp_helo_name") or public
    own_face = options.same_source_address and options.hostname
    is_same = own_face and not options.helo_name
    made["smtp_helo_name"] = None if is_same or helo == name else helo
    if source.get("myorigin") == public:
        made["myorigin"] = public
    local = source.settings.get("mydestination", _OWN_NAMES)
    if public in source.words("mydestination") and _OWN_NAME.search(local):
        made["mydestination"] = f"{local}, {public}"
    return made


def networks(site: ProvisionSite, known: str, endpoints: Sequence[Endpoint]) -> str:
    """Return the mynetworks ``known`` and the addresses from which other instances may speak."""
    own = [endpoint.address for endpoint in endpoints]
    senders = _senders(site, own)
    wanted = (network_of(a) for a in (*own, *receiving(site, own), *senders) if not a.is_loopback)
    return " ".join(dict.fromkeys((*words_of(known), *wanted)))


def _senders(site: ProvisionSite, own: Sequence[Address]) -> list[Address]:
    """Return the addresses from which the default instance would speak to the addresses ``own``."""
    default = site.default_config
    found = (sent_from(site.model, default, c, to) for c in relay_clients(default) for to in own)
    return [address for address in found if address]


def config_directory(site: ProvisionSite, name: str) -> str:
    """Return the configuration directory of a new instance ``name``: /etc/postfix-out."""
    return f"{PurePosixPath(site.default_config.directory)}-{name}"
