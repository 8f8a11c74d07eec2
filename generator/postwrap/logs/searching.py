"""The search through all logs of a host for the lines of its instances."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postwrap.logs.filters import is_filter
from postwrap.logs.lines import Line, parse, time_of
from postwrap.logs.sources import Source
from postwrap.logs.tags import Tags
from postwrap.logs.way import Found, Key, Reach, Words

_BEFORE = timedelta(hours=1)
"""Attempts to connect take smtp_connect_timeout for each address of a next hop."""
_MARGIN = timedelta(days=1)
"""The queue manager looks at a message again after maximal_backoff_time at most."""
_SANE = (datetime(1970, 1, 1) + timedelta(days=3650), datetime(9000, 1, 1))
"""Times outside of these are none of a log's, and bound no search."""
Span = tuple[datetime | None, datetime | None]
"""From when until when, None for the beginning or the end of a log."""


@dataclass(slots=True)
class Search:
    """Searches ``places`` for lines of the instances that ``tags`` knows, and of filters.

    Lines from before ``since`` and after ``until`` (local time) are left out. A further search
    looks no further from what was found before than ``lifetime``, which is how long a message may
    stay in a queue, unless it is asked for what is earlier or later.
    """

    places: Sequence[Source]
    tags: Tags
    since: datetime | None = None
    until: datetime | None = None
    lifetime: timedelta = timedelta(days=5)
    _searched: Span = (None, None)
    _times: list[datetime] = field(default_factory=list)
    """Those of the first and the last line that each search found in each log."""
    _now: datetime = field(default_factory=datetime.now)

    def __call__(self, wanted: Words, known: Container[Key]) -> Iterator[Found]:
        """Yield the lines that hold one of the words, but for those that are ``known``."""
        words = [word.encode(errors="surrogateescape") for word in wanted.words]
        for since, until in self._spans(wanted.reach):
            for number, place in enumerate(self.places):
                hits = place.search(
                    words, ignores_case=wanted.ignores_case, since=since, until=until
                )
                ends: list[Line] = []
                for hit in hits:
                    key = (number, hit.file, hit.offset)
                    found = self.found(key, hit.text) if key not in known else None
                    if found:
                        ends[len(ends[:1]) :] = [found.line]
                        yield found
                self._times += map(self._time, ends)

    def _spans(self, wanted: Reach) -> list[Span]:
        """Return the times to search; what was searched for the usual ones is left out later."""
        begin, end = self._searched
        if wanted is Reach.EARLIER:
            return [(self.since, begin)] if begin else []
        if wanted is Reach.LATER:
            return [(end, self.until)] if end else []
        reach = self.lifetime + _MARGIN
        is_odd = any(not _SANE[0] < at < _SANE[1] for at in self._times)
        if not self._times or is_odd:
            return [(self.since, self.until)]
        begin, end = min(self._times) - reach, max(self._times) + reach
        self._searched = (
            begin if not self.since or begin > self.since else None,
            end if not self.until or end < self.until else None,
        )
        return [(self._searched[0] or self.since, self._searched[1] or self.until)]

    def around(self, lines: Iterable[Line]) -> Search:
        """Return a search through the time of ``lines``, and an hour before."""
        times = [self._time(line) for line in lines]
        first = max(min(times), datetime.min + _BEFORE) - _BEFORE
        return Search(self.places, self.tags, first, max(times))

    def found(self, key: Key, text: str) -> Found | None:
        """Return the line ``text`` at ``key``, None for one of no instance or of another time."""
        line = parse(text)
        owner = self.tags.owner(line.tag) if line else None
        if line is None or (owner is None and not is_filter(line.tag)):
            return None
        if len(self.places) == 1 and not self.since and not self.until:
            return Found(key, 0.0, owner, line)
        at = self._time(line)
        is_outside = (self.since and at < self.since) or (self.until and at > self.until)
        seconds = (at - datetime.min) / timedelta(seconds=1)
        return None if is_outside else Found(key, seconds, owner, line)

    def _time(self, line: Line) -> datetime:
        return time_of(line, self._now)
