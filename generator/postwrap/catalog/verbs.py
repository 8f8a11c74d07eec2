"""The verbs of postwrap itself: what its completions and its man page say of them.

The command line is the Typer program in postwrap.cli; this table stands in for it where no Python
may be started. tests/unit/test_catalog.py holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

from postwrap.catalog.usage import Kind, Operands, Option, Usage, Value

_DIRECTORY = Value("DIR", Kind.DIRECTORY)
_NAMES = (Operands((Value("NAME", Kind.INSTANCE),)),)

_HELP = Option("--help", "Show this message and exit.")
_WHERE = (
    Option("--prefix", "Install under DIR. [default: /usr/local]", _DIRECTORY),
    Option("--destdir", "Write below DIR, for packages; no file names it.", _DIRECTORY),
    Option("--root", "Look at the tree DIR and its etc/postfix*, not here.", _DIRECTORY),
    Option("--user", "Install in your home directory."),
)


@dataclass(frozen=True, slots=True)
class Verb:
    """One of postwrap's verbs."""

    name: str
    summary: str
    usage: Usage


VERBS: tuple[Verb, ...] = ()

POSTWRAP = Usage(
    options=(Option("--version", "Print the version."), _HELP),
    operands=(Operands((Value("verb", Kind.WORD, tuple(verb.name for verb in VERBS)),)),),
    meanings={verb.name: verb.summary for verb in VERBS},
)
"""What comes before the verb."""
