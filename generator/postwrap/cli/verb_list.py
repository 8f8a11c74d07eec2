"""The verb list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import typer

from postwrap.assemble import Assembly, assemble
from postwrap.bundle import Artifact
from postwrap.cli import output, queues
from postwrap.cli.declare import verb
from postwrap.cli.documents import ListDocument, ListedInstance
from postwrap.cli.options import Json, Names, TreeOptions, Watch
from postwrap.cli.watching import watch
from postwrap.errors import Status, UsageError
from postwrap.host.model import BootPlace
from postwrap.host.naming import Instance
from postwrap.install.state import Installed, installed
from postwrap.installation import Installation
from postwrap.queues.views import Counts

_RUNNING = {True: "running", False: "stopped", None: "unknown"}
_SECONDS = 5.0
"""How long the queues may take, altogether; of a longer one the list tells the part it has read."""


@dataclass(frozen=True, slots=True)
class ListedLine:
    """One instance as list shows it; ``running`` is None where that is unknown.

    ``counts`` are its messages, None where its queue cannot be read; not ``is_complete``: there
    are more. ``unknown`` is why something of this is unknown, "" for nothing.
    """

    instance: Instance
    running: bool | None
    wrappers: Installed
    counts: Counts | None = None
    is_complete: bool = False
    unknown: str = ""
    place: BootPlace | None = None
    """Its place in the boot, None where systemd has no part in it."""
    role: str = ""
    """Its role, "" for none; as an ordinary user it is unknown."""

    @property
    def queue_directory(self) -> str:
        """The queue directory, "" where postconf could not tell."""
        return self.instance.parameters.get("queue_directory", "")


@verb("list", examples=("postwrap list", "postwrap list --watch"), document=ListDocument)
def list_(
    tree: TreeOptions, names: Names = None, watches: Watch = False, json: Json = False
) -> None:
    """List the instances with their state, commands, directories and unit.

    STATE tells whether the instance runs, MAIL how many messages it has and DEFERRED how many of
    them are deferred (100+: at least so many), COMMANDS whether its commands are installed, UNIT
    its systemd unit, and NEXT BOOT whether that starts it, or why not. A narrow terminal gets fewer
    columns.
    """
    if watches:
        if json:
            message = "--watch: cannot be combined with --json"
            raise UsageError(message, "leave one of the two out")
        watch(lambda: _screen(tree, names or ()))
        return
    host = tree.host()
    assembly = assemble(host, names or (), commands_only=True)
    lines = _lines(host, assembly)
    if json:
        output.as_json(_document(lines, assembly))
    else:
        output.table(_table(lines))
        for note in (*_notes(lines), *_others(host)):
            output.note(note)
        output.problems(assembly.problems)
    raise typer.Exit(Status.FOUND if assembly.problems else Status.OK)


def _screen(tree: TreeOptions, names: Sequence[str]) -> list[str]:
    """Return the list as it is now, not wider than the terminal."""
    host = tree.host()
    assembly = assemble(host, names, commands_only=True)
    lines = _lines(host, assembly)
    problems = (f"{output.printable(p.subject)}: {p.message}" for p in assembly.problems)
    shown = (*output.columns(_table(lines)), *_notes(lines), *problems)
    return [line[: output.width() or None] for line in shown]


def _table(lines: Iterable[ListedLine]) -> list[list[str]]:
    heads = ("NAME", "STATE", "MAIL", "DEFERRED", "COMMANDS", "ROLE", "DIRECTORY", "QUEUE")
    rows = [(*heads, "UNIT", "NEXT BOOT"), *map(_row, lines)]
    return output.fitting(rows, ("QUEUE", "DIRECTORY", "UNIT", "ROLE"), output.width())


def _lines(host: Installation, assembly: Assembly) -> list[ListedLine]:
    own: dict[str, list[Artifact]] = defaultdict(list)
    for artifact in assembly.bundle:
        if artifact.command:
            own[artifact.instance].append(artifact)
    places, brought = host.next_boot, host.manifest.brought
    return [
        replace(
            line,
            wrappers=installed(own[line.instance.directory], host.destination.entry, brought),
            place=places.get(line.instance.directory),
            role=queues.recorded_role(host, line.instance.directory),
        )
        for line in _states(host, assembly.instances)
    ]


def _states(host: Installation, instances: Sequence[Instance]) -> Iterator[ListedLine]:
    """Yield a line for each of ``instances`` with its state and counts, if they are this host's."""
    if host.where.root:
        elsewhere = f"what runs on the host in {host.where.root} cannot be seen from here"
        for instance in instances:
            yield ListedLine(instance, None, Installed.MISSING, unknown=elsewhere)
        return
    counts = {instance.directory: Counts() for instance in instances}
    for found in queues.outcomes(
        host, instances, lambda i: (counts[i.directory],), seconds=_SECONDS
    ):
        own = counts[found.instance.directory]
        yield ListedLine(
            found.instance,
            found.running,
            Installed.MISSING,
            counts=own if found.is_complete or own.messages else None,
            is_complete=found.is_complete,
            unknown=found.problem.message if found.problem else "",
        )


def _notes(lines: Iterable[ListedLine]) -> Iterator[str]:
    """Yield why something is unknown, unless an error says so already."""
    for line in lines:
        if line.unknown and line.queue_directory:
            unknown = "STATE and MAIL are" if line.running is None else "MAIL is"
            yield f"postwrap: {line.instance.name}: {unknown} unknown: {line.unknown}"


def _others(host: Installation) -> Iterator[str]:
    """Yield which commands there are besides those that are listed."""
    for prefix, package in host.others:
        whose = f"the package {package}" if package else f"postwrap install --prefix={prefix}"
        yield f"postwrap: {prefix}: has commands of the instances too, installed by {whose}"


def _row(line: ListedLine) -> tuple[str, ...]:
    instance = line.instance
    state = _RUNNING[line.running]
    names = (instance.name, state, *_mail(line), str(line.wrappers), line.role)
    cells = (*names, instance.directory, line.queue_directory)
    if not line.place:
        return (*cells, "", "multi_instance_enable = no" if _enable(instance) == "no" else "")
    return (*cells, line.place.unit, "starts" if line.place.starts else line.place.why or "off")


def _mail(line: ListedLine) -> tuple[str, str]:
    """Return how many messages there are, and how many are deferred."""
    if not line.counts:
        return "?", "?"
    more = "" if line.is_complete else "+"
    return f"{line.counts.messages}{more}", f"{line.counts.by_queue['deferred']}{more}"


def _document(lines: Iterable[ListedLine], assembly: Assembly) -> ListDocument:
    return {
        "instances": [_instance(line) for line in lines],
        "problems": output.problem_list(assembly.problems),
    }


def _instance(line: ListedLine) -> ListedInstance:
    instance = line.instance
    return {
        "name": instance.name,
        "suffix": instance.suffix,
        "default": instance.is_default,
        "directory": instance.directory,
        "queue_directory": line.queue_directory or None,
        "running": line.running,
        "queues": queues.figures(line.counts) if line.counts else None,
        "complete": line.is_complete,
        "unknown": line.unknown or None,
        "commands": str(line.wrappers),
        "unit": line.place.unit if line.place else None,
        "starts_at_boot": line.place.starts if line.place else None,
        "boot_note": line.place.why if line.place else None,
        "enabled": {"yes": True, "no": False}.get(_enable(instance)),
        "role": line.role or None,
    }


def _enable(instance: Instance) -> str:
    """Return multi_instance_enable, "" where Postfix's default holds."""
    return instance.parameters.get("multi_instance_enable", "").lower()
