"""Limits for a monitor, and what a queue's figures are beside them. Pure.

A limit is exceeded by what is larger, as in the ranges of monitoring plugins: ``-w 10`` is 0 to 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from postwrap.errors import UsageError
from postwrap.queues.model import QUEUES
from postwrap.suggest import did_you_mean
from postwrap.times import seconds_of

OLDEST = "oldest"
"""The age of the oldest message in seconds."""
MESSAGES = "messages"
"""All messages of the instance."""
FIGURES = (MESSAGES, *QUEUES, OLDEST)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that each figure may be; one that is not there may be anything."""

    by_figure: Mapping[str, int] = field(default_factory=dict)

    def of(self, figure: str) -> int | None:
        """Return the limit of ``figure``, None where there is none."""
        return self.by_figure.get(figure)

    def exceeded(self, figures: Mapping[str, int]) -> list[str]:
        """Return the names of the ``figures`` that are larger than their limits, in order."""
        return [
            name
            for name in FIGURES
            if (limit := self.of(name)) is not None and figures.get(name, 0) > limit
        ]


def limits(option: str, text: str) -> Limits:
    """Return what ``text``, the value of ``option``, says: ``500`` or ``deferred=100,oldest=4h``.

    A number alone is a limit of all messages. Raises UsageError for anything else.
    """
    found: dict[str, int] = {}
    for word in text.split(",") if text else ():
        name, equals, value = word.strip().partition("=")
        if not equals:
            name, value = MESSAGES, name
        if name not in FIGURES:
            remedy = did_you_mean(name, FIGURES, f"give one of {', '.join(FIGURES)}")
            raise UsageError(f"{option} {text}: {name}: no such figure", remedy)
        number = seconds_of(value) if name == OLDEST else _number(value)
        if number is None:
            example = "oldest=4h" if name == OLDEST else f"{name}=100"
            raise UsageError(f"{option} {text}: {word}: not a limit", f"{option} {example}")
        found[name] = number
    return Limits(found)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
