"""The manifest: which files postwrap wrote, and what it wrote in them.

Only what it lists is ever updated or removed, and only while it is still as written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from postwrap import __version__
from postwrap.bundle import Artifact
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Record:
    """One file of the manifest.

    ``digests`` are the states that count as *as written*: one, or two while an installation is
    under way and the file may be the old or the new one.
    """

    digests: tuple[str, ...]
    instance: str = ""
    command: str = ""

    @classmethod
    def of(cls, artifact: Artifact) -> Record:
        """Return the record of ``artifact`` as it is written."""
        return cls((artifact.digest,), artifact.instance, artifact.command)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files by path, and the directories that postwrap made, parents first.

    ``under_way``: an installation has begun and not ended; it holds the state before and after.
    ``package``: the package that brought the files, and whose they are; "" for none.
    """

    files: Mapping[str, Record] = field(default_factory=dict)
    directories: tuple[str, ...] = ()
    under_way: bool = False
    package: str = ""

    def instances(self) -> frozenset[str]:
        """Return the configuration directories that something was written for."""
        return frozenset(record.instance for record in self.files.values() if record.instance)

    def artifact(self, path: str) -> Artifact:
        """Return the file that keeps this manifest at ``path``."""
        document: dict[str, object] = {
            "schema": SCHEMA,
            "postwrap": __version__,
            "under_way": self.under_way,
            "directories": list(self.directories),
            "files": {p: _as_json(self.files[p]) for p in sorted(self.files)},
        }
        if self.package:
            document["package"] = self.package
        return Artifact(path, (json.dumps(document, indent=1) + "\n").encode())


def manifest_path(state: str) -> str:
    """Return where the manifest of the installation with the state directory ``state`` is."""
    return f"{state}/manifest.json"


def load(filesystem: Filesystem, path: str) -> Manifest:
    """Return the manifest at ``path``, an empty one where there is none.

    Raises RefusedError for one that cannot be understood: without it nothing is known to be ours.
    """
    try:
        text = filesystem.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return Manifest()
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise RefusedError(f"{path}: written by another postwrap", "use that newer one")
        files = {p: _from_json(r) for p, r in document["files"].items()}
        package = str(document.get("package", ""))
        return Manifest(files, tuple(document["directories"]), document["under_way"], package)
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = "move it away; files that are as postwrap makes them are taken over again"
        raise RefusedError(f"{path}: is no manifest of postwrap", hint) from None


def _as_json(record: Record) -> dict[str, object]:
    words = {"instance": record.instance, "command": record.command}
    return {"digests": list(record.digests)} | {k: v for k, v in words.items() if v}


def _from_json(record: Mapping[str, object]) -> Record:
    digests = record["digests"]
    if not isinstance(digests, list):
        raise TypeError
    words = (str(record.get(key, "")) for key in ("instance", "command"))
    return Record(tuple(map(str, digests)), *words)
