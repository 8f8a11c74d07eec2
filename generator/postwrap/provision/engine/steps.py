"""Steps: what is done to a host, as data with three faces.

The *shell* line is what an administrator would type, and it runs as it stands. To *do* a step is
to run the very commands that the line shows, so the two cannot drift apart. To *undo* it is to
run its inverse; undoing twice, or undoing what was only begun, does no harm.

Nothing here touches a host; postwrap.provision.engine.runner does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, get_args, get_origin, get_type_hints

Argv = tuple[str, ...]

NO_SUCH_COMMAND = 127
"""The exit status by which a shell tells that it found no such command."""

_REFUSED = 3
"""The exit status of postwrap that refuses and changes nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """Commands, each run if those before it succeeded; ``accept`` are the exit statuses that do."""

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
    """Give a file or directory another name on its file system; gone already, nothing is done.

    ``queue``: it is a queue directory, and nobody may be working in it.
    """

    source: str
    target: str
    queue: bool = False

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
    written: str | None
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
    """Remove a queue directory that holds no message and in which nobody works.

    One that holds a message is kept.
    """

    path: str

    @property
    def shell(self) -> str:
        """The line to type."""
        look = shlex.join(("postwrap", "requeue", self.path))
        return f"{look} && {shlex.join(('rm', '-rf', self.path))}"


@dataclass(frozen=True, slots=True)
class Prove:
    """See that an instance runs, listens at each of ``endpoints`` and takes a message there.

    ``others`` are where it listens and speaks something else. ``relays``: it takes mail for
    elsewhere from this host; else it takes mail for ``domain``, by default for its own name.
    At the endpoints ``strict`` it may refuse nothing. ``source`` is the address that is spoken
    from, "" for any.
    """

    directory: str
    endpoints: tuple[tuple[str, int], ...]
    others: tuple[tuple[str, int], ...] = ()
    relays: bool = False
    strict: tuple[tuple[str, int], ...] = ()
    domain: str = ""
    source: str = ""

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


@dataclass(frozen=True, slots=True)
class Install:
    """Give the instances ``words``, or all, their commands; one that cannot be served is skipped.

    Done by a function call: no verb starts postwrap as a process. ``tolerant``: where that is
    refused, they keep those that they have.
    """

    words: Argv = ()
    tolerant: bool = False

    @property
    def shell(self) -> str:
        """The line to type; 1 tells of an instance that was skipped."""
        accepted = ":" if self.tolerant else "[ $? -eq 1 ]"
        return f"{shlex.join(('postwrap', 'install', *self.words))} || {accepted}"


@dataclass(frozen=True, slots=True)
class Uninstall:
    """Take the commands of the instances ``words``, or of all, away; edited files are kept.

    ``tolerant``: where that is refused, there is nothing to take away, as in undoing an
    installation that was not made.
    """

    words: Argv = ()
    tolerant: bool = False

    @property
    def shell(self) -> str:
        """The line to type; 1 tells of a file that was kept."""
        return f"{shlex.join(('postwrap', 'uninstall', *self.words))} || [ $? -eq 1 ]"


@dataclass(frozen=True, slots=True)
class Records:
    """Let postwrap's records follow an instance that gets other names.

    ``paths`` are pairs of an old path and the new one, the configuration directories first.
    ``back``: it is the way back, and the record under the old name goes.
    """

    paths: tuple[tuple[str, str], ...]
    back: bool = False

    @property
    def shell(self) -> str:
        """The line to type. The records are sealed: postwrap has a command for this line."""
        pairs = (f"{old}={new}" for old, new in self.paths)
        return shlex.join(("postwrap", "renamed", *pairs))


Operation = (
    Run | Write | Rename | Restore | RemoveQueue | Prove | Requeue | Install | Uninstall | Records
)

_KINDS: Mapping[str, type[Operation]] = {
    kind.__name__: kind
    for kind in (
        *(Run, Write, Rename, Restore, RemoveQueue, Prove, Requeue, Install, Uninstall),
        Records,
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is for, what is done, and what undoes it, in that order."""

    title: str
    do: Operation
    undo: tuple[Operation, ...] = ()


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
    directory: str, settings: Mapping[str, str | None], stated: Mapping[str, str]
) -> tuple[Restore, ...]:
    """Return what undoes ``set_parameters``, main.cf stating what ``stated`` says before it."""
    return tuple(
        Restore(directory, name, value, stated.get(name))
        for name, value in settings.items()
        if value != stated.get(name)
    )


def transcript(steps: Iterable[Step]) -> str:
    """Return the shell lines of ``steps``: a subshell to paste, which ends at the first failure."""
    lines = ["(", "set -e", "umask 022", "unset MAIL_CONFIG"]
    for step in steps:
        lines += [f"# {step.title}", step.do.shell]
    return "\n".join((*lines, ")"))


def step_to_json(step: Step) -> dict[str, Any]:
    """Return ``step`` as JSON keeps it."""
    undo = [_to_json(operation) for operation in step.undo]
    return {"title": step.title, "do": _to_json(step.do), "undo": undo}


def step_from_json(document: Mapping[str, Any]) -> Step:
    """Return the step that ``step_to_json`` made ``document`` of."""
    undo = tuple(map(_from_json, document["undo"]))
    if not isinstance(document["title"], str):
        raise TypeError
    return Step(document["title"], _from_json(document["do"]), undo)


def _to_json(operation: Operation) -> dict[str, Any]:
    return {"operation": type(operation).__name__, **asdict(operation)}


def _from_json(document: Mapping[str, Any]) -> Operation:
    values = {k: _tuples(v) for k, v in document.items() if k != "operation"}
    made = _KINDS[document["operation"]](**values)
    hints = get_type_hints(type(made))
    if not all(_fits(getattr(made, name), hint) for name, hint in hints.items()):
        raise TypeError(document["operation"])
    return _called(made) if isinstance(made, Run) else made


def _fits(value: Any, hint: Any) -> bool:
    """Whether ``value`` is of the type that a field of an operation is declared as."""
    inner = get_args(hint)
    if get_origin(hint) is not tuple:
        return any(type(value) is kind for kind in inner or (hint,))
    if not isinstance(value, tuple):
        return False
    if inner[-1] is ...:
        return all(_fits(each, inner[0]) for each in value)
    return len(value) == len(inner) and all(map(_fits, value, inner))


def _called(written: Run) -> Operation:
    """Return what older records have as a run of postwrap itself."""
    match written.commands:
        case (("postwrap", "install", *words),):
            return Install(tuple(words))
        case (("postwrap", "uninstall", *words),):
            return Uninstall(tuple(words), tolerant=_REFUSED in written.accept)
    return written


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
