"""A message's way through the instances of a host, by its queue IDs and its Message-ID. Pure.

A log may be larger than memory. So it is searched for the words that are known, first for what was
asked, then for what those lines name, until nothing new is found: two to four times for most.

Two stays belong together where cleanup(8) logged the same Message-ID for both, where one is a
notice that came of the other, or where one was handed to the other: "queued as" by a relay on this
host, "forwarded as" by local(8), or another queue ID after ``postsuper -r``. Only the first
Message-ID of a stay counts, and what a server elsewhere says of queue IDs counts for nothing: so
nobody can chain messages of others together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum, auto
from operator import itemgetter
from typing import NamedTuple

from postwrap.host.naming import Instance
from postwrap.logs.events import PASSED, Event, EventKind, event_of
from postwrap.logs.filters import Filtered, filtered
from postwrap.logs.lines import QUEUE_ID, Line

PASSES = 12
"""How often the log is searched at most. Four are enough but for bounces of bounces."""

_IS_QUEUE_ID = re.compile(QUEUE_ID)
_PEER = re.compile(r"\[([^\[\]]+)\](?::\d+)?$")

_BEGINNINGS = {EventKind.CLIENT, EventKind.PICKUP, EventKind.MESSAGE_ID}

Key = tuple[int, int, int]
"""Where a line is: which log, which file of it, at which byte."""


class Found(NamedTuple):
    """A line that a search found, of an ``instance`` or of a content filter (None).

    ``at`` sorts lines of several logs: seconds, or 0 where one log is searched, which is in order.
    """

    key: Key
    at: float
    instance: Instance | None
    line: Line


class Reach(Enum):
    """When the lines are from that a search looks for."""

    USUAL = auto()
    """As long before and after what was found as a message may be in a queue; at first, any."""
    EARLIER = auto()
    LATER = auto()


class Words(NamedTuple):
    """What a log is searched for: lines that hold one of ``words``, whatever the case or not."""

    words: Set[str]
    ignores_case: bool = False
    reach: Reach = Reach.USUAL


@dataclass(slots=True, eq=False)
class Passage:
    """A message's stay in one instance: all lines about one queue file.

    ``queue_id`` is "" for mail that was refused before there was a queue file. ``message_id`` is
    the first Message-ID that cleanup(8) logged; ``notices``, ``handed`` and ``origins``
    are the queue IDs of the notices that came of it, of the queue files that it was handed on to,
    and of those that it was made of; ``filtered`` is what content filters said of it,
    ``attempts`` the connections that failed before its deliveries (postwrap.logs.attempts).
    """

    instance: Instance
    queue_id: str
    lines: list[Line] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    message_id: str = ""
    notices: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    filtered: list[tuple[Filtered, Line]] = field(default_factory=list)
    attempts: list[Line] = field(default_factory=list)

    @property
    def message_ids(self) -> list[str]:
        """All Message-IDs that cleanup(8) logged, each once."""
        return list(dict.fromkeys(e.message_id for e in self.events if e.message_id))

    def lacks(self, reach: Reach) -> bool:
        """Whether its beginning or its end is not known; it may be in the queue still."""
        if not self.queue_id or reach is Reach.USUAL:
            return False
        if reach is Reach.EARLIER:
            return not any(event.kind in _BEGINNINGS for event in self.events)
        return self.events[-1].kind is not EventKind.REMOVED

    def named(self, event: Event) -> list[str]:
        """Return the list that the queue ID in ``event`` belongs to."""
        if event.kind is EventKind.NOTICE:
            return self.notices
        is_onward = event.kind is EventKind.DELIVERY or event.status == PASSED
        return self.handed if is_onward else self.origins

    def matches(self, what: str, word: str, lower: str) -> bool:
        """Whether it is ``what``, which is ``word`` without <>, ``lower`` in lower case."""
        return what == self.queue_id or any(
            word == event.message_id != "" or lower in event.addresses for event in self.events
        )


def search_words(what: str) -> Words:
    """Return what to search first for ``what``."""
    word = bare(what)
    if "\n" in word:
        return Words(set())  # no line holds it
    if not word:
        return Words({"from=<>"} if what else set())
    return Words({word}, ignores_case=not _IS_QUEUE_ID.fullmatch(word))


class Trail:
    """What is known of a message while its way is followed.

    ``what`` is its queue ID in any instance, its Message-ID, or an address, <> for the null sender:
    then every message from or to it. ``links`` says which queue IDs are this host's.
    """

    def __init__(self, what: str, links: Links) -> None:
        self.what = what
        self._bare = bare(what)
        self._lower = self._bare.lower()
        self.links = links
        self._told: dict[Key, tuple[float, Key, Instance, Line, Event]] = {}
        self._stays: list[Passage] = []
        self._filtered: dict[Key, tuple[Filtered, Line]] = {}
        self._files: set[tuple[str, str]] = set()
        self._queue_ids = {what}
        self._others: set[str] = set()
        self._message_ids = {self._bare} - {""}

    @property
    def known(self) -> Collection[Key]:
        """Where the lines are that need not be found again."""
        return self._told

    def add(self, found: Iterable[Found]) -> list[Passage]:
        """Take what a search found; return the stays that are known to belong to it, by time."""
        told = self._told
        before = len(told) + len(self._filtered)
        for key, at, instance, line in found:
            if instance is None:
                if said := filtered(line):
                    self._filtered[key] = (said, line)
            elif line.queue_id or line.is_before_queue:
                event = event_of(line)
                if self._is_wanted(instance, line.queue_id, event):
                    told[key] = (at, key, instance, line, event)
        if len(told) + len(self._filtered) == before:
            return self._stays
        in_order = sorted(told.values(), key=itemgetter(0, 1))
        stays = passages((own[2:] for own in in_order), self.links)
        self._stays = way(stays, self.what)
        self._tell_filtered(self._stays)
        return self._stays

    def _tell_filtered(self, stays: Iterable[Passage]) -> None:
        """Give each of ``stays`` what filters said of it: by queue ID and Message-ID."""
        by_before = {(o[0].queue_id, o[0].message_id): o for o in self._filtered.values()}
        by_after = {(o[0].queued_as, o[0].message_id): o for o in self._filtered.values()}
        for stay in stays if by_before else ():
            key = (stay.queue_id, stay.message_id)
            own = by_before.get(key) or by_after.get(key)
            stay.filtered = [own] if own and not (own[0].queue_id and key not in by_before) else []

    def news(self, stays: Iterable[Passage]) -> set[str]:
        """Return the words of ``stays`` that the log was not yet searched for."""
        files = {(s.instance.directory, s.queue_id) for s in stays if s.queue_id} - self._files
        message_ids = {s.message_id for s in stays if s.message_id} - self._message_ids
        others = {
            other for s in stays for other in (*s.notices, *s.handed, *s.origins)
        } - self._others
        self._files |= files
        self._others |= others
        self._message_ids |= message_ids
        queue_ids = {queue_id for _, queue_id in files}
        self._queue_ids |= queue_ids
        return (queue_ids - {self.what}) | message_ids | (others - self._queue_ids)

    def _is_wanted(self, instance: Instance, queue_id: str, event: Event) -> bool:
        """Whether a line is about what is known or was asked for, by its fields alone."""
        if queue_id and (
            (instance.directory, queue_id) in self._files
            or queue_id == self.what
            or queue_id in self._others
        ):
            return True
        if event.message_id in self._message_ids:
            return True
        if event.other in self._queue_ids and self.links.joins(event):
            return True
        return self._lower in event.addresses and bool(self.what)


class Links:
    """Which events name a queue file of this host. ``is_own``: whether an address is the host's."""

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own
        self._known: dict[str, bool] = {"local": True}

    def joins(self, event: Event) -> bool:
        """Whether the queue ID ``event.other`` is one of this host."""
        if event.kind is EventKind.DELIVERY:
            return self.is_here(event.relay)
        if event.kind is EventKind.CLIENT:
            return self.is_here(event.client)
        return bool(event.other)

    def is_here(self, peer: str) -> bool:
        """Whether ``peer``, name[address]:port or name[path], is on this host."""
        if peer not in self._known:
            found = _PEER.search(peer)
            where = found[1] if found else ""
            self._known[peer] = "/" in where or self._is_own(where)
        return self._known[peer]


def trace(
    search: Callable[[Words, Container[Key]], Iterable[Found]], trail: Trail
) -> list[Passage]:
    """Return the stays that a message had, with those of the notices that came of it.

    ``search`` yields the lines of all instances that hold one of some words, but for those whose
    keys are known. It may bound all but the first search by the times of what was found. So the
    beginnings and ends that are missing then, as of messages that were long on hold, are looked
    for once more.
    """
    words = search_words(trail.what)
    stays: list[Passage] = []
    sought: set[tuple[Reach, str]] = set()
    for _ in range(PASSES):
        if not words.words:
            break
        stays = trail.add(search(words, trail.known))
        words = Words(trail.news(stays))
        for reach in () if words.words else (Reach.EARLIER, Reach.LATER):
            missing = {(reach, s.queue_id) for s in stays if s.lacks(reach)} - sought
            if missing:
                sought |= missing
                words = Words({queue_id for _, queue_id in missing}, reach=reach)
                break
    return stays


def passages(told: Iterable[tuple[Instance, Line, Event]], links: Links) -> list[Passage]:
    """Return the stays that lines tell of, by the time of their first line.

    A short queue ID comes again once its file is gone: a line "removed" ends a stay.
    """
    stays: list[Passage] = []
    current: dict[tuple[str, str], Passage] = {}
    for instance, line, event in told:
        key = (instance.directory, line.queue_id)
        stay = current.get(key)
        if stay is None:
            stay = current[key] = Passage(instance, line.queue_id)
            stays.append(stay)
        stay.lines.append(line)
        stay.events.append(event)
        if event.message_id and not stay.message_id:
            stay.message_id = event.message_id
        if event.other and links.joins(event):
            stay.named(event).append(event.other)
        if event.kind is EventKind.REMOVED or not line.queue_id:
            del current[key]
    return stays


def way(stays: Sequence[Passage], what: str) -> list[Passage]:
    """Return those of ``stays`` that ``what`` means, as Trail has it, and what belongs to them."""
    joined = _joined(stays)
    lower = bare(what).lower()
    found = {n for n, stay in enumerate(stays) if what and stay.matches(what, bare(what), lower)}
    new = list(found)
    while new:
        further = joined[new.pop()] - found
        new += further
        found |= further
    return [stays[number] for number in sorted(found)]


def _joined(stays: Sequence[Passage]) -> list[set[int]]:
    """Return, for each stay, the numbers of those that follow from it."""
    by_message: defaultdict[str, set[int]] = defaultdict(set)
    for number, stay in enumerate(stays):
        if stay.message_id:
            by_message[stay.message_id].add(number)
    empty: set[int] = set()
    joined = [by_message.get(stay.message_id, empty) for stay in stays]
    own: dict[int, set[int]] = {}

    def join(one: int, other: int) -> None:
        if one not in own:
            own[one] = joined[one] = set(joined[one])
        joined[one].add(other)

    for link in links_of(stays):
        join(link.one, link.other)
        if not link.is_notice:
            join(link.other, link.one)
    return joined


class Link(NamedTuple):
    """Stay number ``other`` came of number ``one``: handed on, queued again, or a notice of it.

    ``queue_id`` is what a line of ``one`` calls it, "" where a line of ``other`` names ``one``.
    """

    one: int
    other: int
    queue_id: str
    is_notice: bool


def links_of(stays: Sequence[Passage]) -> Iterator[Link]:
    """Yield which of ``stays`` name others of them."""
    by_file: defaultdict[str, list[int]] = defaultdict(list)
    for number, stay in enumerate(stays):
        by_file[stay.queue_id].append(number)
    for number, stay in enumerate(stays):
        for queue_id in stay.notices:
            same = [n for n in by_file[queue_id] if stays[n].instance is stay.instance]
            for other in _nearest(same, number):
                yield Link(number, other, queue_id, is_notice=True)
        for queue_id in stay.handed:
            for other in _nearest([n for n in by_file[queue_id] if n != number], number):
                yield Link(number, other, queue_id, is_notice=False)
        for queue_id in stay.origins:
            for other in [n for n in by_file[queue_id] if n < number][-1:]:
                yield Link(other, number, "", is_notice=False)


def _nearest(numbers: Sequence[int], number: int) -> Iterator[int]:
    """Yield the one of ``numbers`` that follows ``number``, or else the last before.

    A short queue ID comes again. What comes of a message begins after it.
    """
    later = (other for other in numbers if other > number)
    yield from [next(later, numbers[-1])] if numbers else []


def bare(what: str) -> str:
    """Return ``what`` without <>."""
    return what.removeprefix("<").removesuffix(">")
