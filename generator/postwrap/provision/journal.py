"""The journal: one file an instance, written before each step is taken.

While steps are under way it says how far they have come and how to undo them, so that a run that
was killed is put back by the next one. Once an instance is made, it keeps what undoes the changes
to the default instance, for ``postwrap remove``.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from postwrap.bundle import Artifact
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.provision.steps import (
    Operation,
    Restore,
    Step,
    step_from_json,
    step_to_json,
)

DIRECTORY = "/var/lib/postwrap"
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

    name: str
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

    def path(self, name: str) -> str:
        """Return where the record of the instance ``name`` is."""
        return f"{DIRECTORY}/{name}.json"

    def read(self, name: str) -> Record | None:
        """Return the record of ``name``, if there is one; RefusedError where it is unreadable."""
        path = self.path(name)
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
        path = self.path(record.name)
        self.filesystem.stage(Artifact(path, text.encode(errors="surrogateescape"), 0o600))
        self.filesystem.commit(path)

    def prepare(self) -> None:
        """Make the journal's directory."""
        if not self.filesystem.is_directory(DIRECTORY):
            with contextlib.suppress(FileExistsError):  # another run was quicker
                self.filesystem.make_directory(DIRECTORY)

    def remove(self, name: str) -> None:
        """Forget ``name``."""
        self.filesystem.remove(self.path(name))
        self.filesystem.remove_directory(DIRECTORY)


def finished(record: Record, kept: Sequence[Step]) -> Record:
    """Return ``record`` once its steps are taken, with ``kept`` to take one day.

    A parameter that was changed twice goes back to what it was before the first change.
    """
    by_key = {_key(step): step for step in record.kept}
    for step in kept:
        earlier = by_key.get(_key(step))
        if earlier and isinstance(step.do, Restore) and isinstance(earlier.do, Restore):
            step = replace(step, do=replace(step.do, before=earlier.do.before))
        by_key[_key(step)] = step
    return replace(record, state=State.MADE, verb="", taken=(), kept=tuple(by_key.values()))


def _key(step: Step) -> tuple[str, ...]:
    if isinstance(step.do, Restore):
        return step.do.directory, step.do.parameter
    return (step.do.shell,)


def _document(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "directory": record.directory,
        "state": record.state,
        "verb": record.verb,
        "existed": record.existed,
        "taken": [step_to_json(step) for step in record.taken],
        "kept": [step_to_json(step) for step in record.kept],
    }


def _record(document: Mapping[str, Any]) -> Record:
    return Record(
        document["name"],
        document["directory"],
        State(document["state"]),
        document["verb"],
        tuple(map(step_from_json, document["taken"])),
        tuple(map(step_from_json, document["kept"])),
        document["existed"],
    )
