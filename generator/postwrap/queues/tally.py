"""Counting by a key that strangers choose, in memory that they cannot make grow. Pure."""

from __future__ import annotations

from collections import Counter

_MOST = 20_000
"""Keys that are counted at a time: more than a queue has domains, most often."""


class Tally:
    """Counts by key. All are exact until there are more than ``most`` keys.

    Then the rarer half is forgotten: a count may be too low by what was, and the keys that have
    most are still found.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._counts: Counter[str] = Counter()
        self._most = most
        self.is_exact = True

    def add(self, key: str, count: int = 1) -> None:
        """Count ``key``."""
        self._counts[key] += count
        if len(self._counts) > self._most:
            self._counts = Counter(dict(self._counts.most_common(self._most // 2)))
            self.is_exact = False

    def top(self, number: int | None = None) -> list[tuple[str, int]]:
        """Return the keys that have most with their counts, equal ones in their own order."""
        ordered = sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return ordered[:number]

    def __len__(self) -> int:
        """Return how many keys are counted."""
        return len(self._counts)

    def __getitem__(self, key: str) -> int:
        """Return the count of ``key``."""
        return self._counts[key]
