"""Servers that an instance asks over TCP: milters, policy services, SASL, lookup tables. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from postwrap.host.addresses import Endpoint
from postwrap.host.inside import MILTERS, RESTRICTIONS, SASL, SASL_ON
from postwrap.host.model import HostModel, InstanceConfig, Service
from postwrap.host.nexthops import is_heard

_PLACE = r"\[?(?P<host>[^\s,{}\[\]:]+|(?<=\[)[0-9a-fA-F:]+)\]?:(?P<port>\d+)"
_MILTER = re.compile(rf"(?P<text>inet:{_PLACE})(?P<more>[^{{}}]*\}})?")
_POLICY = re.compile(rf"check_policy_service[\s,{{]+(?P<text>inet:{_PLACE})")
_SASL = re.compile(rf"(?P<text>inet:{_PLACE})$")
_TABLE = re.compile(rf"(?<![\w.-])(?P<text>(?:socketmap:inet|tcp):{_PLACE})")
_ACCEPT = re.compile(r"default_action\s*=\s*accept")
_ACTION = "milter_default_action"


class Asked(StrEnum):
    """What a server is asked for, and so what becomes of mail without it."""

    MILTER = "milter"
    POLICY = "policy service"
    SASL = "SASL server"
    TABLE = "lookup table"


@dataclass(frozen=True, slots=True)
class NamedServer:
    """A server that ``parameter`` names as ``text``: ``inet:127.0.0.1:8891``.

    ``override`` is the service of master.cf whose ``-o`` sets it, "" for main.cf.
    """

    asked: Asked
    parameter: str
    override: str
    value: str
    text: str
    host: str
    port: int


def named_servers(instance: InstanceConfig) -> Iterator[NamedServer]:
    """Yield the servers without which ``instance`` refuses mail for now."""
    for service in instance.enabled_services:
        for asked, parameter, pattern in _looked_for(instance, service):
            value = instance.value(service, parameter)
            override = service.key if parameter in service.options else ""
            for match in pattern.finditer(value):
                if asked is Asked.MILTER and _lets_pass(instance, service, match):
                    continue
                yield _server(asked, parameter, override, value, match)
    for parameter in instance.settings:
        value = instance.get(parameter)
        for match in _TABLE.finditer(value):
            yield _server(Asked.TABLE, parameter, "", value, match)


def _looked_for(
    instance: InstanceConfig, service: Service
) -> Iterator[tuple[Asked, str, re.Pattern[str]]]:
    for parameter, command in MILTERS.items():
        if service.command == command:
            yield Asked.MILTER, parameter, _MILTER
    if service.command != "smtpd":
        return
    for parameter in RESTRICTIONS:
        yield Asked.POLICY, parameter, _POLICY
    is_on = instance.value(service, SASL_ON).lower() == "yes"
    if is_on and instance.value(service, "smtpd_sasl_type") == "dovecot":
        yield Asked.SASL, SASL, _SASL


def _lets_pass(instance: InstanceConfig, service: Service, match: re.Match[str]) -> bool:
    """Whether mail passes where the milter is down: postconf(5) milter_default_action."""
    is_accepted = instance.value(service, _ACTION).lower() == "accept"
    more = match["more"] or ""
    return bool(_ACCEPT.search(more)) or (is_accepted and "default_action" not in more)


def _server(
    asked: Asked, parameter: str, override: str, value: str, match: re.Match[str]
) -> NamedServer:
    named = (match["text"], match["host"], int(match["port"]))
    return NamedServer(asked, parameter, override, value, *named)


def unheard_servers(host: HostModel, instance: InstanceConfig) -> Iterator[NamedServer]:
    """Yield the servers at an address of this host, each once, where nobody listens."""
    found = dict.fromkeys(named_servers(instance))
    for server in found:
        own = [a for a in host.resolve(server.host) if host.is_own(a)]
        places = [Endpoint(address, server.port) for address in own]
        if places and not any(is_heard(host, place) for place in places):
            yield server
