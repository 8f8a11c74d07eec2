"""What a queue looks like: views that take its messages as they come, and keep counts alone. Pure.

None of them grows with the number of messages.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from postwrap.queues.model import QUEUES, Queued
from postwrap.queues.reasons import shared_reason
from postwrap.queues.tally import Tally

AGES = (5, 10, 20, 40, 80, 160, 320, 640, 1280)
"""The upper ends of qshape(1)'s columns of ages, in minutes; one column more holds the rest."""

SIZE_BOUNDS = tuple(10.0**n for n in range(3, 10))
AGE_BOUNDS = tuple(10.0**n for n in range(1, 9))
"""Upper ends of the buckets, in bytes and seconds: those of postfix_exporter's histograms."""

_LONGEST_DOMAIN = 255


class View(Protocol):
    """A view of one queue."""

    def add(self, messages: Iterable[Queued]) -> None:
        """Take messages into account."""


class Counts:
    """How many messages are in each queue, their bytes, and when the oldest arrived.

    ``oldest`` is in seconds since 1970, None for an empty queue.
    """

    def __init__(self) -> None:
        self.by_queue: Counter[str] = Counter(dict.fromkeys(QUEUES, 0))
        self.size = 0
        self.oldest: int | None = None

    @property
    def messages(self) -> int:
        """How many messages there are."""
        return self.by_queue.total()

    def add(self, messages: Iterable[Queued]) -> None:
        """Take messages into account."""
        for message in messages:
            self.by_queue[message.queue] += 1
            self.size += message.size
            if self.oldest is None or message.arrival < self.oldest:
                self.oldest = message.arrival

    def age(self, now: float) -> int | None:
        """Return the age of the oldest message in seconds, None for an empty queue."""
        return None if self.oldest is None else max(0, int(now) - self.oldest)


class Causes:
    """Recipients that wait, by their domain and by the reason why they were not delivered to."""

    def __init__(self) -> None:
        self.domains = Tally()
        self.reasons = Tally()

    def add(self, messages: Iterable[Queued]) -> None:
        """Take messages into account."""
        domains: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for message in messages:
            for recipient in message.recipients:
                domains[recipient.domain[:_LONGEST_DOMAIN]] += 1
                if recipient.reason:
                    reasons[recipient.reason] += 1
        for domain, count in domains.items():
            self.domains.add(domain, count)
        for reason, count in reasons.items():
            self.reasons.add(shared_reason(reason), count)


class Shape:
    """Recipients by domain and age, as qshape(1) shows them; of the domains, the fullest."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._cells = Tally(len(AGES) * 10_000)
        self.total = [0] * (len(AGES) + 1)

    def add(self, messages: Iterable[Queued]) -> None:
        """Take messages into account."""
        cells: Counter[tuple[str, int]] = Counter()
        for message in messages:
            column = bisect_right(AGES, (self._now - message.arrival) / 60)
            for recipient in message.recipients:
                cells[recipient.domain[:_LONGEST_DOMAIN], column] += 1
        for (domain, column), count in cells.items():
            self.total[column] += count
            self._cells.add(f"{column} {domain}", count)

    def rows(self) -> list[tuple[str, Sequence[int]]]:
        """Return each domain with its counts by age, the fullest first."""
        found: dict[str, list[int]] = {}
        for key, count in self._cells.top():
            column, _, domain = key.partition(" ")
            found.setdefault(domain, [0] * len(self.total))[int(column)] += count
        return sorted(found.items(), key=lambda row: (-sum(row[1]), row[0]))


class Spread:
    """Messages by size and by age in each queue, in the buckets of Prometheus' histograms."""

    def __init__(self, now: float) -> None:
        self._now = now
        self.sizes = {queue: [0] * (len(SIZE_BOUNDS) + 1) for queue in QUEUES}
        self.ages = {queue: [0] * (len(AGE_BOUNDS) + 1) for queue in QUEUES}
        self.size_sums = dict.fromkeys(QUEUES, 0)
        self.age_sums = dict.fromkeys(QUEUES, 0.0)

    def add(self, messages: Iterable[Queued]) -> None:
        """Take messages into account; those of a queue that nobody knows are none."""
        for message in messages:
            if message.queue in self.sizes:
                age = max(0.0, self._now - message.arrival)
                # A bucket holds what is no larger than its bound, so left of an equal one.
                self.sizes[message.queue][_bucket(SIZE_BOUNDS, message.size)] += 1
                self.ages[message.queue][_bucket(AGE_BOUNDS, age)] += 1
                self.size_sums[message.queue] += message.size
                self.age_sums[message.queue] += age


def _bucket(bounds: Sequence[float], value: float) -> int:
    return next((n for n, bound in enumerate(bounds) if value <= bound), len(bounds))
