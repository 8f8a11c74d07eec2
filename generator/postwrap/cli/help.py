"""The text of --help, made of the same data as manual and completions."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from postwrap.catalog.program import Program, Verb, described

if TYPE_CHECKING:
    from postwrap.checks import Rule
    from postwrap.checks.explained import Explanation

_WIDEST = 26
"""Columns of the longest term that its meaning stands beside."""


def help_of_program(program: Program) -> str:
    """Return the help of postwrap: its verbs under their headings."""
    rows = {
        heading: [(verb.name, verb.summary) for verb in verbs]
        for heading, verbs in program.headings
    }
    options = list(described(program.usage))
    terms = [*options, *(row for found in rows.values() for row in found)]
    width = max(len(term) for term, _ in terms)
    blocks = [
        "Usage: postwrap VERB [OPTION]...",
        _paragraph(program.summary),
        *(_section(heading, found, width) for heading, found in rows.items()),
        _section("Options", options, width),
        "'postwrap help VERB' describes a verb; 'man postwrap' is the manual.",
    ]
    return "\n\n".join(blocks)


def help_of_verb(verb: Verb) -> str:
    """Return the help of one verb."""
    blocks = [
        _usage(verb),
        _paragraph(f"{verb.summary}."),
        *map(_paragraph, verb.description),
        *([_section("Operands", verb.operands)] if verb.operands else ()),
        *(_section(f"{name} is one of", words) for name, words in verb.words),
        _section("Options", list(described(verb.usage))),
    ]
    if verb.examples:
        title = "Examples" if len(verb.examples) > 1 else "Example"
        blocks.append("\n".join((f"{title}:", *(f"  {example}" for example in verb.examples))))
    return "\n\n".join(blocks)


def help_of_rule(rule: Rule, explanation: Explanation) -> str:
    """Return what is behind a code of check."""
    told = {"cause": explanation.cause, "remedy": explanation.remedy, "source": rule.source}
    return "\n\n".join(
        (
            f"{rule.code} ({rule.severity})",
            _paragraph(f"{rule.summary[:1].upper()}{rule.summary[1:]}."),
            "\n".join(_rows(told.items(), max(map(len, told)))),
        )
    )


def _usage(verb: Verb) -> str:
    return f"Usage: {verb.synopsis}"


def _columns() -> int:
    """Return how wide a line may be: that of the terminal, and 80 at most."""
    return max(40, min(80, shutil.get_terminal_size().columns))


def _paragraph(text: str) -> str:
    return "\n".join(_lines(text, _columns()))


def _section(title: str, rows: Sequence[tuple[str, str]], width: int = 0) -> str:
    """Return ``rows``, terms with their meanings, in two columns under ``title``."""
    widths = (len(term) for term, _ in rows if len(term) <= _WIDEST)
    return "\n".join((f"{title}:", *_rows(rows, width or max(widths, default=_WIDEST))))


def _rows(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    indent = " " * (width + 4)
    for term, meaning in rows:
        lines = _lines(meaning, _columns() - len(indent)) or [""]
        if len(term) > width:
            yield f"  {term}"
        else:
            yield f"  {term.ljust(width)}  {lines.pop(0)}"
        yield from (indent + line for line in lines)


def _lines(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)
