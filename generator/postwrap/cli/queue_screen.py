"""How the verb queue shows queues: a line an instance, domains by age, reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from postwrap.cli import display
from postwrap.cli.display import UNBOUNDED, Cell, DisplayStyle, clip
from postwrap.cli.queues import QueueOutcome
from postwrap.host.capacity import Capacity
from postwrap.queues.model import QUEUES
from postwrap.queues.views import AGES, Causes, Counts, Shape

_HEADS = ("NAME", *(queue.upper() for queue in QUEUES), "SIZE", "OLDEST")
_WHY = "TOP DOMAIN; TOP REASON (RECIPIENTS)"
_LEAST = 44
"""Columns that are worth having the reason in; where there are less, it gets its own line."""
_LONGEST_NAME = 20
_OLD = 3600
"""Seconds after which a message that waits is worth a look: several tries have failed by then."""
_TOP = 10
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class InstanceQueue:
    """An instance with what is known of its queue; ``now`` is when it was read.

    ``saturation``: the services that have no process left for the mail that waits.
    """

    outcome: QueueOutcome
    counts: Counts
    causes: Causes
    shape: Shape
    now: float
    saturation: tuple[Capacity, ...] = ()

    @property
    def age(self) -> int | None:
        """The age of the oldest message in seconds."""
        return self.counts.age(self.now)

    @property
    def is_stopped(self) -> bool:
        """Whether it is known not to run."""
        return self.outcome.running is False

    @property
    def rank(self) -> tuple[int, int, int, str]:
        """What needs looking at comes first: what cannot be read, what waits where nobody works."""
        counts = self.counts
        if self.outcome.problem:
            need = 0
        elif self.is_stopped:
            need = 1 if counts.messages else 3
        else:
            waits = counts.by_queue["deferred"] or (self.age or 0) > _OLD or self.saturation
            need = 2 if waits else 3
        return need, -counts.by_queue["deferred"], -counts.messages, self.outcome.instance.directory

    @property
    def why(self) -> str:
        """What there is to say beside the figures, "" for nothing."""
        said = ["stopped"] if self.is_stopped else []
        if self.outcome.problem:
            said.append(self.outcome.problem.message)
        said += [f"all {full.processes} {full.service} in use" for full in self.saturation]
        said += [f"{domain} ({n})" for domain, n in self.causes.domains.top(1)]
        said += [f"{reason} ({n})" for reason, n in self.causes.reasons.top(1)]
        return "; ".join(said)


def lines(found: Sequence[InstanceQueue]) -> list[str]:
    """Return a line an instance, for the terminal as it is; for a pipe as long as need be."""
    wide, colour = display.width(), display.has_colour()
    heads = [Cell(head, DisplayStyle.STRONG) for head in _HEADS]
    longest = UNBOUNDED if wide == UNBOUNDED else _LONGEST_NAME
    cells = [heads, *(_cells(each, longest) for each in found)]
    table, plain = display.grid(cells, colour=colour), display.grid(cells)
    taken = max(map(display.columns, plain)) + 2
    left = wide - taken
    is_beside = wide == UNBOUNDED or left >= _LEAST
    said = [_WHY if is_beside and any(q.why for q in found) else "", *(q.why for q in found)]
    drawn = []
    for line, bare, why in zip(table, plain, said, strict=True):
        if is_beside and why:
            text = clip(why, UNBOUNDED if wide == UNBOUNDED else left)
            drawn.append(line + " " * (taken - display.columns(bare)) + text)
        else:
            drawn.append(line)
            drawn += [_INDENT + clip(why, wide - len(_INDENT))] if why else []
    return drawn


def _cells(found: InstanceQueue, longest_name: int) -> list[Cell]:
    outcome, counts = found.outcome, found.counts
    alarm = outcome.problem or (found.is_stopped and counts.messages)
    name = Cell(
        clip(outcome.instance.name, longest_name),
        DisplayStyle.ALARM if alarm else DisplayStyle.PLAIN,
    )
    if outcome.problem and not counts.messages:
        return [name, *(Cell("?") for _ in _HEADS[1:])]
    more = "" if outcome.is_complete else "+"
    figures = []
    for queue in QUEUES:
        count = counts.by_queue[queue]
        strong = queue in {"deferred", "hold"} and count
        figures.append(
            Cell(f"{count}{more}", DisplayStyle.STRONG if strong else DisplayStyle.PLAIN)
        )
    old = DisplayStyle.STRONG if (found.age or 0) > _OLD else DisplayStyle.PLAIN
    sizes = Cell(display.size(counts.size) + more), Cell(display.duration(found.age), old)
    return [name, *figures, *sizes]


def details(found: Sequence[InstanceQueue]) -> Iterator[str]:
    """Yield, for each instance with mail, its domains by age and its reasons."""
    wide = display.width()
    for each in found:
        if each.counts.messages:
            yield ""
            yield from _shape(each, wide)
            yield from _reasons(each, wide)


def _shape(found: InstanceQueue, wide: int) -> Iterator[str]:
    name = found.outcome.instance.name
    yield clip(f"{name}: recipients by domain and minutes in the queue", wide)
    heads = ("", "T", *(str(age) for age in AGES), f"{AGES[-1]}+")
    rows = [("TOTAL", found.shape.total), *found.shape.rows()[:_TOP]]
    table = [heads, *((d, str(sum(n)), *map(str, n)) for d, n in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(1, len(heads))]
    rest = sum(widths) + len(widths)
    longest = max(display.columns(clip(row[0], UNBOUNDED)) for row in table)
    room = longest if wide == UNBOUNDED else max(8, min(longest, wide - rest))
    for row in table:
        domain = clip(row[0], room)
        figures = (cell.rjust(w) for cell, w in zip(row[1:], widths, strict=True))
        yield " " * (room - display.columns(domain)) + domain + " " + " ".join(figures)


def _reasons(found: InstanceQueue, wide: int) -> Iterator[str]:
    reasons = found.causes.reasons.top(_TOP)
    if reasons:
        yield clip(f"{found.outcome.instance.name}: recipients by reason for the delay", wide)
    for reason, count in reasons:
        yield clip(f"{count:>8}  {reason}", wide)
