"""The values of metrics that grow: of one instance, kept between runs. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postwrap.metrics.families import FROM_LOGS, Family, FamilyKind

Labels = tuple[str, ...]
"""The values of a family's labels, in its order."""

_MOST = 200
"""Sets of labels that a family has in an instance; what comes then is counted as OTHER."""
OTHER = "other"
_LONGEST = 100


@dataclass
class Buckets:
    """A histogram: how many values each bucket has, the last one those above all bounds."""

    counts: list[int]
    sum: float = 0.0


@dataclass
class Values:
    """The counters and histograms of one instance, by family's name and labels."""

    counters: dict[str, dict[Labels, int]] = field(default_factory=dict)
    histograms: dict[str, dict[Labels, Buckets]] = field(default_factory=dict)

    def count(self, family: Family, *labels: str) -> None:
        """Count one more."""
        found = self.counters.setdefault(family.name, {})
        key = _bounded(found, labels)
        found[key] = found.get(key, 0) + 1

    def observe(self, family: Family, value: float, *labels: str) -> None:
        """Put ``value`` in its bucket."""
        found = self.histograms.setdefault(family.name, {})
        key = _bounded(found, labels)
        buckets = found.setdefault(key, Buckets([0] * (len(family.bounds) + 1)))
        buckets.counts[bisect_left(family.bounds, value)] += 1
        buckets.sum += value

    def as_json(self) -> dict[str, Any]:
        """Return this as JSON can keep it."""
        return {
            "counters": {
                name: [[list(labels), count] for labels, count in found.items()]
                for name, found in self.counters.items()
            },
            "histograms": {
                name: [[list(labels), b.counts, b.sum] for labels, b in found.items()]
                for name, found in self.histograms.items()
            },
        }


def values_of(told: Any) -> Values:
    """Return the values that ``told`` keeps, without those of families that are no more.

    Raises ValueError, TypeError, KeyError or AttributeError where it keeps something else.
    """
    counters, histograms = told["counters"], told["histograms"]
    made = Values()
    for family in FROM_LOGS:
        if family.kind is FamilyKind.COUNTER:
            for labels, count in counters.get(family.name, ()):
                key = _labels(family, labels)
                made.counters.setdefault(family.name, {})[key] = int(count)
        else:
            for labels, counts, total in histograms.get(family.name, ()):
                if len(counts) != len(family.bounds) + 1:
                    raise ValueError(family.name)
                buckets = Buckets([int(n) for n in counts], float(total))
                key = _labels(family, labels)
                made.histograms.setdefault(family.name, {})[key] = buckets
    return made


def _labels(family: Family, labels: Iterable[Any]) -> Labels:
    found = tuple(map(str, labels))
    if len(found) != len(family.labels):
        raise ValueError(family.name)
    return found


def _bounded(found: Mapping[Labels, object], labels: Labels) -> Labels:
    key = tuple(label[:_LONGEST] for label in labels)
    return key if key in found or len(found) < _MOST else (OTHER,) * len(labels)
