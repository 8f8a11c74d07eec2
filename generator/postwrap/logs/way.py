"""A message's way through the instances of a host, by its queue IDs and its Message-ID."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from postwrap.instance import Instance
from postwrap.logs.lines import Line, is_refusal
from postwrap.logs.tags import Owned

_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=<?([^\s>]+)>?")
_ADDRESS = re.compile(r"\b(?:from|to|orig_to)=<([^>]*)>")
_NOTICE = re.compile(r"notification: (\w+)$")
_REMOVED = "removed"


@dataclass(slots=True)
class Passage:
    """A message's stay in one instance: all lines about one queue file."""

    instance: Instance
    queue_id: str
    """"" for mail that was refused before there was a queue file."""
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

    def _found(self, pattern: re.Pattern[str]) -> set[str]:
        return {word for line in self.lines for word in pattern.findall(line.message)}


def passages(owned: Iterable[Owned]) -> list[Passage]:
    """Return the stays that the lines ``owned`` tell of, by the time of their first line.

    A short queue ID comes again once its file is gone: a line "removed" ends a stay.
    """
    stays: list[Passage] = []
    current: dict[tuple[str, str], Passage] = {}
    for instance, line in owned:
        if is_refusal(line):
            stays.append(Passage(instance, "", [line]))
        if not line.queue_id:
            continue
        key = (instance.directory, line.queue_id)
        if key not in current:
            current[key] = Passage(instance, line.queue_id)
            stays.append(current[key])
        current[key].lines.append(line)
        if line.message.endswith(f": {_REMOVED}"):
            del current[key]
    return stays


def way(stays: Sequence[Passage], what: str) -> list[Passage]:
    """Return those of ``stays`` that a message had, with the notices that came of it.

    ``what`` is its queue ID in any instance, its Message-ID, or an address, <> for the null sender:
    then every message from or to it.
    """
    by_message: defaultdict[str, set[int]] = defaultdict(set)
    by_file: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    found: set[int] = set()
    for number, stay in enumerate(stays):
        for message_id in stay.message_ids:
            by_message[message_id].add(number)
        by_file[stay.instance.directory, stay.queue_id].add(number)
        if _is_meant(stay, what):
            found.add(number)
    new = list(found)
    while new:
        stay = stays[new.pop()]
        same = [by_message[message_id] for message_id in stay.message_ids]
        notices = [by_file[stay.instance.directory, queue_id] for queue_id in stay.notices]
        further = set().union(*same, *notices) - found
        found |= further
        new += further
    return [stays[number] for number in sorted(found)]


def _is_meant(stay: Passage, what: str) -> bool:
    bare = what.removeprefix("<").removesuffix(">")
    return bool(what) and (
        what == stay.queue_id or bare in stay.message_ids or bare.lower() in stay.addresses
    )
