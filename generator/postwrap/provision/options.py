"""What was asked for on the command line, understood and checked as far as words go."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postwrap.errors import UsageError
from postwrap.instance import is_removed, is_safe
from postwrap.provision.listeners import parse_address

_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_PATH = re.compile(r"/[^\s,$]*[^\s,$/]\Z")
_CHECKS = re.compile(r"([a-z]+:)*/[^\s,$]*[^\s,$/]\Z")
_TABLE = re.compile(r"[a-z]+:")
_TIME = re.compile(r"[0-9]+[smhdw]?\Z")
_HOP = re.compile(r"([\w.-]+|\[[\w.:-]+\])(:[\w-]+)?\Z")
_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z")


class Role(StrEnum):
    """What the second instance is for; the talk's uses."""

    FALLBACK_RELAY = "fallback-relay"
    CONTENT_FILTER = "content-filter"
    OUTBOUND = "outbound"
    BACKUP_MX = "backup-mx"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the instance is to listen; without a port, on those that its services have."""

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class RoleOptions:
    """What ``create`` and ``role`` have in common."""

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
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("tls_cert", "tls_key"):
            path = getattr(self, name)
            if path and not _PATH.match(path):
                hint = "write an absolute path, without blanks, commas or $"
                raise UsageError(f"--{name.replace('_', '-')} {path}: will not do", hint)
        if bool(self.tls_cert) != bool(self.tls_key):
            hint = "one file may hold both: name it twice"
            raise UsageError("--tls-cert and --tls-key go together", hint)
        if self.queue_lifetime and not _TIME.match(self.queue_lifetime):
            raise UsageError(f"--queue-lifetime {self.queue_lifetime}: is no time", "write 20d")
        for option, text in (("--hostname", self.hostname), ("--helo-name", self.helo_name)):
            if text and not _HOSTNAME.match(text):
                raise UsageError(f"{option} {text}: is no host name", "write out.example.com")
        for option, text in (
            ("--header-checks", self.header_checks),
            ("--body-checks", self.body_checks),
        ):
            if text and not _CHECKS.match(text):
                hint = "write regexp:/etc/postfix/checks"
                raise UsageError(f"{option} {text}: is no table in a file", hint)
        self._need_fitting_role()
        need_networks(self.mynetworks)

    def _need_fitting_role(self) -> None:
        """Raise UsageError for what only means something with another role, or nothing at all."""
        for option, text, roles in (
            ("--next-hop", self.next_hop, (Role.FALLBACK_RELAY, Role.OUTBOUND)),
            ("--filter", self.filter, (Role.CONTENT_FILTER,)),
        ):
            if text and self.role not in roles:
                raise UsageError(f"{option} goes with the role {' or '.join(roles)}", "give that")
            if any(not _HOP.match(word) for word in text.replace(",", " ").split()):
                raise UsageError(f"{option} {text}: is no next hop", "write [10.0.0.1]:25")


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """What ``create`` was asked for."""

    name: str
    addresses: tuple[Address, ...] = ()
    add_address: str = ""
    source: str = ""
    queue_directory: str = ""
    data_directory: str = ""
    syslog_name: str = ""
    group: str = ""
    postmulti: bool = True
    start: bool = True
    shared: RoleOptions = field(default_factory=RoleOptions)

    def __post_init__(self) -> None:
        taken = self.name in {"default", "postfix"} or self.name.startswith("postfix-")
        if taken or is_removed(self.name) or not is_safe(self.name) or self.name[0] in "-.":
            hint = "begin with a letter or digit, A-Z a-z 0-9 . _ - may follow: out"
            raise UsageError(f"{self.name!r}: is no name for an instance", hint)
        if len(self.name) > 100:
            raise UsageError(f"{self.name}: is too long a name", "100 characters are the most")
        for option in ("source", "queue_directory", "data_directory"):
            path = getattr(self, option)
            is_whole = path.startswith("/") and not path.endswith("/") and "//" not in path
            if path and not (is_whole and is_safe(path.replace("/", ""))):
                spelled = "--from" if option == "source" else f"--{option.replace('_', '-')}"
                hint = "an absolute path of A-Z a-z 0-9 . _ - is wanted"
                raise UsageError(f"{spelled} {path}: will not do", hint)
        for option, text in (("--group", self.group), ("--syslog-name", self.syslog_name)):
            if text and not is_safe(text):
                raise UsageError(f"{option} {text}: has characters outside A-Z a-z 0-9 . _ -")
        if self.add_address and not self.addresses:
            raise UsageError("--add-address goes with --address", "name the address to add")
        if len(set(self.addresses)) < len(self.addresses):
            raise UsageError("--address names one address twice", "name each once")


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
            raise UsageError(f"--mynetworks {word}: is no network ({error})", hint) from None


def addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Return the values of ``--address``."""
    return tuple(Address(*parse_address(text)) for text in texts)


_DECIDED = {
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
        if not equals or not _PARAMETER.match(name) or not value.isprintable():
            raise UsageError(f"--set {text}: is no setting", "write --set PARAMETER=VALUE")
        if name in found:
            raise UsageError(f"--set {name}: is given twice", "give it once")
        if name in _DECIDED:
            raise UsageError(f"--set {name}: is not for --set", _DECIDED[name])
        found[name] = value
    return found
