"""What installed files were made from, so that a host that has not changed is not rendered again.

Rendering needs the template engine and postwrap's whole command line, and gives most often just
what is there. So the manifest keeps a fingerprint of the files of each instance: a digest of all
that they are made from. Where it is the same, the files to be there are those of the manifest.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from postwrap import __version__
from postwrap.bundle import Artifact
from postwrap.install.manifest import FileRecord, Manifest
from postwrap.resources import templates

_TEMPLATES = ("completions", "man", "units", "wrappers")
"""The folders of templates that installed files are made from."""


def fingerprint(*inputs: object) -> str:
    """Return the digest of ``inputs``, as ``repr`` tells them apart, and of postwrap's own code."""
    text = repr((__version__, sys.version_info[:3], _code(), inputs))
    return hashlib.sha256(text.encode("utf-8", errors="surrogateescape")).hexdigest()[:32]


class Fingerprints:
    """The fingerprints of ``manifest``, and those that were ``used`` this time, by instance.

    A manifest tells nothing where it is of an installation that was cut short or is a package's.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.used: dict[str, str] = {}
        self._known = {} if manifest.package or manifest.others else manifest.fingerprints
        self._records: dict[str, list[tuple[str, FileRecord]]] = defaultdict(list)
        for path, record in manifest.files.items() if self._known else ():
            self._records[record.instance].append((path, record))

    def artifacts(
        self, instance: str, made_from: str, render: Callable[[], Iterable[Artifact]]
    ) -> Iterator[Artifact]:
        """Yield what is to be there for ``instance``: outlines if it is ``made_from`` the same."""
        self.used[instance] = made_from
        if self._known.get(instance) != made_from:
            yield from render()
            return
        for path, record in self._records[instance]:
            yield Artifact.outlined(path, record.digests[0], instance, record.command)


@cache
def _code() -> str:
    """Return a digest of the state of postwrap's own files: names, sizes and times."""
    roots = [Path(__file__).parent, *(templates() / name for name in _TEMPLATES)]
    states = sorted(state for root in roots for state in _states(str(root)))
    return hashlib.sha256(repr(states).encode()).hexdigest()


def _states(directory: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _states(entry.path)
            else:
                status = entry.stat()
                yield entry.path, status.st_size, max(status.st_mtime_ns, status.st_ctime_ns)
