"""A message's story in words: a line an event, and sentences on how it ended. Pure."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from postwrap.logs.events import PASSED, Event, EventKind
from postwrap.logs.lines import Line, time_of
from postwrap.logs.story import IN_QUEUE, Outcome, State, Story, outcomes
from postwrap.logs.way import Passage
from postwrap.queues.reasons import plain_reason, shared_reason

_FEW = 3
"""So many recipients are named; of more, two are, and the number of the others."""
_LONG = 90
"""Letters of a reason in a sentence."""


@dataclass(frozen=True, slots=True)
class Told:
    """A line of a story: when, where, after how many seconds in that instance, what.

    ``reason`` is what a server or a table said of it.
    """

    at: datetime
    instance: str
    queue_id: str
    delay: float | None
    what: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """The seconds that a message was in an instance, and why not fewer.

    ``reasons`` are those of its deferrals there, or of the connections that failed before it went
    to a fallback relay.
    """

    name: str
    seconds: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a message ended for some recipients, which may be none: then nobody is logged.

    ``stages`` are the instances it was in; ``seconds`` all of theirs. ``tries`` is how often it was
    deferred in the last one, ``reason`` the last reason or reply.
    """

    recipients: tuple[str, ...]
    state: State
    stay: Passage
    relay: str
    stages: tuple[Stage, ...]
    tries: int
    reason: str

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(stage.seconds for stage in self.stages)


def told(story: Story, now: datetime, *, folds: bool = True) -> list[Told]:
    """Return the lines of ``story``, in the order of time, equal deliveries folded into one.

    ``folds``: deferrals for a reason that was told before are folded too.
    """
    every = [own for stay in (*story.stays, *story.notices) for own in _of_stay(story, stay, now)]
    every.sort(key=lambda own: own.at)
    return _without_repeats(every) if folds else every


def _without_repeats(every: Iterable[Told]) -> list[Told]:
    """Return lines with all but the first and the last of equal deferrals left out."""
    kept: list[Told] = []
    places: dict[tuple[str, str, str], list[int]] = {}
    for own in every:
        seen = places.setdefault((own.queue_id, own.what, own.reason), [])
        if not own.what.startswith("deferred") or len(seen) < 2:
            seen.append(len(kept))
            kept.append(own)
        else:
            kept[seen[1]] = own
            seen.append(seen[1])
    for first, *more in places.values():
        if more:
            often = "once more" if len(more) == 1 else f"{len(more)} more times"
            what = kept[first].what.replace("deferred", f"deferred {often}", 1)
            kept[more[0]] = replace(kept[more[0]], what=what, reason="")
    return sorted(kept, key=lambda own: own.at)


def _of_stay(story: Story, stay: Passage, now: datetime) -> Iterator[Told]:
    folded: list[tuple[Event, Line, list[str]]] = []
    for event, line in zip(stay.events, stay.lines, strict=True):
        last = folded[-1] if folded else None
        if last and _is_same(last[0], event):
            last[2].append(event.recipient or "")
        else:
            folded.append((event, line, [event.recipient or ""]))
    before = deque(_before_deliveries(stay, now))
    mark = f"notice {stay.queue_id} " if stay in story.notices else ""
    for event, line, recipients in folded:
        at = time_of(line, now)
        while before and event.kind is EventKind.DELIVERY and before[0].at <= at:
            yield before.popleft()
        if what := _words(story, stay, event, line, recipients):
            delay = event.delay if event.kind is EventKind.DELIVERY else None
            reason = _reason(story, stay, event)
            yield Told(at, stay.instance.name, stay.queue_id, delay, mark + what, reason)
    yield from before


def _before_deliveries(stay: Passage, now: datetime) -> list[Told]:
    """Return what is known of the time between arrival and deliveries: filters, failed attempts."""
    found = [
        Told(time_of(line, now), said.program, stay.queue_id, None, said.result)
        for said, line in stay.filtered
    ]
    found += [
        Told(time_of(line, now), stay.instance.name, stay.queue_id, None, line.message)
        for line in stay.attempts
    ]
    return sorted(found, key=lambda own: own.at)


def _is_same(one: Event, other: Event) -> bool:
    """Whether two deliveries differ by their recipients alone."""
    return one.kind is other.kind is EventKind.DELIVERY and (
        (one.relay, one.status, one.text) == (other.relay, other.status, other.text)
    )


def _words(story: Story, stay: Passage, event: Event, line: Line, recipients: Sequence[str]) -> str:
    """Return what ``event`` is called, "" for one that is not told."""
    match event.kind:
        case EventKind.CLIENT:
            if id(stay) in story.parents:
                return ""  # it was handed on by an instance that has told so
            return f"received from {event.client}" + (f" ({event.user})" if event.user else "")
        case EventKind.PICKUP:
            return f"submitted by user {event.user} as {bracketed(event.sender or '')}"
        case EventKind.DELIVERY:
            return _delivery(story, stay, event, line, recipients)
        case EventKind.NOTICE:
            return f"{event.text} is {event.other}"
        case EventKind.EXPIRED:
            return "gave up: expired, returned to sender"
        case EventKind.REFUSED:
            to = f" {bracketed(event.recipient)}" if event.recipient is not None else ""
            return f"refused{to} {_refuser(event)}"
        case EventKind.ACTION:
            return _passed(story, stay, event) or _action(event)
        case EventKind.REMOVED:
            return "deleted by postsuper" if line.tag.endswith("/postsuper") else ""
        case EventKind.MESSAGE_ID | EventKind.ACTIVE:
            return ""
        case _:
            return _other(line)


def _refuser(event: Event) -> str:
    if event.status == "proxy-reject":
        return "by smtpd_proxy_filter"
    return f"from {event.client}" if event.client else "by header_checks or body_checks"


_ACTIONS = {
    "hold": "put on hold",
    "discard": "discarded",
    "redirect": "redirected",
    "filter": "given a content filter",
    "bcc": "copied",
}


def _passed(story: Story, stay: Passage, event: Event) -> str:
    """Return what became of a message that a filter before the queue took, "" for another one."""
    if event.status != PASSED:
        return ""
    target = story.target(stay, event)
    onward = f", which handed it to {target.instance.name} as {target.queue_id}" if target else ""
    return f"taken by smtpd_proxy_filter{onward}"


def _action(event: Event) -> str:
    status = event.status.removeprefix("milter-")
    if status != event.status:
        by = "a milter"
    else:
        by = "an access table" if event.client else "header_checks or body_checks"
    return f"{_ACTIONS.get(status, f'{status}: done')} by {by}"


def _other(line: Line) -> str:
    text = line.message.partition(": ")[2]
    return "" if text.startswith("resent-message-id=") else text


def _delivery(
    story: Story, stay: Passage, event: Event, line: Line, recipients: Sequence[str]
) -> str:
    people = named(recipients)
    target = story.target(stay, event)
    if target:
        return _handing(stay, target, event, people)
    if event.status == "sent":
        if line.tag.endswith("/discard"):
            return f"discarded for {people}"
        return f"delivered to {people}{_by(event.relay, line)}"
    by = "" if event.relay in {"none", "local"} else f" by {event.relay}"
    return f"{event.status} for {people}{by}"


def _handing(stay: Passage, target: Passage, event: Event, people: str) -> str:
    where = f"{target.instance.name} as {target.queue_id}"
    if event.relay == "local":
        return f"forwarded for {people} as {target.queue_id}"
    is_filter = target.instance == stay.instance or "from MTA(" in event.text or not event.other
    if is_filter:
        return f"filtered by {event.relay}, which handed it to {where}"
    return f"handed to {where} for {people}"


def _by(relay: str, line: Line) -> str:
    if relay in {"local", "virtual", "none"}:
        return f", by {line.tag.rpartition('/')[2]}"
    return f" by {relay}"


def _reason(story: Story, stay: Passage, event: Event) -> str:
    if event.kind is EventKind.DELIVERY:
        is_usual = event.status == "sent" and (story.target(stay, event) or event.relay == "local")
        return "" if is_usual else event.text
    if event.kind in {EventKind.REFUSED, EventKind.ACTION} and event.status != PASSED:
        return event.text.removeprefix(f"{event.status}: ")
    return ""


def verdicts(story: Story) -> list[Verdict]:
    """Return how ``story`` ended, recipients with equal ends folded into one."""
    found: dict[tuple[object, ...], list[Outcome]] = {}
    for end in outcomes(story):
        event = end.event
        key = (end.state, id(end.stay), event and (event.relay, event.text), len(end.tries))
        found.setdefault(key, []).append(end)
    return [_verdict(story, ends) for ends in found.values()]


def _verdict(story: Story, ends: Sequence[Outcome]) -> Verdict:
    first = ends[0]
    event = first.event
    path = story.path(first.stay)
    stages = [
        _stage_before(story, stay, onward, first.recipient)
        for stay, onward in itertools.pairwise(path)
    ]
    delay = (event.delay if event else None) or 0.0
    stages.append(Stage(first.stay.instance.name, delay, _reasons(first.stay, first.tries)))
    stages = [
        Stage(name, sum(s.seconds for s in same), tuple(r for s in same for r in s.reasons))
        for name, own in groupby(stages, key=lambda stage: stage.name)
        for same in [[*own]]
    ]
    reasons = [own.text for own in first.tries] or [event.text if event else ""]
    return Verdict(
        tuple(end.recipient for end in ends if end.recipient),
        first.state,
        first.stay,
        event.relay if event else "",
        tuple(stages),
        len(first.tries),
        reasons[-1] if first.state in IN_QUEUE or not event else event.text,
    )


def _stage_before(story: Story, stay: Passage, onward: Passage, recipient: str) -> Stage:
    """Return what became of a recipient's message in ``stay`` before it went to ``onward``."""
    handed = [e for e in stay.events if story.target(stay, e) is onward]
    seconds = next((e.delay for e in handed if e.delay), 0.0)
    names = [e.recipient for e in handed]
    name = recipient if recipient in names else next(iter(names), None)
    tries = [e for e in stay.events if e.status == "deferred" and e.recipient == name]
    return Stage(stay.instance.name, seconds, _reasons(stay, tries))


def _reasons(stay: Passage, tries: Sequence[Event]) -> tuple[str, ...]:
    return tuple(own.text for own in tries) or tuple(line.message for line in stay.attempts)


def sentence(verdict: Verdict) -> str:
    """Return ``verdict`` as a sentence without its recipients."""
    name = verdict.stay.instance.name
    after = f" after {period(verdict.seconds)}{_in_stages(verdict.stages)}"
    why = f": {shortened(verdict.reason)}" if verdict.reason else ""
    match verdict.state:
        case State.DELIVERED:
            where = verdict.relay.partition("[")[0] or name
            to = f"in {name}" if verdict.relay in {"local", "virtual", "none"} else f"to {where}"
            return f"delivered {to}{after}"
        case State.QUEUED:
            last = f", last{why}" if why else ""
            return f"still in {name}'s queue{_deferrals(verdict)}{last}"
        case State.HELD:
            return f"on hold in {name}'s queue"
        case State.BOUNCED:
            return f"bounced by {name} after {period(verdict.seconds)}{why}"
        case State.EXPIRED:
            return f"returned to the sender by {name}, which gave up{_deferrals(verdict)}{why}"
        case State.REFUSED:
            return f"refused by {name}{why}"
        case State.DISCARDED:
            return f"discarded by {name}{why}"
        case State.DELETED:
            return f"deleted from {name}'s queue with postsuper"
    return f"left {name}'s queue; the log does not say where to"


def _in_stages(stages: Sequence[Stage]) -> str:
    if len(stages) == 1:
        return _troubles(stages[0].reasons)
    told = (f"{period(s.seconds)} in {s.name}{_troubles(s.reasons)}" for s in stages)
    return f": {', '.join(told)}"


def _troubles(reasons: Sequence[str]) -> str:
    """Return what kept a message, in brackets: ``(connection timed out twice)``."""
    last = {shared_reason(reason): plain_reason(reason) for reason in reasons}
    often = Counter(map(shared_reason, reasons))
    told = []
    for shared, count in often.most_common(_FEW):
        text = shortened(last[shared])
        is_reply = text[:1].isdigit()
        text = text if is_reply else text[:1].lower() + text[1:]
        comma = "," if is_reply else ""
        told.append(text if count == 1 else f"{text}{comma} {_times(count)}")
    return f" ({'; '.join(told)})" if told else ""


def _deferrals(verdict: Verdict) -> str:
    if not verdict.tries:
        return ""
    return f" (deferred {_times(verdict.tries)})"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def period(seconds: float) -> str:
    """Return a span of time in its two largest units: ``4 min 12 s``, ``0.3 s``."""
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds else "0 s"
    whole = round(seconds)
    sizes = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts = []
    for size, unit in sizes:
        if count := whole // size:
            parts.append(f"{count} {unit}")
            whole -= count * size
        elif parts:
            break
    return " ".join(parts[:2])


def named(addresses: Sequence[str]) -> str:
    """Return addresses in words."""
    if len(addresses) <= _FEW:
        return ", ".join(map(bracketed, addresses))
    first = ", ".join(map(bracketed, addresses[:2]))
    return f"{first} and {len(addresses) - 2} others"


def bracketed(address: str) -> str:
    """Return ``address`` in <>."""
    return f"<{address}>"


def shortened(text: str) -> str:
    """Return the beginning of ``text``."""
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def is_well(found: Iterable[Verdict]) -> bool:
    """Whether all of it was delivered."""
    return all(verdict.state is State.DELIVERED for verdict in found)
