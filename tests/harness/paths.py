"""Where things are: the checkout, and what the tests keep between runs."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_directory() -> Path:
    """The directory for roots and packages that outlive a run; POSTWRAP_TEST_CACHE overrides it."""
    named = os.environ.get("POSTWRAP_TEST_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "postwrap-tests"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that other test processes wait for; the kernel lets go of it in any case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
