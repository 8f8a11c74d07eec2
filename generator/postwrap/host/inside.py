"""What an instance's settings name in queue and data directories: sockets and caches. Pure.

A copied configuration still names them where the instance has them that was copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from postwrap.host.model import InstanceConfig, Service

SASL, SASL_ON = "smtpd_sasl_path", "smtpd_sasl_auth_enable"
MILTERS = {"smtpd_milters": "smtpd", "non_smtpd_milters": "cleanup"}
RESTRICTIONS = tuple(
    f"smtpd_{stage}_restrictions"
    for stage in (
        *("client", "helo", "etrn", "sender", "relay", "recipient", "data", "end_of_data"),
    )
)
NEXT_HOPS = (
    *("local_transport", "virtual_transport", "mailbox_transport", "fallback_transport"),
    *("default_transport", "relay_transport", "content_filter"),
)
CACHES = (
    *("postscreen_cache_map", "address_verify_map"),
    *(f"{p}_tls_session_cache_database" for p in ("smtp", "smtpd", "lmtp", "tlsproxy_client")),
)
_FILE_TYPES = frozenset({"btree", "hash", "lmdb", "dbm", "sdbm"})
_MILTER = re.compile(r"(?:unix|local):(?P<path>[^\s,{}]+)")
_POLICY = re.compile(r"check_policy_service[\s,{]+unix:(?P<path>[^\s,{}]+)")
_NEXT_HOP = re.compile(r"\w[\w-]*:unix:(?P<path>[^\s,]+)")


@dataclass(frozen=True, slots=True)
class NamedSocket:
    """A UNIX-domain socket that ``parameter`` names as ``text``, for ``service``.

    ``override`` is the service of master.cf whose ``-o`` sets it, "" for main.cf; ``path`` is
    where the service looks for it.
    """

    parameter: str
    override: str
    service: Service
    text: str
    path: str

    def path_in(self, queue: str) -> str:
        """Return where the same name leads from the queue directory ``queue``, without a chroot."""
        return self.text if self.text.startswith("/") else f"{queue}/{self.text}"


@dataclass(frozen=True, slots=True)
class NamedCache:
    """A cache in the file ``path``, of the table type ``kind``."""

    parameter: str
    override: str
    kind: str
    path: str

    @property
    def own(self) -> str:
        """The same cache in the data directory of whichever instance has the setting."""
        return f"{self.kind}:$data_directory/{self.path.rpartition('/')[2]}"


def named_sockets(instance: InstanceConfig) -> Iterator[NamedSocket]:
    """Yield the sockets that ``instance`` needs and that its own master(8) does not make."""
    made = {f"private/{s.name}" for s in instance.services if s.type == "unix"}
    made |= {f"public/{s.name}" for s in instance.services if s.type == "unix"}
    for service in instance.enabled_services:
        for parameter, text in _named(instance, service):
            if text not in made:
                override = service.key if parameter in service.options else ""
                path = _path(instance.queue_directory, service, text)
                yield NamedSocket(parameter, override, service, text, path)


def _named(instance: InstanceConfig, service: Service) -> Iterator[tuple[str, str]]:
    """Yield the parameters by which ``service`` comes to a socket, each with its name."""
    if service.command == "smtpd":
        yield from _sasl(instance, service)
        for parameter in RESTRICTIONS:
            for match in _POLICY.finditer(instance.value(service, parameter)):
                yield parameter, match["path"]
    for parameter, command in MILTERS.items():
        value = instance.value(service, parameter) if service.command == command else ""
        yield from ((parameter, match["path"]) for match in _MILTER.finditer(value))
    for parameter in NEXT_HOPS:
        hop = _NEXT_HOP.match(instance.get(parameter))
        if hop and hop[0].startswith(f"{service.name}:") and service.type == "unix":
            yield parameter, hop["path"]


def _sasl(instance: InstanceConfig, service: Service) -> Iterator[tuple[str, str]]:
    is_on = instance.value(service, SASL_ON).lower() == "yes"
    asks_dovecot = instance.value(service, "smtpd_sasl_type") == "dovecot"
    text = instance.value(service, SASL)
    if is_on and asks_dovecot and text and not text.startswith("inet:"):
        yield SASL, text.removeprefix("unix:")


def _path(queue: str, service: Service, text: str) -> str:
    """Return where ``service``, which works in the queue directory, finds ``text``."""
    if not text.startswith("/"):
        return f"{queue}/{text}"
    return f"{queue}{text}" if service.chroot else text


def named_caches(instance: InstanceConfig) -> Iterator[NamedCache]:
    """Yield the caches that one process of ``instance`` keeps in a file of its own."""
    for parameter in CACHES:
        yield from _cache(parameter, "", instance.get(parameter))
        for service in instance.enabled_services:
            yield from _cache(parameter, service.key, service.options.get(parameter, ""))


def _cache(parameter: str, override: str, value: str) -> Iterator[NamedCache]:
    kind, _, path = value.removeprefix("proxy:").partition(":")
    if kind in _FILE_TYPES and path.startswith("/"):
        yield NamedCache(parameter, override, kind, path)


def replaced(value: str, text: str, new: str) -> str:
    """Return ``value`` with the socket ``text`` named ``new``, or out of the list where "".

    What calls it goes too: ``check_policy_service``, ``unix:`` and braces.
    """
    if new:
        return re.sub(rf"(?<![\w./-]){re.escape(text)}(?![\w./-])", lambda _: new, value)
    called = r"(?:check_policy_service[\s,]+)?(?:\{\s*)?(?:unix|local|inet):"
    named = rf"{called}{re.escape(text)}(?![\w./-])"
    rest = re.sub(rf"{named}(?:[^{{}}]*\}})?" if "{" in value else named, "", value)
    return ", ".join(rest.replace(",", " ").split()) if "{" not in rest else rest.strip(" ,")
