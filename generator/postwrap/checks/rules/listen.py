"""Remedies by which an instance comes to listen at a place where mail is handed to it."""

from __future__ import annotations

from postwrap.checks import remedies
from postwrap.checks.picture import Picture
from postwrap.host.addresses import Endpoint
from postwrap.host.model import InstanceConfig, Service


def has_no_place(picture: Picture, instance: InstanceConfig, _: Endpoint) -> bool:
    """Whether another instance listens wherever ``instance`` does; the default one stays there."""
    if instance.is_default:
        return False
    taken = [x.endpoint for i in picture.host.readable if i is not instance for x in i.listeners]
    return all(any(e.overlaps(x.endpoint) for e in taken) for x in instance.servers())


def server(instance: InstanceConfig, wanted: Endpoint) -> Service | None:
    """Return the SMTP server of ``instance`` that is like one at ``wanted``, None for none."""
    found = [s for s in instance.inet_services if s.command == "smtpd" and s.is_smtp_server]
    return next(iter(sorted(found, key=lambda s: (s.port != wanted.port, s.is_disabled))), None)


def listen(picture: Picture, instance: InstanceConfig, wanted: Endpoint, further: str = "") -> str:
    """Return the command that makes ``instance`` listen at ``wanted``; ``further``: what else.

    A server that has no place of its own moves there; another one gets a twin.
    """
    found = server(instance, wanted)
    assert found
    name = str(wanted)
    if has_no_place(picture, instance, wanted) and not found.is_disabled:
        command = remedies.tool(instance, "postconf", "-F", f"{found.key}/service={name}")
    else:
        line = " ".join(found.line.split()).replace(found.name, name, 1)
        command = remedies.tool(instance, "postconf", "-M", f"{name}/inet={line}")
    if words := _still_off(instance, name):
        command = remedies.both(command, words)
    begin = (remedies.restart(picture, instance), remedies.start(picture, instance))
    return remedies.both(command, further, *begin)


def _still_off(instance: InstanceConfig, name: str) -> str:
    """Return the command that lets the service ``name`` on where all are turned off.

    The first pattern that matches decides.
    """
    words = instance.words("master_service_disable")
    if not any(w.lower() in {"inet", f"{name}/inet"} for w in words):
        return ""
    rest = [w for w in words if w != f"{name}/inet"]
    spelt = (f"!{name}/inet", *rest) if rest else rest
    return remedies.edit(instance, master_service_disable=", ".join(spelt))
