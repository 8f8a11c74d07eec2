"""What a queue file says of its message. Pure.

A queue file is a sequence of records: a type, a length in groups of seven bits, the lowest first,
and the data; postfix src/global/rec_type.h and src/global/record.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SIZE, _TIME, _SENDER, _LINE, _PART = b"C", b"T", b"S", b"N", b"L"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The arrival time as written (seconds and microseconds), the size in bytes, the sender.

    ``content`` is where the message itself begins in the queue file.
    """

    arrival: str
    size: int
    sender: str
    content: int

    @property
    def key(self) -> tuple[str, int, str]:
        """What two copies of one message have in common."""
        return self.arrival, self.size, self.sender


def records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the data of each whole record at the beginning of ``data``."""
    place = 0
    while place + 1 < len(data):
        kind, length, shift = data[place : place + 1], 0, 0
        place += 1
        while place < len(data):
            group = data[place]
            length |= (group & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if not group & 0x80:
                break
        if place + length > len(data):
            return
        yield kind, data[place : place + length]
        place += length


def envelope(data: bytes) -> Envelope | None:
    """Return the envelope that begins with ``data``, None where it is not a queue file's."""
    found: dict[bytes, bytes] = {}
    for kind, value in records(data):
        found.setdefault(kind, value)
        if kind == _SENDER:
            break
    numbers = found.get(_SIZE, b"").split()
    if _SENDER not in found or _TIME not in found or len(numbers) < 2:
        return None
    arrival, sender = (found[k].decode("utf-8", "replace") for k in (_TIME, _SENDER))
    try:
        return Envelope(" ".join(arrival.split()), int(numbers[0]), sender, int(numbers[1]))
    except ValueError:
        return None


def message_id(content: bytes) -> str:
    """Return the Message-ID of the message that begins with ``content``, "" for none."""
    text = b""
    for kind, value in records(content):
        if kind == _LINE and not value:
            break
        if kind in {_LINE, _PART}:
            text += value + (b"\n" if kind == _LINE else b"")
    for line in text.replace(b"\n ", b" ").replace(b"\n\t", b" ").splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"message-id":
            return value.strip().decode("utf-8", "replace")
    return ""
