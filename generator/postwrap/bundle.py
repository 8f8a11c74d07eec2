"""What is to be installed: files and links, computed from data alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postwrap.errors import Problem


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file or symbolic link of the bundle.

    ``path`` is absolute and never carries a staging directory. Exactly one of ``content`` (a
    file's bytes) and ``target`` (a link's) is given. ``instance`` is the configuration directory
    it belongs to, empty for what all instances share; ``command`` is the wrapped command, for
    wrappers. ``outline`` is the digest of one that is known to be there and was not rendered: it
    has neither content nor target.
    """

    path: str
    content: bytes = b""
    mode: int = 0o644
    target: str | None = None
    instance: str = ""
    command: str = ""
    outline: str = ""

    @classmethod
    def outlined(cls, path: str, digest: str, instance: str, command: str) -> Artifact:
        """Return the artifact of which only ``digest`` is known, which holds a file's mode too."""
        kind, _, rest = digest.partition(":")
        mode = int(rest.rpartition(":")[2], 8) if kind == "sha256" else 0o644
        return cls(path, mode=mode, instance=instance, command=command, outline=digest)

    @property
    def digest(self) -> str:
        """The identity of what is written, as the manifest keeps it; see ``digest_of``."""
        return self.outline or digest_of(self.mode, self.content, self.target)


def digest_of(mode: int, content: bytes, target: str | None) -> str:
    """Return ``sha256:…`` of a file's content with its mode, or ``link:TARGET``."""
    if target is not None:
        return f"link:{target}"
    return f"sha256:{hashlib.sha256(content).hexdigest()}:{mode:04o}"


class Bundle:
    """Artifacts by path, in the order of their paths; two of one path are a collision."""

    def __init__(self, artifacts: Iterable[Artifact] = ()) -> None:
        self._by_path: dict[str, Artifact] = {}
        self.problems: list[Problem] = []
        for artifact in artifacts:
            self.add(artifact)

    def add(self, artifact: Artifact) -> None:
        """Add ``artifact``; one whose path is taken is left out and becomes a problem."""
        taken = self._by_path.setdefault(artifact.path, artifact)
        if taken != artifact:
            self.problems.append(
                Problem(
                    artifact.path,
                    f"wanted by {artifact.instance or 'postwrap'} "
                    f"and by {taken.instance or 'postwrap'}",
                    "rename one of the two directories",
                )
            )

    def __iter__(self) -> Iterator[Artifact]:
        """Yield the artifacts by path."""
        return (self._by_path[path] for path in sorted(self._by_path))

    def __len__(self) -> int:
        return len(self._by_path)

    def get(self, path: str) -> Artifact | None:
        """Return the artifact of ``path``, if there is one."""
        return self._by_path.get(path)
