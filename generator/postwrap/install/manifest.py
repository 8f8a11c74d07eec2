"""The manifest: which files postwrap wrote, and what it wrote in them.

Only what it lists is ever updated or removed, and only while it is still as written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from postwrap import __version__
from postwrap.bundle import Artifact
from postwrap.filesystem import Filesystem
from postwrap.layout import Layout
from postwrap.sealed import seal, unseal

SCHEMA = 2
_UNSEALED = frozenset({1})
_LONGEST = 4096
"""PATH_MAX of Linux."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the manifest.

    ``digests`` are the states that count as *as written*: one, or two while an installation is
    under way and the file may be the old or the new one.
    """

    digests: tuple[str, ...]
    instance: str = ""
    command: str = ""

    @classmethod
    def of(cls, artifact: Artifact) -> FileRecord:
        """Return the record of ``artifact`` as it is written."""
        return cls((artifact.digest,), artifact.instance, artifact.command)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files by path, and the directories that postwrap made, parents first.

    ``under_way``: an installation has begun and not ended; it holds the state before and after.
    ``package``: the package that brought the files, and whose they are; "" for none.
    ``fingerprints`` tell what the files of an instance were made from, by its directory (see
    postwrap.fingerprints); there are none while an installation is under way.
    ``torn``: there is a manifest and it cannot be read, as after a power cut; nothing is known.
    ``foreign`` are paths that it names and that are not places of this installation: they are never
    touched.
    """

    files: Mapping[str, FileRecord] = field(default_factory=dict)
    directories: tuple[str, ...] = ()
    under_way: bool = False
    package: str = ""
    torn: bool = False
    foreign: tuple[str, ...] = ()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Manifest, ...] = field(default=(), compare=False)
    """Those of packages that bring the commands of single instances: PACKAGES, beside this one."""

    @property
    def brought(self) -> Mapping[str, tuple[str, ...]]:
        """The digests by path of what ``others`` brought, which is not this manifest's."""
        return {path: record.digests for o in self.others for path, record in o.files.items()}

    def package_of(self, instance: str) -> str:
        """Return the package that brought the commands of ``instance``, "" for none."""
        found = (o.package for o in self.others if instance in o.instances())
        return next(found, self.package)

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
        if self.fingerprints:
            document["fingerprints"] = dict(sorted(self.fingerprints.items()))
        if self.package:
            document["package"] = self.package
        return Artifact(path, seal(document))


PACKAGES = "packages"
"""The directory beside the manifest that has one for each package of single instances."""


def package_manifest_path(state: str, package: str) -> str:
    """Return where the manifest of ``package`` is, which brings single instances' commands."""
    return f"{state}/{PACKAGES}/{package}.json"


def manifest_path(state: str) -> str:
    """Return where the manifest of the installation with the state directory ``state`` is."""
    return f"{state}/manifest.json"


def load(filesystem: Filesystem, path: str, layout: Layout | None = None) -> Manifest:
    """Return the manifest at ``path``, an empty one where there is none or it is torn.

    ``layout`` is that of the installation, and tells which paths are no places of it. Raises
    RefusedError for the manifest of a newer postwrap.
    """
    directory = f"{path.rpartition('/')[0]}/{PACKAGES}"
    places = (f"{directory}/{name}" for name in filesystem.names(directory))
    others = tuple(_load(filesystem, place, layout) for place in places)
    found = replace(_load(filesystem, path, layout), others=others)
    brought = found.brought
    return replace(found, files={p: r for p, r in found.files.items() if p not in brought})


def _load(filesystem: Filesystem, path: str, layout: Layout | None) -> Manifest:
    try:
        text = filesystem.read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return Manifest()
    try:
        return _from_document(unseal(text, path, SCHEMA, _UNSEALED), layout)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Manifest(torn=True)


def _from_document(document: Mapping[str, Any], layout: Layout | None) -> Manifest:
    """Return the manifest that ``document`` is; ValueError, KeyError and so on where it is none."""
    files = {_path(p): _from_json(r) for p, r in document["files"].items()}
    directories = tuple(map(_path, _list(document["directories"])))
    foreign = frozenset(path for path in files if layout and not layout.holds(path))
    return Manifest(
        {path: record for path, record in files.items() if path not in foreign},
        tuple(place for place in directories if not layout or layout.may_make(place)),
        bool(document["under_way"]),
        str(document.get("package", "")),
        foreign=tuple(sorted(foreign)),
        fingerprints={str(i): str(r) for i, r in document.get("fingerprints", {}).items()},
    )


def _as_json(record: FileRecord) -> dict[str, object]:
    words = {"instance": record.instance, "command": record.command}
    return {"digests": list(record.digests)} | {k: v for k, v in words.items() if v}


def _path(text: str) -> str:
    """Return ``text`` if it is an absolute path in its shortest form, as all are that are written.

    Raises ValueError otherwise; UnicodeEncodeError, which is one, for what no file can be called.
    """
    if os.path.normpath(text) != text or text[:1] != "/" or text[:2] == "//" or "\0" in text:
        raise ValueError(text)
    if len(os.fsencode(text)) >= _LONGEST:
        raise ValueError(text)
    return text


def _from_json(record: Mapping[str, object]) -> FileRecord:
    words = (str(record.get(key, "")) for key in ("instance", "command"))
    return FileRecord(tuple(map(str, _list(record["digests"]))), *words)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value
