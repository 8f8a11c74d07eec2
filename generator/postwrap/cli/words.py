"""Values on the command line: words of a list and numbers, refused alike whatever Typer it is."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from postwrap.errors import UsageError
from postwrap.suggest import did_you_mean

_Word = TypeVar("_Word", bound=StrEnum)


def one_of(words: type[_Word], option: str, text: str) -> _Word:
    """Return the one of ``words`` that ``text``, the value of ``option``, is; else UsageError."""
    if text in list(words):
        return words(text)
    remedy = did_you_mean(text, words, f"give one of {', '.join(words)}")
    raise UsageError(f"{option} {text}: not one of its values", remedy)


def whole_number(option: str, text: str, *, least: int) -> int:
    """Return the number that ``text``, the value of ``option``, is; else UsageError."""
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise UsageError(f"{option} {text}: not a whole number from {least} on", f"{option} 20")
    return int(text)
