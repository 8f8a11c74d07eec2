"""The one door for files.

Every other room computes; this one looks and acts. ``Filesystem`` with a root is the staging
directory of ``--destdir`` and the foreign tree of ``--root``: paths go in and come out as they
are on the finished host.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from postwrap.bundle import Artifact, digest_of


class Kind(Enum):
    """What is found at a path."""

    MISSING = auto()
    FILE = auto()
    LINK = auto()
    DIRECTORY = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is at a path now."""

    kind: Kind
    mode: int = 0
    content: bytes = b""
    target: str | None = None

    @property
    def digest(self) -> str:
        """The identity that a manifest compares; see postwrap.bundle.digest_of."""
        if self.kind in {Kind.FILE, Kind.LINK}:
            return digest_of(self.mode, self.content, self.target)
        return self.kind.name.lower()


MISSING = Entry(Kind.MISSING)


class Filesystem:
    """Files below ``root`` ("" is the host itself). Errors are OSError, their path the real one."""

    def __init__(self, root: str = "") -> None:
        self.root = root.rstrip("/")

    def real(self, path: str) -> Path:
        """Return where ``path`` lies on this machine."""
        return Path(self.root + path)

    # Looking.

    def entry(self, path: str) -> Entry:
        """Return what is at ``path``, without following a link."""
        # Plain strings: this is asked for each of tens of thousands of files.
        real = self.root + path
        try:
            status = os.lstat(real)
            if stat.S_ISLNK(status.st_mode):
                return Entry(Kind.LINK, target=os.readlink(real))  # noqa: PTH115
            if stat.S_ISREG(status.st_mode):
                with open(real, "rb") as file:  # noqa: PTH123
                    return Entry(Kind.FILE, stat.S_IMODE(status.st_mode), file.read())
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        return Entry(Kind.DIRECTORY if stat.S_ISDIR(status.st_mode) else Kind.OTHER)

    def stat(self, path: str) -> os.stat_result:
        """Return the status of ``path``, links followed."""
        return self.real(path).stat()

    def is_file(self, path: str) -> bool:
        """Whether ``path`` is a regular file, links followed."""
        return self.real(path).is_file()

    def is_directory(self, path: str) -> bool:
        """Whether ``path`` is a directory, links followed."""
        return self.real(path).is_dir()

    def exists(self, path: str) -> bool:
        """Whether anything is at ``path``, a dangling link included."""
        return os.path.lexists(self.real(path))

    def names(self, directory: str) -> list[str]:
        """Return the names in ``directory``, sorted; none where there is no such directory."""
        try:
            return sorted(os.listdir(self.real(directory)))  # noqa: PTH208 - names, not paths
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read_text(self, path: str) -> str:
        """Return the text of ``path``; bytes that are no UTF-8 survive as surrogates."""
        return self.real(path).read_text(encoding="utf-8", errors="surrogateescape")

    # Acting. A new file is staged beside its place and then renamed onto it, so that a reader,
    # or the next run after a crash, meets the old file or the new one and never a part of one.

    def make_directory(self, path: str) -> None:
        """Make one directory, mode 0755 whatever the umask."""
        self.real(path).mkdir()
        self.real(path).chmod(0o755)

    def make_directory_like(self, path: str, model: str) -> None:
        """Make one directory with owner, group and mode of the directory ``model``."""
        status = self.real(model).stat()
        self.real(path).mkdir()
        os.chown(self.real(path), status.st_uid, status.st_gid)
        self.real(path).chmod(stat.S_IMODE(status.st_mode))

    def stage(self, artifact: Artifact) -> None:
        """Write ``artifact`` under its staging name, beside its place."""
        staged = self.staging(artifact.path)
        staged.unlink(missing_ok=True)
        if artifact.target is not None:
            staged.symlink_to(artifact.target)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with open(os.open(staged, flags, 0o600), "wb") as file:  # noqa: PTH123
                file.write(artifact.content)
                os.fchmod(file.fileno(), artifact.mode)
        except OSError as error:
            staged.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, self.root + artifact.path) from error

    def commit(self, path: str) -> None:
        """Move what was staged for ``path`` into its place, in one step."""
        self.staging(path).replace(self.real(path))

    def unstage(self, path: str) -> None:
        """Remove what was staged for ``path``, if anything was."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self.staging(path).unlink()

    def keep_backup(self, path: str) -> str:
        """Give the file at ``path`` a second name, ``PATH.postwrap-backup[-N]``, and return it."""
        for backup in _backup_names(path):
            with contextlib.suppress(FileExistsError):
                os.link(self.real(path), self.real(backup), follow_symlinks=False)
                return backup
        raise AssertionError("names do not run out")

    def rename(self, source: str, target: str) -> None:
        """Give ``source`` the name ``target`` in one step; on one file system, inode kept."""
        self.real(source).rename(self.real(target))

    def duplicate(self, source: str, target: str) -> None:
        """Copy a file to another file system: owner, mode, times and all; on the disk, compared."""
        status = self.real(source).lstat()
        content = self.real(source).read_bytes()
        self.real(target).unlink(missing_ok=True)
        with self.real(target).open("xb") as file:
            file.write(content)
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
            file.flush()
            os.fsync(file.fileno())
        os.utime(self.real(target), ns=(status.st_atime_ns, status.st_mtime_ns))
        if self.real(target).read_bytes() != content:
            raise OSError(errno.EIO, "was not written as it was read", str(self.real(target)))

    def remove(self, path: str) -> None:
        """Remove the file or link at ``path``; it may be gone already."""
        self.real(path).unlink(missing_ok=True)

    def remove_directory(self, path: str) -> None:
        """Remove the directory ``path`` if it is there and empty."""
        with contextlib.suppress(OSError):
            self.real(path).rmdir()

    def sync(self) -> None:
        """Bring what was staged to the disk, before the renames that could outrun it there."""
        os.sync()

    def staging(self, path: str) -> Path:
        """Return where ``path`` is staged: in its directory, under a name of fixed length."""
        real = self.real(path)
        return real.with_name(f".postwrap.{hashlib.sha256(real.name.encode()).hexdigest()[:16]}")


def _backup_names(path: str) -> Iterator[str]:
    yield f"{path}.postwrap-backup"
    number = 2
    while True:
        yield f"{path}.postwrap-backup-{number}"
        number += 1
