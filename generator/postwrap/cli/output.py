"""How postwrap speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

import typer

from postwrap.cli import documents
from postwrap.errors import Problem


def error(message: str, hint: str = "") -> None:
    """Print an error and its remedy."""
    typer.echo(f"postwrap: {printable(message)}", err=True)
    if hint:
        typer.echo(f"  remedy: {printable(hint)}", err=True)


def problems(found: Iterable[Problem]) -> None:
    """Print each problem and its remedy."""
    for problem in found:
        error(f"{problem.subject}: {problem.message}", problem.hint)


def note(text: str) -> None:
    """Print a line for a person, out of the way of the result."""
    typer.echo(printable(text), err=True)


def line(text: str) -> None:
    """Print a line of the result."""
    typer.echo(printable(text))


def text(block: str) -> None:
    """Print a block of the result as it is, but for what would harm a terminal."""
    typer.echo(printable(block), nl=False)


def raw(block: str) -> None:
    """Print a block that postwrap itself has made safe and coloured."""
    typer.echo(block, nl=False, color=True)


def script(block: str) -> None:
    """Print lines to be run: to a file or a pipe byte for byte as they are."""
    if sys.stdout.isatty():
        line(block)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{block}\n".encode(errors="surrogateescape"))
        sys.stdout.buffer.flush()


def waiting() -> None:
    """Say that another run of postwrap has the lock."""
    note("postwrap: waiting for another run of postwrap to end")


def problem_list(found: Iterable[Problem]) -> list[documents.ProblemDocument]:
    """Return problems as JSON has them."""
    return [{"subject": p.subject, "message": p.message, "hint": p.hint} for p in found]


def as_json(document: Mapping[str, object]) -> None:
    """Print ``document`` with the schema's number as JSON."""
    typer.echo(json.dumps({"schema": documents.SCHEMA, **document}, indent=2))


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows``, the first the heads, in columns as wide as they need to be."""
    for line in columns(rows):
        typer.echo(line)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of the table ``rows``, the first the heads, safe for a terminal."""
    widths = [max(len(printable(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    return lines


def fitting(
    rows: Sequence[Sequence[str]], dispensable: Sequence[str], room: int
) -> list[list[str]]:
    """Return the table ``rows`` without the columns that there is no room for.

    Empty ones go first. ``dispensable`` are the heads of others that may go, the first first;
    ``room`` is the width of the terminal, 0 where there is none and all fits.
    """
    kept = [list(row) for row in rows]
    empty = [head for head, *cells in zip(*rows, strict=True) if not any(cells)]
    for head in dict.fromkeys((*empty, *dispensable)):
        if not room or max(map(len, columns(kept))) <= room:
            break
        at = kept[0].index(head)
        kept = [row[:at] + row[at + 1 :] for row in kept]
    return kept


def width() -> int:
    """Return how many columns standard output has, 0 where it is not a terminal."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 0


def printable(text: str) -> str:
    """Return ``text`` safe for a terminal: control characters and stray bytes shown escaped.

    The names of directories come from the host, and may hold anything but NUL and a slash.
    """
    if text.isprintable() or text.replace("\n", "").isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )
