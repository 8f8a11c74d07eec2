"""The records of provisioning: one file an instance, called after its directory.

While steps are under way it is a journal, written before each step is taken: it says how far they
have come and how to undo them, so that a run that was killed is put back by the next one. Once an
instance is made, it keeps what the instance wants to be set, and what was there before.
"""

from __future__ import annotations

import contextlib
import shlex
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from postwrap import STATE_DIRECTORY
from postwrap.bundle import Artifact
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem, unused
from postwrap.host.naming import Instance, suffix_of
from postwrap.provision.desired import Key, SettingKind
from postwrap.provision.engine.legacy import LEGACY_SCHEMA, UNORDERED, claims_of_kept, in_order
from postwrap.provision.engine.steps import Operation, Step, step_from_json, step_to_json
from postwrap.provision.ownership import Claim, Ownership, Part
from postwrap.sealed import seal, unseal

_ENDING = ".json"
SCHEMA = 3
_UNSEALED = frozenset({LEGACY_SCHEMA, 2})


class TornError(RefusedError):
    """A record that is empty or cut off, as a power cut leaves it, or otherwise no record."""

    def __init__(self, path: str, directory: str) -> None:
        message = f"{path}: is not a record of postwrap (a power cut may have torn it)"
        lost = f"what was changed for {directory} in other instances is not known"
        hint = shlex.join(("mv", path, f"{path}.torn"))
        super().__init__(f"{message}; {lost}", hint)
        self.path = path
        self.directory = directory


class RecordState(StrEnum):
    """How an instance stands."""

    MADE = "made"
    UNDER_WAY = "under way"
    """Steps are being taken or undone; to recover is to undo them."""
    FINISHING = "finishing"
    """The last steps are being taken, those without undo; to recover is to take them again."""


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """What is known of one instance that postwrap makes, changes or removes.

    ``taken`` are the steps that have at least begun. ``claims`` is what it wants to be set.
    ``verb`` is the command that was at work; ``existed`` whether there was a record before it.
    ``becomes`` is the configuration directory that it is to get while it is renamed, else "".
    ``request`` are the options that create was given, by name, None where that was not recorded.
    ``role`` is its role, "" for none or where that was not recorded.
    ``is_legacy``: postwrap 0.1 wrote it, which did not record the instance's own settings.
    """

    directory: str
    state: RecordState = RecordState.MADE
    verb: str = ""
    taken: tuple[Step, ...] = ()
    claims: tuple[Claim, ...] = ()
    existed: bool = False
    is_legacy: bool = False
    request: Mapping[str, str] | None = None
    role: str = ""
    becomes: str = ""

    def undoing(self) -> tuple[Operation, ...]:
        """Return what undoes the steps taken, in the order in which to do it."""
        return tuple(operation for step in reversed(self.taken) for operation in step.undo)


@dataclass
class ProvisionJournal:
    """The records of one host."""

    filesystem: Filesystem = field(default_factory=Filesystem)

    def path(self, directory: str) -> str:
        """Return where the record of the instance in ``directory`` is."""
        return f"{STATE_DIRECTORY}/{urllib.parse.quote(directory, safe='')}{_ENDING}"

    def directories(self) -> Iterator[str]:
        """Yield the configuration directories of which there are records."""
        for name in self.filesystem.names(STATE_DIRECTORY):
            if name.endswith(_ENDING) and name.startswith("%2F"):
                yield urllib.parse.unquote(name.removesuffix(_ENDING))

    @staticmethod
    def answers(directory: str, word: str) -> bool:
        """Whether the instance in ``directory`` is called ``word``."""
        return Instance(directory, suffix_of(directory)).answers_to(word)

    def unsettled(self, word: str, *, forgiving: bool = False) -> InstanceRecord | None:
        """Return what a killed run left of the instance that is called ``word``, if anything.

        Raises TornError where that cannot be read, unless ``forgiving``.
        """
        for directory in self.directories():
            is_meant = self.answers(directory, word)
            record = self.known(directory) if forgiving or not is_meant else self.read(directory)
            if record is None or record.state is RecordState.MADE:
                continue
            if is_meant or (record.becomes and self.answers(record.becomes, word)):
                return record
        return None

    @property
    def is_interrupted(self) -> bool:
        """Whether a killed run left something of any instance, or a record cannot be read."""
        known = map(self.known, self.directories())
        return any(record is None or record.state is not RecordState.MADE for record in known)

    def ownership(self, *, without: Iterable[str] = ()) -> Ownership:
        """Return what the instances of all records want; of torn ones nothing is known.

        ``without`` are directories left out.
        """
        left_out = frozenset(without)
        found = (self.known(other) for other in self.directories() if other not in left_out)
        return Ownership(in_order(claim for record in found if record for claim in record.claims))

    def carry_over(self) -> None:
        """Write records of old anew, before a change to one makes the order of all unknown."""
        ordered = self.ownership()
        for directory in self.directories():
            record = self.known(directory)
            if record and any(claim.serial == UNORDERED for claim in record.claims):
                self.write(replace(record, claims=tuple(ordered.of(directory))))

    def torn(self) -> Iterator[TornError]:
        """Yield what is wrong with each record that cannot be read."""
        for directory in self.directories():
            try:
                self.read(directory)
            except TornError as error:
                yield error
            except RefusedError:
                continue  # a newer postwrap's, and whole

    def known(self, directory: str) -> InstanceRecord | None:
        """Return the record of ``directory``, None for none and for a torn one."""
        try:
            return self.read(directory)
        except TornError:
            return None

    def set_aside(self, directory: str) -> str:
        """Give the record of ``directory`` a name under which it is none; return that."""
        path = self.path(directory)
        aside = unused(self.filesystem, f"{path}.torn")
        self.filesystem.rename(path, aside)
        return aside

    def read(self, directory: str) -> InstanceRecord | None:
        """Return the record of ``directory``, None for none; TornError if it cannot be read."""
        path = self.path(directory)
        if not self.filesystem.exists(path):
            return None
        try:
            text = self.filesystem.read_text(path)
            record = record_from_json(unseal(text, path, SCHEMA, _UNSEALED))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise TornError(path, directory) from None
        if record.directory != directory:
            raise TornError(path, directory)
        return record

    def write(self, record: InstanceRecord) -> None:
        """Keep ``record``, in one step and on the disk."""
        self.prepare()
        path = self.path(record.directory)
        self.filesystem.put(Artifact(path, seal(record_to_json(record)), 0o600))

    def prepare(self) -> None:
        """Make the journal's directory."""
        if not self.filesystem.is_directory(STATE_DIRECTORY):
            with contextlib.suppress(FileExistsError):  # another run was quicker
                self.filesystem.make_directory(STATE_DIRECTORY)
                self.filesystem.sync_names([STATE_DIRECTORY])

    def remove(self, record: InstanceRecord) -> None:
        """Forget ``record``, on the disk."""
        path = self.path(record.directory)
        self.filesystem.remove(path)
        self.filesystem.sync_names([path])
        self.filesystem.remove_directory(STATE_DIRECTORY)


def finished(record: InstanceRecord, claims: Iterable[Claim]) -> InstanceRecord:
    """Return ``record`` once its steps are taken, with what the instance wants from now on."""
    return replace(
        record,
        state=RecordState.MADE,
        verb="",
        taken=(),
        claims=tuple(claims),
        is_legacy=False,
        becomes="",
    )


def record_to_json(record: InstanceRecord) -> dict[str, Any]:
    """Return ``record`` as JSON keeps it."""
    document = {
        "schema": SCHEMA,
        "directory": record.directory,
        "state": record.state,
        "verb": record.verb,
        "existed": record.existed,
        "role": record.role,
        "taken": [step_to_json(step) for step in record.taken],
        "settings": [_claim_to_json(claim) for claim in record.claims],
    }
    if record.request is not None:
        document["request"] = dict(record.request)
    occasional = {"is_legacy": record.is_legacy, "becomes": record.becomes}
    return document | {name: value for name, value in occasional.items() if value}


def record_from_json(document: Mapping[str, Any]) -> InstanceRecord:
    """Return the record that ``document`` is, of this postwrap or of 0.1."""
    is_legacy = document["schema"] == LEGACY_SCHEMA
    directory = document["directory"]
    if is_legacy:
        claims = tuple(claims_of_kept(directory, map(step_from_json, document["kept"])))
    else:
        claims = tuple(_claim_from_json(directory, c) for c in document["settings"])
    taken = tuple(map(step_from_json, document["taken"]))
    verb, existed = document["verb"], document["existed"]
    if not (isinstance(directory, str) and isinstance(verb, str) and isinstance(existed, bool)):
        raise TypeError
    is_legacy = is_legacy or document.get("is_legacy") is True
    return InstanceRecord(
        directory,
        RecordState(document["state"]),
        verb,
        taken,
        claims,
        existed,
        is_legacy,
        _request_from_json(document.get("request")),
        str(document.get("role", "")),
        str(document.get("becomes", "")),
    )


def _request_from_json(document: Any) -> Mapping[str, str] | None:
    if document is None:
        return None
    if not all(isinstance(word, str) for pair in document.items() for word in pair):
        raise TypeError
    return dict(document)


def _claim_to_json(claim: Claim) -> dict[str, Any]:
    return {
        "wanted_by": claim.part,
        "serial": claim.serial,
        "kind": claim.key.kind,
        "place": claim.key.place,
        "name": claim.key.name,
        "value": claim.value,
        "before": claim.before,
    }


def _claim_from_json(owner: str, document: Mapping[str, Any]) -> Claim:
    key = Key(SettingKind(document["kind"]), document["place"], document["name"])
    value, before, serial = (document[name] for name in ("value", "before", "serial"))
    if not isinstance(serial, int) or not all(
        _is_value(x) for x in (value, before, key.place, key.name)
    ):
        raise TypeError
    return Claim(owner, Part(document["wanted_by"]), key, value, before, serial)


def _is_value(found: object) -> bool:
    return found is None or isinstance(found, str)
