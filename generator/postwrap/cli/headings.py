"""The verbs in the order in which help, manual and completions have them, under their headings.

Each is a module of this package, ``verb_NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

HEADINGS: dict[str, tuple[str, ...]] = {
    "Instances": ("list", "create", "role", "rename", "remove", "apply", "export"),
    "Running": ("start", "stop", "restart", "reload", "enable", "disable", "each"),
    "Mail": ("queue", "map", "log", "trace", "stats"),
    "Health": ("check", "probe", "metrics"),
    "Commands": ("which", "env", "shell", "install", "diff", "uninstall", "package"),
}

UNLISTED = ("help", "requeue", "renamed")
"""Verbs without a heading."""

ORDER = (*(name for names in HEADINGS.values() for name in names), *UNLISTED)


def load(names: Iterable[str] = ORDER) -> None:
    """Import the modules of the verbs ``names``, which declare them."""
    for name in names:
        import_module(f"postwrap.cli.verb_{name}")
