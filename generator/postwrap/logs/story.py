"""A message's story: what happened to it, in order, and how it ended. Pure.

A story is made of stays that were handed from one to the next. Where nobody logged that (a filter
that does not say "queued as"), stays with one Message-ID are joined, unless a stay began with mail
from outside: that is another message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from postwrap.logs.events import PASSED, Event, EventKind
from postwrap.logs.lines import Line
from postwrap.logs.way import Links, Passage, links_of


class State(StrEnum):
    """How a recipient's delivery stands."""

    DELIVERED = "delivered"
    QUEUED = "queued"
    HELD = "held"
    BOUNCED = "bounced"
    EXPIRED = "expired"
    REFUSED = "refused"
    DISCARDED = "discarded"
    DELETED = "deleted"
    UNKNOWN = "unknown"
    """The log does not tell it."""


IN_QUEUE = frozenset((State.QUEUED, State.HELD))
"""The states of a message that is still there."""


@dataclass(slots=True, eq=False)
class Story:
    """One message: its ``stays``, each after the one it came of.

    ``notices`` are the stays of notices that came of it. ``targets`` holds, for a stay and the
    queue ID that a line of it names, the stay there; ``filtered`` the stay that came of one by a
    server on this host that did not say so. ``parents`` are the stays that others came of.
    """

    links: Links
    stays: list[Passage] = field(default_factory=list)
    notices: list[Passage] = field(default_factory=list)
    targets: dict[tuple[int, str], Passage] = field(default_factory=dict)
    filtered: dict[int, Passage] = field(default_factory=dict)
    parents: dict[int, Passage] = field(default_factory=dict)

    def target(self, stay: Passage, event: Event) -> Passage | None:
        """Return the stay that ``event`` of ``stay`` handed the message on to."""
        if event.status == PASSED:
            return self.targets.get((id(stay), event.other))
        if event.kind is not EventKind.DELIVERY or event.status != "sent":
            return None
        if named := self.targets.get((id(stay), event.other)):
            return named
        after = self.filtered.get(id(stay))
        return after if after and self.links.is_here(event.relay) else None

    def path(self, stay: Passage) -> list[Passage]:
        """Return the stays that led to ``stay``, itself last."""
        path = [stay]
        while (parent := self.parents.get(id(path[0]))) and parent not in path:
            path.insert(0, parent)
        return path

    @property
    def sender(self) -> str | None:
        """The envelope sender where it is logged."""
        return next((e.sender for s in self.stays for e in s.events if e.sender is not None), None)

    @property
    def message_id(self) -> str:
        """The first Message-ID."""
        return next((stay.message_id for stay in self.stays if stay.message_id), "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended for one recipient, "" where none is logged.

    ``stay`` is where it ended, ``event`` what decides it (None: only the stay's state does),
    ``line`` its line. ``tries`` are the deferrals before.
    """

    recipient: str
    state: State
    stay: Passage
    event: Event | None
    line: Line
    tries: tuple[Event, ...] = ()


def stories(stays: Sequence[Passage], links: Links) -> list[Story]:
    """Return the messages that ``stays``, in the order of time, are of."""
    heads = [*range(len(stays))]

    def head(number: int) -> int:
        while heads[number] != number:
            heads[number] = heads[heads[number]]
            number = heads[number]
        return number

    found = [*links_of(stays)]
    notices = {link.other for link in found if link.is_notice}
    for link in found:
        one, other = sorted((head(link.one), head(link.other)))
        heads[other] = one
    latest: dict[str, int] = {}
    silent: list[tuple[int, int]] = []
    children = {link.other for link in found}
    for number, stay in enumerate(stays):
        if not stay.message_id:
            continue
        known = latest.get(stay.message_id)
        if known is not None and number not in children and not _is_from_outside(stay, links):
            heads[head(number)] = head(known)
            silent.append((known, number))
        latest[stay.message_id] = number
    made: dict[int, Story] = {}
    for number, stay in enumerate(stays):
        story = made.setdefault(head(number), Story(links))
        is_notice = number in notices and head(number) != number
        (story.notices if is_notice else story.stays).append(stay)
    for link in found:
        story = made[head(link.one)]
        story.targets[id(stays[link.one]), link.queue_id] = stays[link.other]
        if not link.is_notice:
            story.parents.setdefault(id(stays[link.other]), stays[link.one])
    for one, other in silent:
        _join_silently(made[head(one)], stays[one], stays[other])
    for story in made.values():
        story.stays.sort(key=lambda stay: len(story.path(stay)))
    return list(made.values())


def _join_silently(story: Story, one: Passage, other: Passage) -> None:
    """Tell that ``other`` came of ``one``, by a server on this host that did not say so."""
    if any(e.status == "sent" and e.relay and story.links.is_here(e.relay) for e in one.events):
        story.filtered.setdefault(id(one), other)
        story.parents.setdefault(id(other), one)


def _is_from_outside(stay: Passage, links: Links) -> bool:
    """Whether ``stay`` began with mail from another host, or by sendmail(1)."""
    for event in stay.events:
        if event.kind is EventKind.PICKUP:
            return True
        if event.kind is EventKind.CLIENT:
            return not links.is_here(event.client)
    return False


def outcomes(story: Story) -> list[Outcome]:
    """Return how ``story`` ended for each recipient, in the order of the log."""
    return [found for stay in story.stays for found in _ends(story, stay)]


def _ends(story: Story, stay: Passage) -> Iterator[Outcome]:
    """Yield how it ended for those whose way ended in ``stay``."""
    tries: dict[str, list[Event]] = {}
    last: dict[str, tuple[Event, Line]] = {}
    state = _state(stay)
    for event, line in zip(stay.events, stay.lines, strict=True):
        if event.kind is EventKind.REFUSED:
            last[event.recipient or ""] = (event, line)
        if event.kind is EventKind.DELIVERY and event.recipient is not None:
            last[event.recipient] = (event, line)
            if event.status == "deferred":
                tries.setdefault(event.recipient, []).append(event)
    for recipient, (event, line) in last.items():
        if not story.target(stay, event):
            ended = _STATES.get(event.status, state)
            before = tuple(tries.get(recipient, ()))
            yield Outcome(recipient, ended, stay, event, line, before)
    if not last and not _is_handed_on(story, stay):
        named = dict.fromkeys(e.recipient for e in stay.events if e.recipient is not None)
        for recipient in named or ("",):
            yield Outcome(recipient, state, stay, None, stay.lines[-1])


def _is_handed_on(story: Story, stay: Passage) -> bool:
    return any(story.target(stay, event) for event in stay.events)


_STATES = {
    "sent": State.DELIVERED,
    "bounced": State.BOUNCED,
    "undeliverable": State.BOUNCED,
    "deliverable": State.DELIVERED,
    "reject": State.REFUSED,
    "milter-reject": State.REFUSED,
    "proxy-reject": State.REFUSED,
}


def _state(stay: Passage) -> State:
    """Return how it stands in ``stay`` with those who were neither served nor bounced."""
    state = State.QUEUED if stay.queue_id else State.UNKNOWN
    for event, line in zip(stay.events, stay.lines, strict=True):
        if event.kind is EventKind.REMOVED:
            is_by_hand = line.tag.endswith("/postsuper")
            if is_by_hand or state in IN_QUEUE:
                state = State.DELETED if is_by_hand else State.UNKNOWN
        elif event.kind is EventKind.EXPIRED:
            state = State.EXPIRED
        elif event.kind is EventKind.ACTION and event.status in {"discard", "milter-discard"}:
            state = State.DISCARDED
        elif _is_hold(event, line):
            state = State.HELD
        elif "released from hold" in line.message and line.tag.endswith("/postsuper"):
            state = State.QUEUED
    return state


def _is_hold(event: Event, line: Line) -> bool:
    is_put = "placed on hold" in line.message and line.tag.endswith("/postsuper")
    return is_put or (event.kind is EventKind.ACTION and event.status in {"hold", "milter-hold"})
