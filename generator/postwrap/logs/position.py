"""How far a log file was read. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read.

    ``head`` is a digest of its first ``length`` bytes, unpacked; ``offset`` counts them unpacked
    too. ``status`` is its device, inode, size and time of change when it was read.
    """

    status: tuple[int, int, int, int]
    offset: int
    head: str
    length: int


def position_of(told: Any) -> Position:
    """Return the position that JSON keeps; KeyError, TypeError or ValueError where it is none."""
    device, inode, size, time = map(int, told["status"])
    length = int(told["length"])
    return Position((device, inode, size, time), int(told["offset"]), str(told["head"]), length)


def position_as_json(position: Position) -> dict[str, Any]:
    """Return ``position`` as JSON can keep it."""
    return asdict(position)
