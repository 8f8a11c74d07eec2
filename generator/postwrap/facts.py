"""What postconf said of each instance, remembered for as long as its files stay as they are.

Asking costs a process of Postfix for every instance; most runs of ``postwrap install`` change
one instance or none. What is kept here is asked again when main.cf, postconf itself or the
host's name changes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postwrap.bundle import Artifact
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix

DEFAULT_DIRECTORY = "/etc/postfix"
"""The default instance's configuration directory where no Postfix can be asked."""


@dataclass
class FactsCache:
    """Parameters by configuration directory, each with the stamp of what they were read from."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, filesystem: Filesystem, path: str) -> FactsCache:
        """Return what ``path`` holds; nothing where it cannot be read, for it is only a cache."""
        try:
            known = json.loads(filesystem.read_text(path))
        except (OSError, ValueError):
            return cls()
        return cls(known if isinstance(known, dict) else {})

    def parameters(
        self,
        postfix: Postfix,
        filesystem: Filesystem,
        names: Sequence[str],
        directory: str | None = None,
    ) -> dict[str, str]:
        """Return the parameters ``names`` of the instance in ``directory``, asked or remembered.

        None is the default instance. Raises PostfixError where Postfix is asked and cannot
        answer.
        """
        place = directory or DEFAULT_DIRECTORY
        stamp = _stamp(postfix, filesystem, place, names)
        record = self.known.get(place)
        if not isinstance(record, dict) or record.get("stamp") != stamp or not stamp["main.cf"]:
            record = {"stamp": stamp, "parameters": postfix.parameters(names, directory)}
            self.known[place] = record
        return dict(record["parameters"])

    def artifact(self, path: str, directories: Iterable[str]) -> Artifact:
        """Return the file to keep at ``path``: what is known of ``directories``, no other."""
        kept = {d: self.known[d] for d in sorted(directories) if d in self.known}
        return Artifact(path, json.dumps(kept, indent=1).encode() + b"\n")


def _stamp(
    postfix: Postfix, filesystem: Filesystem, directory: str, names: Sequence[str]
) -> Mapping[str, Any]:
    """Return what the answers hang on, as JSON can keep it."""
    return {
        "main.cf": _identity(filesystem.real(f"{directory}/main.cf")),
        "postconf": _identity(Path(postfix.postconf)),
        "hostname": os.uname().nodename,
        "names": list(names),
    }


def _identity(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
