"""How postwrap speaks: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from postwrap.errors import Problem

SCHEMA = 1
"""The version of every ``--json`` output; it grows when a key changes its meaning or goes."""


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


def script(block: str) -> None:
    """Print lines to be run: to a file or a pipe byte for byte as they are."""
    if sys.stdout.isatty():
        line(block)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{block}\n".encode(errors="surrogateescape"))
        sys.stdout.buffer.flush()


def problem_list(found: Iterable[Problem]) -> list[dict[str, str]]:
    """Return problems as JSON has them."""
    return [asdict(problem) for problem in found]


def as_json(document: Mapping[str, Any]) -> None:
    """Print ``document`` with the schema's number as JSON."""
    typer.echo(json.dumps({"schema": SCHEMA, **document}, indent=2))


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows``, the first the heads, in columns as wide as they need to be."""
    widths = [max(len(printable(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def printable(text: str) -> str:
    """Return ``text`` safe for a terminal: control characters and stray bytes shown escaped.

    The names of directories come from the host, and may hold anything but NUL and a slash.
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )
