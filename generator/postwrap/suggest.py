"""The nearest of the words that there are, for one that there is not."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return at most three of ``known`` that look like ``word``, the nearest first."""
    from difflib import get_close_matches

    return get_close_matches(word, sorted(set(known)), n=3, cutoff=0.6)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return a remedy for the unknown ``word``: the nearest of ``known``, then ``otherwise``.

    ``otherwise`` is a command or a list that shows all of them.
    """
    found = nearest(word, known)
    return f"did you mean {' or '.join(found)}? {otherwise}" if found else otherwise
