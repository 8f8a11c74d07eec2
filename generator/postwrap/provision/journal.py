"""The journal: one file an instance, called after its directory, written before each step is taken.

While steps are under way it says how far they have come and how to undo them, so that a run that
was killed is put back by the next one. Once an instance is made, it keeps what undoes the changes
to the default instance, for ``postwrap remove``.
"""

from __future__ import annotations

import contextlib
import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from postwrap.bundle import Artifact
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.instance import Instance, suffix_of
from postwrap.provision.steps import Operation, Restore, Step, step_from_json, step_to_json

DIRECTORY = "/var/lib/postwrap"
_ENDING = ".json"
SCHEMA = 1


class State(StrEnum):
    """How an instance stands."""

    MADE = "made"
    UNDER_WAY = "under way"
    """Steps are being taken or undone; to recover is to undo them."""
    FINISHING = "finishing"
    """The last steps are being taken, those without undo; to recover is to take them again."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one instance that postwrap makes, changes or removes.

    ``taken`` are the steps that have at least begun. ``kept`` are the steps that take back what
    the host and the default instance were given for this one. ``verb`` is the command that was at
    work; ``existed`` whether there was a record before it.
    """

    directory: str
    state: State = State.MADE
    verb: str = ""
    taken: tuple[Step, ...] = ()
    kept: tuple[Step, ...] = ()
    existed: bool = False

    def undoing(self) -> tuple[Operation, ...]:
        """Return what undoes the steps taken, in the order in which to do it."""
        return tuple(operation for step in reversed(self.taken) for operation in step.undo)


@dataclass
class Journal:
    """The records of one host."""

    filesystem: Filesystem = field(default_factory=Filesystem)

    def path(self, directory: str) -> str:
        """Return where the record of the instance in ``directory`` is."""
        return f"{DIRECTORY}/{urllib.parse.quote(directory, safe='')}{_ENDING}"

    def directories(self) -> Iterator[str]:
        """Yield the configuration directories of which there are records."""
        for name in self.filesystem.names(DIRECTORY):
            if name.endswith(_ENDING) and name.startswith("%2F"):
                yield urllib.parse.unquote(name.removesuffix(_ENDING))

    def unsettled(self, word: str) -> Record | None:
        """Return what a killed run left of the instance that is called ``word``, if anything."""
        for directory in self.directories():
            if Instance(directory, suffix_of(directory)).answers_to(word):
                record = self.read(directory)
                if record and record.state is not State.MADE:
                    return record
        return None

    def others(self, directory: str) -> tuple[Record, ...]:
        """Return the records of all instances but that in ``directory``."""
        found = (self.read(other) for other in self.directories() if other != directory)
        return tuple(record for record in found if record)

    def wanted(self, directory: str) -> dict[tuple[str, str], str]:
        """Return the values that all instances but that in ``directory`` want set for them.

        They are by configuration directory and parameter.
        """
        steps = (step.do for record in self.others(directory) for step in record.kept)
        return {(do.directory, do.parameter): do.written for do in steps if isinstance(do, Restore)}

    def read(self, directory: str) -> Record | None:
        """Return the record of ``directory``, None for none; RefusedError if it is unreadable."""
        path = self.path(directory)
        if not self.filesystem.exists(path):
            return None
        try:
            document = json.loads(self.filesystem.read_text(path))
            if document["schema"] != SCHEMA:
                raise RefusedError(f"{path}: written by another postwrap", "use that newer one")
            return _record(document)
        except (ValueError, KeyError, TypeError):
            hint = "move it away; then see to what it undoes by hand"
            raise RefusedError(f"{path}: is no journal of postwrap", hint) from None

    def write(self, record: Record) -> None:
        """Keep ``record``, in one step and on the disk."""
        self.prepare()
        text = json.dumps({"schema": SCHEMA, **_document(record)}, indent=1) + "\n"
        path = self.path(record.directory)
        self.filesystem.stage(Artifact(path, text.encode(errors="surrogateescape"), 0o600))
        self.filesystem.commit(path)

    def prepare(self) -> None:
        """Make the journal's directory."""
        if not self.filesystem.is_directory(DIRECTORY):
            with contextlib.suppress(FileExistsError):  # another run was quicker
                self.filesystem.make_directory(DIRECTORY)

    def remove(self, record: Record) -> None:
        """Forget ``record``, once the other records know what it changed before they did."""
        for other in self.others(record.directory):
            heir = inheriting(other, record)
            if heir != other:
                self.write(heir)
        self.filesystem.remove(self.path(record.directory))
        self.filesystem.remove_directory(DIRECTORY)


def finished(record: Record, kept: Sequence[Step]) -> Record:
    """Return ``record`` once its steps are taken, with ``kept`` to take one day.

    A parameter that was changed twice goes back to what it was before the first change.
    """
    by_key = {_key(step): step for step in record.kept}
    for step in kept:
        by_key[_key(step)] = _continued(step, by_key.get(_key(step)))
    return replace(record, state=State.MADE, verb="", taken=(), kept=tuple(by_key.values()))


def inheriting(record: Record, gone: Record) -> Record:
    """Return ``record`` without the changes of ``gone``, which is about to be forgotten.

    What ``gone`` had changed first goes back, one day, to what it was before both.
    """
    earlier = {_key(step): step for step in gone.kept}
    kept = tuple(_continued(step, earlier.get(_key(step))) for step in record.kept)
    return replace(record, kept=kept)


def _continued(step: Step, earlier: Step | None) -> Step:
    """Return ``step`` going back to before ``earlier``, where it began with what that one wrote.

    Where somebody changed the parameter in between, it is his value that it goes back to.
    """
    first = earlier.do if earlier else None
    if not isinstance(step.do, Restore) or not isinstance(first, Restore):
        return step
    if step.do.before != (first.written or None):
        return step
    return replace(step, do=replace(step.do, before=first.before))


def _key(step: Step) -> tuple[str, ...]:
    if isinstance(step.do, Restore):
        return step.do.directory, step.do.parameter
    return (step.do.shell,)


def _document(record: Record) -> dict[str, Any]:
    return {
        "directory": record.directory,
        "state": record.state,
        "verb": record.verb,
        "existed": record.existed,
        "taken": [step_to_json(step) for step in record.taken],
        "kept": [step_to_json(step) for step in record.kept],
    }


def _record(document: Mapping[str, Any]) -> Record:
    return Record(
        document["directory"],
        State(document["state"]),
        document["verb"],
        tuple(map(step_from_json, document["taken"])),
        tuple(map(step_from_json, document["kept"])),
        document["existed"],
    )
