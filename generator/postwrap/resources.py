"""Where the templates are: the one place that knows a checkout from an installed copy."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def templates() -> Path:
    """Return the folder that holds the templates: ``wrappers/``, ``man/`` and the others.

    In an installed copy they lie inside the package (pyproject.toml puts them there); in a
    checkout they are the top-level folders of those names.
    """
    package = Path(__file__).parent
    packed = package / "templates"
    return packed if packed.is_dir() else package.parents[1]
