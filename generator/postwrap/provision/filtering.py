"""The way to a content filter and back: a line of master.cf, and what amavisd is told. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.host.addresses import Endpoint
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.provision.desired import Key, SettingKind, Value, service
from postwrap.provision.engine.steps import run
from postwrap.provision.roles.definition import Share

REFILTER = run("systemctl", "try-restart", "amavis", accept=(0, 5))
"""Lets amavisd read its configuration; 5 says that there is no such unit."""


def filter_settings(
    share: Share, model: HostModel, default: str, directory: str
) -> dict[Key, Value]:
    """Return the way to the filter and back, for the role ``share`` of the one in ``directory``."""
    made: dict[Key, Value] = {}
    if share.forward and model.amavis_directory:
        made[amavis_key(model, directory)] = amavis_settings(share.forward, directory)
    if share.transport:
        key, line = service(default, share.transport)
        made[key] = line
    return made


def need_own_transport(default: InstanceConfig, transport: str) -> None:
    """Raise RefusedError where master.cf has another service of the transport's name."""
    name = transport.partition(" ")[0]
    for other in default.services:
        if name and other.name == name and "smtp_send_xforward_command=yes" not in other.line:
            message = f"{default.directory}/master.cf: has a service {name} already"
            raise RefusedError(message, "give it another name there, or choose another for this")


def amavis_key(model: HostModel, directory: str) -> Key:
    """Return the file in amavisd's configuration that is the instance's: late, so that it wins."""
    name = PurePosixPath(directory).name
    return Key(SettingKind.FILE, f"{model.amavis_directory}/60-{name}")


def amavis_settings(endpoint: Endpoint, directory: str) -> str:
    """Return what amavisd has to be told: where passed mail goes."""
    method = f"smtp:{amavis_place(endpoint)}"
    return (
        "use strict;\n"
        f"# What was filtered goes to the Postfix instance in {directory}\n"
        f"$forward_method = '{method}';\n"
        "$notify_method = $forward_method;\n"
        "1;\n"
    )


def amavis_place(endpoint: Endpoint) -> str:
    """Return ``endpoint`` as amavisd writes it: in brackets, whatever its family."""
    return f"[{endpoint.address}]:{endpoint.port}"
