"""One change at a time: two runs of postwrap wait for one another."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, prepare: Callable[[], None], on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file ``path`` meanwhile; ``on_wait`` is called once if it is taken.

    ``prepare`` makes the directory of ``path`` where there is none. The file is gone afterwards,
    whatever happens: it would end up in packages, and stay behind after an uninstall. Whoever
    waited for a file that is gone by then starts over.
    """
    handle = _acquire(path, prepare, on_wait)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path, prepare: Callable[[], None], on_wait: Callable[[], None]) -> int:
    told = False
    while True:
        prepare()
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            continue  # another run ended just now and took its directory along
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                on_wait()
            told = True
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_same(handle, path):
            return handle
        os.close(handle)


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
