"""Following one message while it is logged, until it has left all queues."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from postwrap.logs.searching import Search
from postwrap.logs.sources import follow
from postwrap.logs.story import IN_QUEUE, Story, outcomes, stories
from postwrap.logs.way import Found, Passage, Trail

_RECENT = 5_000
"""So many lines are kept: what names a message may be logged after what it names."""
_QUIET = 1.0
"""Seconds without a line after which a message that has ended is taken to have ended."""


def follow_stories(search: Search, trail: Trail, stays: Sequence[Passage]) -> Iterator[list[Story]]:
    """Yield the messages as they are now, and again after each new line, until all ended.

    ``trail`` has found ``stays`` by ``search``.
    """
    found = stories(stays, trail.links)
    yield found
    recent: deque[Found] = deque(maxlen=_RECENT)
    for number, text in enumerate(follow(search.places, _QUIET)):
        if not text and not _is_there(found):
            return
        line = search.found((len(search.places), 0, number), text)
        if not line:
            continue
        recent.append(line)
        before = len(trail.known)
        new = trail.add([line])
        if len(trail.known) == before:
            continue
        while trail.news(new):
            new = trail.add(recent)
        found = stories(new, trail.links)
        yield found


def _is_there(found: Sequence[Story]) -> bool:
    """Whether one of the messages is still in a queue."""
    return any(end.state in IN_QUEUE for story in found for end in outcomes(story))
