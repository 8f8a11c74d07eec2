"""The verb probe: a plugin for Nagios, Icinga and the like.

Its output and its statuses are those of the Monitoring Plugins Development Guidelines; what other
verbs answer with 2, 3 or 4 is UNKNOWN here (postwrap.cli.main).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

import typer

from postwrap.cli import display, plugin, queues
from postwrap.cli.declare import Metavar, option, verb
from postwrap.cli.options import Names, seen_host
from postwrap.cli.queues import QueueOutcome
from postwrap.errors import Problem
from postwrap.queues.thresholds import FIGURES, MESSAGES, OLDEST, Limits, limits
from postwrap.queues.views import Counts

_LIMITS = Metavar("LIMITS")
_SECONDS = 30.0
"""How long the queues may take: less than what monitors give a plugin."""

Warn = Annotated[
    str,
    option(
        "--warning",
        "-w",
        metavar=_LIMITS,
        help="WARNING above these: 500, or deferred=100,oldest=4h",
    ),
]
Crit = Annotated[
    str,
    option("--critical", "-c", metavar=_LIMITS, help="CRITICAL above these, in the same form"),
]


Figures = Mapping[str, Mapping[str, int]]
"""Figures by instance and name."""


class ProbeState(IntEnum):
    """The states of a service, by the exit status of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_BY_URGENCY = (ProbeState.CRITICAL, ProbeState.WARNING, ProbeState.UNKNOWN, ProbeState.OK)


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """Something to say, and how urgent it is."""

    state: ProbeState
    text: str


@verb(
    "probe",
    examples=("postwrap probe -w 100 -c 1000", "postwrap probe out -w deferred=50 -c oldest=1d"),
)
def probe(names: Names = None, warning: Warn = "", critical: Crit = "") -> None:
    """Check the queues as a plugin of Nagios or Icinga does.

    Prints one line with performance data. A stopped instance is CRITICAL, one whose queue cannot be
    read UNKNOWN. LIMITS is the most that all messages of an instance may be, or a list of
    messages, active, deferred, hold, incoming, maildrop and oldest, each with its limit.

    Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN and wrong usage.
    """
    warn, crit = limits("--warning", warning), limits("--critical", critical)
    host = seen_host()
    instances = queues.chosen(host, names or ())
    counts = {i.directory: Counts() for i in instances}
    found = queues.outcomes(host, instances, lambda i: (counts[i.directory],), seconds=_SECONDS)
    now = time.time()
    figures = {o.instance.name: _figures(counts[o.instance.directory], now) for o in found}
    told = [
        *(f for o in found for f in _of_instance(o, figures[o.instance.name], warn, crit)),
        *(f for f in _of_problems(host.discovery.problems, found) if not names),
    ]
    known = {o.instance.name: figures[o.instance.name] for o in found if o.is_complete}
    _leave(told, figures, known, warn, crit)


def _figures(counts: Counts, now: float) -> dict[str, int]:
    return {MESSAGES: counts.messages, **counts.by_queue, OLDEST: counts.age(now) or 0}


def _of_instance(
    outcome: QueueOutcome, figures: Mapping[str, int], warn: Limits, crit: Limits
) -> Iterator[ProbeFinding]:
    """Yield what is to be said of an instance; nothing where all is well."""
    name = outcome.instance.name
    if outcome.running is False:
        yield ProbeFinding(ProbeState.CRITICAL, f"{name}: stopped")
    elif outcome.problem:
        yield ProbeFinding(ProbeState.UNKNOWN, f"{name}: {outcome.problem.message}")
    severe = crit.exceeded(figures)
    for figure in severe:
        yield ProbeFinding(ProbeState.CRITICAL, f"{name}: {_excess(figure, figures, crit)}")
    for figure in warn.exceeded(figures):
        if figure not in severe:
            yield ProbeFinding(ProbeState.WARNING, f"{name}: {_excess(figure, figures, warn)}")


def _excess(figure: str, figures: Mapping[str, int], limit: Limits) -> str:
    value, most = figures[figure], limit.of(figure)
    if figure == OLDEST:
        return f"oldest {display.duration(value)} (> {display.duration(most)})"
    return f"{value} {figure} (> {most})"


def _of_problems(
    problems: Iterable[Problem], found: Sequence[QueueOutcome]
) -> Iterator[ProbeFinding]:
    """Yield the directories that are not served, so that nobody takes them for checked."""
    told = {o.instance.directory for o in found if o.problem or o.running is False}
    for problem in problems:
        if problem.subject not in told:
            yield ProbeFinding(ProbeState.UNKNOWN, f"{problem.subject}: {problem.message}")


def _leave(
    told: Sequence[ProbeFinding],
    figures: Figures,
    known: Figures,
    warn: Limits,
    crit: Limits,
) -> None:
    """Print the line, and leave with its state; only the ``known`` figures are whole."""
    state = next((s for s in _BY_URGENCY if any(f.state is s for f in told)), ProbeState.OK)
    ordered = sorted(told, key=lambda f: _BY_URGENCY.index(f.state))
    text = "; ".join(f.text for f in ordered) or _summary(figures.values())
    data = " ".join(_performance(figures, known, warn, crit))
    plugin.say(state.name, text, data)
    raise typer.Exit(state)


def _summary(figures: Iterable[Mapping[str, int]]) -> str:
    every = list(figures)
    messages, deferred = (sum(f[name] for f in every) for name in (MESSAGES, "deferred"))
    oldest = max((f[OLDEST] for f in every), default=0)
    some = f"{len(every)} instance{'s' if len(every) != 1 else ''}"
    age = f", oldest {display.duration(oldest)}" if messages else ""
    return f"{some}: {messages} messages, {deferred} deferred{age}"


def _performance(figures: Figures, known: Figures, warn: Limits, crit: Limits) -> Iterator[str]:
    """Yield performance data: 'label'=value[unit];warning;critical;minimum; U is unknown."""
    for name, own in figures.items():
        for figure in FIGURES:
            value = f"{own[figure]}{'s' if figure == OLDEST else ''}" if name in known else "U"
            most = (str(x) if (x := limit.of(figure)) is not None else "" for limit in (warn, crit))
            yield f"'{name}_{figure}'={value};{';'.join(most)};0"
