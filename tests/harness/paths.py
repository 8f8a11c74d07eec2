"""Where things are: the checkout, and what the tests keep between runs."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_directory() -> Path:
    """The directory for roots and packages that outlive a run; POSTWRAP_TEST_CACHE overrides it."""
    named = os.environ.get("POSTWRAP_TEST_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "postwrap-tests"
