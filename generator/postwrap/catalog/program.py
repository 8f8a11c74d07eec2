"""What postwrap's own command line is made of, as data: for its completions, manual and help.

The command line itself is the Typer program in postwrap.cli, which hands this in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from postwrap.catalog.usage import Option, Usage


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """One key of a ``--json`` document.

    ``path`` is how jq(1) spells it, ``.instances[].name``; ``type`` is JSON's name of what it
    holds. An ``occasional`` key is absent at times, which ``meaning`` explains.
    """

    path: str
    type: str
    meaning: str
    occasional: bool = False


@dataclass(frozen=True, slots=True)
class Verb:
    """One of postwrap's verbs.

    ``summary`` is one line without a full stop; ``description`` the paragraphs after it.
    ``operands`` are the operands as the synopsis has them, each with its meaning. ``words`` are the
    values to choose from that are worth a line each, by the name of what takes them. ``document``
    holds the keys of what it prints with ``--json``.
    """

    name: str
    summary: str
    usage: Usage
    description: tuple[str, ...] = ()
    operands: tuple[tuple[str, str], ...] = ()
    words: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    examples: tuple[str, ...] = ()
    document: tuple[DocumentKey, ...] = ()

    @property
    def synopsis(self) -> str:
        """The verb as a synopsis has it: ``postwrap role [OPTION]... NAME [ROLE]``."""
        return " ".join(
            ("postwrap", self.name, "[OPTION]...", *(name for name, _ in self.operands))
        )


@dataclass(frozen=True, slots=True)
class Program:
    """postwrap's command line: what comes before the verb, and the verbs by heading.

    ``unlisted`` are the verbs without a heading.
    """

    summary: str
    usage: Usage
    headings: tuple[tuple[str, tuple[Verb, ...]], ...]
    unlisted: tuple[Verb, ...] = ()

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """All verbs, in the order of the headings."""
        return (*(verb for _, verbs in self.headings for verb in verbs), *self.unlisted)


def described(usage: Usage) -> Iterator[tuple[str, str]]:
    """Yield each option as it is typed, ``-n, --lines N``, and what it does.

    Flags that follow each other with one summary mean the same.
    """
    for summary, options in groupby(usage.options, key=lambda option: option.summary):
        yield _flags(list(options)), summary


def _flags(options: list[Option]) -> str:
    """Return the flags of one option, the short one first, and the name of its value."""
    value = options[0].value
    flags = ", ".join(sorted((option.flag for option in options), key=len))
    return f"{flags} {value.name}" if value else flags
