"""Hosts made once and handed out as copies: each test begins with the same files, in any order."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.harness.host import Host
from tests.harness.paths import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Layers:
    """The files of prepared hosts, in a directory that the workers of one run share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def copy(self, base: Path, name: str, prepare: Callable[[Host], object]) -> Iterator[Host]:
        """A host with the files that `prepare` leaves on `base`; nothing runs in it.

        `name` tells one `prepare` from another. What is no file is not copied: processes,
        addresses, what is below /run and /tmp.
        """
        layer = self._directory / f"{base.name}-{name}.tar"
        with locked(layer.with_suffix(".lock")):
            if not layer.exists():
                self._make(base, prepare, layer)
        with Host(base, layer=layer) as host:
            yield host

    def _make(self, base: Path, prepare: Callable[[Host], object], layer: Path) -> None:
        with Host(base) as host:
            prepare(host)
            host.stop_all()
            new = layer.with_suffix(".new")
            host.save(new)
        new.rename(layer)
