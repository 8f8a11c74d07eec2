"""What can be found at a path: data alone, as the plan compares it with what shall be there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from postwrap.bundle import digest_of


class EntryKind(Enum):
    """What is found at a path."""

    MISSING = auto()
    FILE = auto()
    LINK = auto()
    DIRECTORY = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path now."""

    kind: EntryKind
    mode: int = 0
    content: bytes = b""
    target: str | None = None

    @property
    def digest(self) -> str:
        """The identity that a manifest compares; see postwrap.bundle.digest_of."""
        if self.kind in {EntryKind.FILE, EntryKind.LINK}:
            return digest_of(self.mode, self.content, self.target)
        return self.kind.name.lower()


MISSING = Entry(EntryKind.MISSING)
