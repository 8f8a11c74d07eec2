"""The way to a content filter and back: a transport, and what amavisd is told. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.listeners import Endpoint
from postwrap.provision.steps import Step, Write, run

REFILTER = run("systemctl", "try-restart", "amavis", accept=(0, 5))
"""Lets amavisd read its configuration; 5 says that there is no such unit."""


def transport_step(directory: str, transport: str) -> Step:
    """Return the step that gives the default instance a way to a content filter."""
    postconf = ("postconf", "-c", directory)
    key = "/".join(transport.split()[:2])
    return Step(
        "give the default instance a way to the filter",
        run(*postconf, "-M", f"{key}={transport}"),
        (run(*postconf, "-MX", key),),
        lasting=True,
    )


def need_own_transport(default: Configured, transport: str) -> None:
    """Raise RefusedError where master.cf has another service of the transport's name."""
    name = transport.partition(" ")[0]
    for service in default.services:
        if name and service.name == name and "smtp_send_xforward_command=yes" not in service.line:
            message = f"{default.directory}/master.cf: has a service {name} already"
            raise RefusedError(message, "give it another name there, or choose another for this")


def filter_steps(facts: Facts, directory: str, forward: Endpoint | None) -> Iterator[Step]:
    """Yield what tells a content filter that is here to hand on to the instance at ``forward``."""
    if forward and facts.amavis:
        path = amavis_file(facts.amavis, directory)
        yield Step(
            "tell amavisd to hand on to it",
            Write(path, amavis_settings(str(forward), directory)),
            (run("rm", "-f", path),),
            lasting=True,
        )
        if facts.systemd:
            yield Step("let amavisd read that", REFILTER, (REFILTER,))


def amavis_file(directory: str, instance: str) -> str:
    """Return the file in amavisd's configuration that is the instance's: late, so that it wins."""
    return f"{directory}/60-{PurePosixPath(instance).name}"


def amavis_settings(endpoint: str, directory: str) -> str:
    """Return what amavisd has to be told: where passed mail goes."""
    host, _, port = endpoint.rpartition(":")
    method = f"smtp:[{host.strip('[]')}]:{port}"
    return (
        "use strict;\n"
        f"# What was filtered goes to the Postfix instance in {directory}.\n"
        f"$forward_method = '{method}';\n"
        "$notify_method = $forward_method;\n"
        "1;\n"
    )
