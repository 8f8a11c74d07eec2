"""Steps: what is done to a host, as data with three faces.

The *shell* line is what an administrator would type, and it runs as it stands. To *do* a step is
to run the very commands that the line shows, so the two cannot drift apart. To *undo* it is to
run its inverse; undoing twice, or undoing what was only begun, does no harm.

Nothing here touches a host; postwrap.provision.carry_out does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

Argv = tuple[str, ...]

NO_SUCH_COMMAND = 127
"""The exit status by which a shell tells that it found no such command."""


@dataclass(frozen=True, slots=True)
class Run:
    """Commands, each run if those before it succeeded; ``accept`` are the exit statuses that do.

    ``postwrap`` as the first word is this very program, wherever it lies.
    """

    commands: tuple[Argv, ...]
    accept: tuple[int, ...] = (0,)

    @property
    def shell(self) -> str:
        """The lines to type."""
        tolerated = [f" || [ $? -eq {status} ]" for status in self.accept if status]
        return "\n".join(shlex.join(argv) + "".join(tolerated[:1]) for argv in self.commands)


@dataclass(frozen=True, slots=True)
class Write:
    """A new file of its own; another one that is there is never overwritten.

    ``in_new``: in a directory that may have to be made first.
    """

    path: str
    content: str
    in_new: bool = False

    @property
    def directory(self) -> Run:
        """What makes the directory that it is in."""
        return run("mkdir", "-p", str(PurePosixPath(self.path).parent))

    @property
    def shell(self) -> str:
        """The lines to type."""
        lines = shlex.join(self.content.splitlines())
        first = f"{self.directory.shell}\n" if self.in_new else ""
        return f"{first}printf '%s\\n' {lines} >{shlex.quote(self.path)}"


@dataclass(frozen=True, slots=True)
class Rename:
    """Give a file or directory another name on its file system; gone already, nothing is done."""

    source: str
    target: str

    @property
    def shell(self) -> str:
        """The line to type."""
        return shlex.join(("mv", self.source, self.target))


@dataclass(frozen=True, slots=True)
class Restore:
    """Put one main.cf parameter back to ``before`` (None: not in the file) if it is as written.

    Where somebody has changed it since, it is left alone; of a list, ``element`` alone is taken
    out, for a registered directory that does not exist breaks the default instance.
    """

    directory: str
    parameter: str
    written: str
    before: str | None = None
    element: str = ""

    @property
    def shell(self) -> str:
        """The line to type."""
        return self.command(self.before).shell

    def command(self, value: str | None) -> Run:
        """Return what sets the parameter to ``value``, or takes it out of main.cf."""
        return set_parameters(self.directory, {self.parameter: value})


@dataclass(frozen=True, slots=True)
class RemoveQueue:
    """Remove a queue directory that holds no message; one that does is kept."""

    path: str

    @property
    def shell(self) -> str:
        """The line to type."""
        return shlex.join(("rm", "-rf", self.path))


@dataclass(frozen=True, slots=True)
class Prove:
    """See that an instance runs, listens at each of ``endpoints`` and takes a recipient there.

    ``others`` are where it listens and speaks something else. ``relays``: it takes mail for
    elsewhere from this host.
    """

    directory: str
    endpoints: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, int], ...] = ()
    relays: bool = False

    @property
    def shell(self) -> str:
        """The line to type."""
        return shlex.join(("postfix", "-c", self.directory, "status"))


@dataclass(frozen=True, slots=True)
class Requeue:
    """Hand every message in the queue directory ``source`` to the instance in ``directory``.

    Without a ``directory`` there must be no message. ``settle``: only finish the message that was
    on its way.
    """

    source: str
    directory: str = ""
    settle: bool = False

    @property
    def shell(self) -> str:
        """The line to type. No command of Postfix hands mail on: postwrap has one for this line."""
        words = (self.source, self.directory) if self.directory else (self.source,)
        return shlex.join(("postwrap", "requeue", *words))


Operation = Run | Write | Rename | Restore | RemoveQueue | Prove | Requeue

_KINDS: Mapping[str, type[Operation]] = {
    kind.__name__: kind for kind in (Run, Write, Rename, Restore, RemoveQueue, Prove, Requeue)
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is for, what is done, and what undoes it, in that order.

    ``lasting``: it changes what is not the instance's own, so removing the instance undoes it.
    """

    title: str
    do: Operation
    undo: tuple[Operation, ...] = ()
    lasting: bool = False


def run(*argv: str, accept: tuple[int, ...] = (0,)) -> Run:
    """Return the operation that runs one command."""
    return Run((argv,), accept)


def set_parameters(directory: str, settings: Mapping[str, str | None]) -> Run:
    """Return the operation that sets parameters in main.cf; those of None are taken out of it.

    Each has a postconf of its own: one that adds several does so in an order of its own, which
    differs from run to run.
    """
    postconf = ("postconf", "-c", directory)
    gone = [name for name, value in settings.items() if value is None]
    kept = [f"{name}={value}" for name, value in settings.items() if value is not None]
    removed = ((*postconf, "-X", *gone),) if gone else ()
    return Run((*removed, *((*postconf, "-e", setting) for setting in kept)))


def restores(
    directory: str,
    settings: Mapping[str, str | None],
    stated: Mapping[str, str],
    *,
    claimed: bool = False,
) -> tuple[Restore, ...]:
    """Return what undoes ``set_parameters``, main.cf stating what ``stated`` says before it.

    ``claimed``: what is so already is in it too, for others to see that it is wanted.
    """
    return tuple(
        Restore(directory, name, value or "", stated.get(name))
        for name, value in settings.items()
        if claimed or value != stated.get(name)
    )


def transcript(steps: Iterable[Step]) -> str:
    """Return the shell lines of ``steps``: a subshell to paste, which ends at the first failure."""
    lines = ["(", "set -e", "umask 022", "unset MAIL_CONFIG"]
    for step in steps:
        lines += [f"# {step.title}", step.do.shell]
    return "\n".join((*lines, ")"))


def kept(steps: Iterable[Step], refreshes: Iterable[Operation]) -> tuple[Step, ...]:
    """Return the steps that take back, one day, what the lasting ones of ``steps`` gave.

    ``refreshes`` are operations that only let an instance see a change.
    """
    skipped = tuple(refreshes)
    return tuple(
        Step(f"undo: {step.title}", undo, () if isinstance(undo, Restore) else (step.do,))
        for step in steps
        if step.lasting
        for undo in step.undo
        if undo not in skipped
    )


def step_to_json(step: Step) -> dict[str, Any]:
    """Return ``step`` as JSON keeps it."""
    undo = [_to_json(operation) for operation in step.undo]
    return {"title": step.title, "do": _to_json(step.do), "undo": undo, "lasting": step.lasting}


def step_from_json(document: Mapping[str, Any]) -> Step:
    """Return the step that ``step_to_json`` made ``document`` of."""
    undo = tuple(map(_from_json, document["undo"]))
    return Step(document["title"], _from_json(document["do"]), undo, document["lasting"])


def _to_json(operation: Operation) -> dict[str, Any]:
    return {"operation": type(operation).__name__, **asdict(operation)}


def _from_json(document: Mapping[str, Any]) -> Operation:
    values = {k: _tuples(v) for k, v in document.items() if k != "operation"}
    return _KINDS[document["operation"]](**values)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
