"""A message's way through the instances of a host, by its queue IDs and its Message-ID.

A log may be larger than memory. So it is read again and again, each time for the lines about what
is known by then, until nothing new is found: about four times.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from postwrap.instance import Instance
from postwrap.logs.lines import Line
from postwrap.logs.tags import Owned

_MESSAGE_ID = re.compile(r"message-id=<?([^\s>]+)>?")
_ADDRESS = re.compile(r"\b(?:from|to|orig_to)=<([^>]*)>")
_NOTICE = re.compile(r"notification: (\w+)$")
_REMOVED = ": removed"


@dataclass(slots=True, eq=False)
class Passage:
    """A message's stay in one instance: all lines about one queue file.

    ``queue_id`` is "" for mail that was refused before there was a queue file.
    """

    instance: Instance
    queue_id: str
    lines: list[Line] = field(default_factory=list)

    @property
    def message_ids(self) -> set[str]:
        """The Message-IDs that cleanup(8) logged, without their brackets."""
        return self._found(_MESSAGE_ID)

    @property
    def addresses(self) -> set[str]:
        """The senders and recipients, in lower case."""
        return {address.lower() for address in self._found(_ADDRESS)}

    @property
    def notices(self) -> set[str]:
        """The queue IDs of the bounces and other notices that came of it."""
        return self._found(_NOTICE)

    @property
    def words(self) -> set[str]:
        """What it is known by, here and in other instances."""
        return {self.queue_id, *self.message_ids, *self.notices} - {""}

    def _found(self, pattern: re.Pattern[str]) -> set[str]:
        return {word for line in self.lines for word in pattern.findall(line.message)}


class Wanted:
    """Which lines of a log are worth a closer look: those about ``words``, and those with ``what``.

    A quick look at the text, since most lines of a log are none.
    """

    def __init__(self, what: str) -> None:
        bare = _bare(what)
        self._needle = bare.lower() if bare else "=<>"
        self.words: set[str] = set()

    def __call__(self, text: str) -> bool:
        """Whether the line ``text`` is."""
        if text.partition("]: ")[2].partition(":")[0] in self.words or self._needle in text.lower():
            return True
        return "message-id=" in text and not self.words.isdisjoint(_MESSAGE_ID.findall(text))


def trace(read: Callable[[Wanted], Iterable[Owned]], what: str) -> list[Passage]:
    """Return the stays that a message had, with those of the notices that came of it.

    ``what`` is its queue ID in any instance, its Message-ID, or an address, <> for the null sender:
    then every message from or to it. ``read`` yields those lines of the log that are wanted.
    """
    wanted = Wanted(what)
    while True:
        found = way(passages(read(wanted)), what)
        new = {word for stay in found for word in stay.words} - wanted.words
        if not new:
            return found
        wanted.words |= new


def passages(owned: Iterable[Owned]) -> list[Passage]:
    """Return the stays that the lines ``owned`` tell of, by the time of their first line.

    A short queue ID comes again once its file is gone: a line "removed" ends a stay.
    """
    stays: list[Passage] = []
    current: dict[tuple[str, str], Passage] = {}
    for instance, line in owned:
        if not line.queue_id and not line.is_refusal:
            continue
        key = (instance.directory, line.queue_id)
        if key not in current:
            current[key] = Passage(instance, line.queue_id)
            stays.append(current[key])
        current[key].lines.append(line)
        if line.is_refusal or line.message.endswith(_REMOVED):
            del current[key]
    return stays


def way(stays: Sequence[Passage], what: str) -> list[Passage]:
    """Return those of ``stays`` that ``what`` means, as ``trace`` has it, and what belongs to them.

    Those are the stays of the same Message-ID, and the notices.
    """
    by_message: defaultdict[str, set[int]] = defaultdict(set)
    by_file: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, stay in enumerate(stays):
        by_file[stay.instance.directory, stay.queue_id].append(number)
        for message_id in stay.message_ids:
            by_message[message_id].add(number)
    found = {number for number, stay in enumerate(stays) if _is_meant(stay, what)}
    new = list(found)
    while new:
        number = new.pop()
        stay = stays[number]
        further = set().union(*(by_message[message_id] for message_id in stay.message_ids))
        for queue_id in stay.notices:
            files = by_file[stay.instance.directory, queue_id]
            further.update(_nearest(files, number))
        new += further - found
        found |= further
    return [stays[number] for number in sorted(found)]


def _nearest(numbers: Sequence[int], number: int) -> Iterator[int]:
    """Yield the one of ``numbers`` that follows ``number``, or else the last before.

    A short queue ID comes again. A notice begins after the message that it is about.
    """
    later = [other for other in numbers if other > number]
    yield from (later or numbers[-1:])[:1]


def _is_meant(stay: Passage, what: str) -> bool:
    bare = _bare(what)
    return bool(what) and (
        what == stay.queue_id or bare in stay.message_ids or bare.lower() in stay.addresses
    )


def _bare(what: str) -> str:
    return what.removeprefix("<").removesuffix(">")
