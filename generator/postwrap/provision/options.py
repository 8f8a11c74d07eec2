"""What was asked for on the command line, understood and checked as far as words go."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from postwrap.errors import UsageError
from postwrap.instance import is_safe
from postwrap.provision.listeners import parse_address

_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_TIME = re.compile(r"[0-9]+[smhdw]?\Z")
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
            if path and not path.startswith("/"):
                raise UsageError(f"--{name.replace('_', '-')} {path}: is not an absolute path")
        if bool(self.tls_cert) != bool(self.tls_key):
            hint = "one file may hold both: name it twice"
            raise UsageError("--tls-cert and --tls-key go together", hint)
        if self.queue_lifetime and not _TIME.match(self.queue_lifetime):
            raise UsageError(f"--queue-lifetime {self.queue_lifetime}: is no time", "write 20d")
        for option, text in (("--hostname", self.hostname), ("--helo-name", self.helo_name)):
            if text and not _HOSTNAME.match(text):
                raise UsageError(f"{option} {text}: is no host name", "write out.example.com")
        for option in ("mynetworks", "next_hop", "filter", "header_checks", "body_checks"):
            if not getattr(self, option).isprintable():
                raise UsageError(f"--{option.replace('_', '-')}: has control characters")


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
        if taken or not is_safe(self.name) or self.name[0] in "-.":
            hint = "begin with a letter or digit, A-Z a-z 0-9 . _ - may follow: out"
            raise UsageError(f"{self.name!r}: is no name for an instance", hint)
        if len(self.name) > 100:
            raise UsageError(f"{self.name}: is too long a name", "100 characters are the most")
        for option in ("source", "queue_directory", "data_directory"):
            path = getattr(self, option)
            if path and not (path.startswith("/") and is_safe(path.replace("/", ""))):
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


def addresses(texts: Iterable[str]) -> tuple[Address, ...]:
    """Return the values of ``--address``."""
    return tuple(Address(*parse_address(text)) for text in texts)


_DECIDED = {
    "alternate_config_directories": "postwrap create and remove keep it",
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
        if name in _DECIDED:
            raise UsageError(f"--set {name}: is not for --set", _DECIDED[name])
        found[name] = value
    return found
