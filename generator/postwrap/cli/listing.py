"""The verbs list and which: where am I, and what have I got."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated

import typer

from postwrap.assemble import Assembly, assemble
from postwrap.boot import Place
from postwrap.bundle import Artifact
from postwrap.cli import app, output, where
from postwrap.errors import RefusedError, Status
from postwrap.host import Host
from postwrap.instance import Instance
from postwrap.status import Installed, installed, is_running

_RUNNING = {True: "running", False: "stopped", None: "unknown"}


@dataclass(frozen=True, slots=True)
class Line:
    """One instance as list shows it; ``running`` is None where only root may see it."""

    instance: Instance
    running: bool | None
    wrappers: Installed
    place: Place | None = None
    """Its place in the boot, None where systemd has no part in it."""

    @property
    def queue_directory(self) -> str:
        """The queue directory, "" where postconf could not tell."""
        return self.instance.parameters.get("queue_directory", "")


@app.command("list")
def list_instances(
    names: where.Names = None,
    prefix: where.Prefix = "",
    root: where.Root = "",
    user: where.User = False,
    json: where.Json = False,
) -> None:
    """List the instances: running or not, commands installed or not."""
    host = where.host(prefix, "", root, user, looks=True)
    assembly = assemble(host, names or ())
    lines = [_line(host, assembly, instance) for instance in assembly.instances]
    if json:
        document = {
            "instances": [_document(line) for line in lines],
            "problems": output.problem_list(assembly.problems),
        }
        output.as_json(document)
    else:
        heads = ("NAME", "STATE", "COMMANDS", "DIRECTORY", "QUEUE", "UNIT")
        output.table([heads, *map(_row, lines)])
        output.problems(assembly.problems)
    raise typer.Exit(Status.FOUND if assembly.problems else Status.OK)


@app.command()
def which(
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="mailq-out, say.")],
    prefix: where.Prefix = "",
    root: where.Root = "",
    user: where.User = False,
    json: where.Json = False,
) -> None:
    """Tell what a command stands for: mailq-out, say.

    Its instance, the real command, its file, and the shell line that it saves.
    """
    host = where.host(prefix, "", root, user, looks=True)
    assembly = assemble(host)
    artifact = _wrapper(assembly, PurePosixPath(command).name)
    target = next(t for t in host.targets[0] if t.name == artifact.command)
    instance = next(i for i in assembly.instances if i.directory == artifact.instance)
    line = shlex.join((f"MAIL_CONFIG={instance.directory}", *target.argv))
    facts = {
        "command": PurePosixPath(artifact.path).name,
        "instance": instance.name,
        "directory": instance.directory,
        "runs": shlex.join(target.argv),
        "file": artifact.path,
        "state": str(installed([artifact], host.destination)),
        "means": line,
    }
    if json:
        output.as_json(facts)
    else:
        output.table(list(facts.items()))


def _wrapper(assembly: Assembly, name: str) -> Artifact:
    for artifact in assembly.bundle:
        if artifact.command and PurePosixPath(artifact.path).name == name:
            return artifact
    message = f"{name}: no instance has a command of this name"
    raise RefusedError(message, "postwrap list shows the instances, man postwrap the commands")


def _line(host: Host, assembly: Assembly, instance: Instance) -> Line:
    own = (a for a in assembly.bundle if a.instance == instance.directory and a.command)
    queue = instance.parameters.get("queue_directory", "")
    running = is_running(host.source, queue) if queue else None
    # Until it is installed, the generator decides nothing.
    is_there = host.source.is_file(f"{host.layout.systemd_generator}/postwrap-generator")
    place = host.places.get(instance.directory) if is_there else None
    return Line(instance, running, installed(own, host.destination), place)


def _row(line: Line) -> tuple[str, ...]:
    instance = line.instance
    state = _RUNNING[line.running]
    cells = (instance.name, state, str(line.wrappers), instance.directory, line.queue_directory)
    if not line.place:
        return (*cells, "")
    return (*cells, line.place.unit if line.place.starts else "not started at boot")


def _document(line: Line) -> dict[str, object]:
    instance = line.instance
    return {
        "name": instance.name,
        "suffix": instance.suffix,
        "default": instance.is_default,
        "directory": instance.directory,
        "queue_directory": line.queue_directory or None,
        "running": line.running,
        "commands": str(line.wrappers),
        "unit": line.place.unit if line.place else None,
        "starts_at_boot": line.place.starts if line.place else None,
        "boot_note": line.place.why if line.place else None,
    }
