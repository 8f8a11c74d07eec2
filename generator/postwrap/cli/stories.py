"""How a message's story is printed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from datetime import datetime

from postwrap.cli import colours, output
from postwrap.cli.colours import Colour
from postwrap.host.naming import Instance
from postwrap.host.waiting import Waiting, waiting
from postwrap.logs.story import IN_QUEUE, State, Story
from postwrap.logs.telling import Told, Verdict, bracketed, named, period, sentence, told, verdicts

_LEAST = 60
"""Columns that a story has at least."""
MANY = 10
"""Of more messages than these each has one line."""


class Teller:
    """Prints stories of ``instances``, whose postcat(1) is called as ``postcat`` says."""

    def __init__(
        self, instances: Sequence[Instance], postcat: Callable[[Instance], str], now: datetime
    ) -> None:
        self._names = [instance.name for instance in instances]
        self._name_width = max(map(len, self._names), default=0)
        self._postcat = postcat
        self._now = now
        self._width = output.width()

    def told(self, story: Story, *, folds: bool = True) -> list[Told]:
        """Return the lines of ``story``; ``folds``: with repeated deferrals in one."""
        return told(story, self._now, folds=folds)

    def tell(self, story: Story) -> list[Verdict]:
        """Print ``story`` in full; return how it ended."""
        self.head(story)
        self.lines(self.told(story))
        ends = verdicts(story)
        self.ends(ends)
        return ends

    def head(self, story: Story) -> None:
        """Print who sent what."""
        sender = bracketed(story.sender) if story.sender is not None else "an unknown sender"
        name = f"Message-ID {bracketed(story.message_id)}" if story.message_id else "A message"
        self._wrapped("", f"{name} from {sender}")

    def lines(self, lines: Sequence[Told]) -> None:
        """Print lines of a story, aligned."""
        for own in lines:
            delay = period(own.delay) if own.delay is not None else ""
            mark = f"  {own.at:%b %d %H:%M:%S}  "
            name = own.instance.ljust(self._name_width)
            is_ours = own.instance in self._names
            shown = colours.instance(name, self._names.index(own.instance)) if is_ours else name
            indent = len(mark) + len(name) + 14
            self._wrapped(f"{mark}{shown}  {delay:>10}  ", own.what, indent)
            if own.reason:
                self._wrapped(" " * (indent + 2), own.reason, indent + 2)

    def ends(self, ends: Sequence[Verdict]) -> None:
        """Print how it ended: a sentence for each end, with a command for what is still there."""
        for verdict in ends:
            whom = f"{named(verdict.recipients)}: " if verdict.recipients else ""
            said, look = self._sentence(verdict)
            colour = Colour.GOOD if verdict.state is State.DELIVERED else Colour.BAD
            self._wrapped("  ", f"{whom}{said}", 4, colour)
            if look:
                output.line(f"    look further: {look}")

    def brief(self, story: Story) -> list[Verdict]:
        """Print ``story`` in one line; return how it ended."""
        ends = verdicts(story)
        first = self.told(story)[:1]
        at = f"{first[0].at:%b %d %H:%M:%S}" if first else " " * 15
        where = " > ".join(f"{s.instance.name} {s.queue_id or '(refused)'}" for s in story.stays)
        said = "; ".join(f"{named(end.recipients)} {sentence(end)}" for end in ends)
        output.line(f"{at}  {where}: {said}")
        return ends

    def _sentence(self, verdict: Verdict) -> tuple[str, str]:
        """Return how it ended, and the command that looks further, "" for none."""
        said = sentence(verdict)
        stay = verdict.stay
        if verdict.state not in IN_QUEUE or not stay.queue_id:
            return said, ""
        look = f"{self._postcat(stay.instance)} -q {stay.queue_id}"
        found = waiting(stay.instance.parameters.get("queue_directory", ""), stay.queue_id)
        is_known = found != Waiting("")
        return _with_queue(said, stay.instance.name, found, self._now), look if is_known else ""

    def _wrapped(
        self, before: str, text: str, indent: int = 2, colour: Colour | None = None
    ) -> None:
        """Print ``text`` behind ``before``, in as many lines as a terminal needs."""
        room = max(self._width, _LEAST) - indent if self._width else 0
        clean = output.printable(text)
        parts = textwrap.wrap(clean, room, break_on_hyphens=False) if room else [clean]
        for number, part in enumerate(parts or [""]):
            lead = before if not number else " " * indent
            output.raw(f"{lead}{colours.painted(part, colour)}\n")


def _with_queue(said: str, name: str, found: Waiting | None, now: datetime) -> str:
    """Return the sentence with what the queue directory tells: which queue, until when."""
    if not found:
        return said
    if not found.queue:
        return said.replace("'s queue", "'s queue by the log, but its queue file is gone", 1)
    until = ""
    if found.until:
        form = "%H:%M" if found.until.date() == now.date() else "%b %d %H:%M"
        until = f", not before {found.until:{form}}"
    return said.replace(f"in {name}'s queue", f"in {name}'s {found.queue} queue{until}", 1)
