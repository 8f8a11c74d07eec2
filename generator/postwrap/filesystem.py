"""The one I/O boundary for files.

Every other module computes; this one reads and writes files. ``Filesystem`` with a root is the
staging directory of ``--destdir`` and the foreign tree of ``--root``: paths go in and come out as
they are on the finished host.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from postwrap import durable
from postwrap.bundle import Artifact
from postwrap.entries import MISSING, Entry, EntryKind


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
                return Entry(EntryKind.LINK, target=os.readlink(real))  # noqa: PTH115
            if stat.S_ISREG(status.st_mode):
                with open(real, "rb") as file:  # noqa: PTH123
                    return Entry(EntryKind.FILE, stat.S_IMODE(status.st_mode), file.read())
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        return Entry(EntryKind.DIRECTORY if stat.S_ISDIR(status.st_mode) else EntryKind.OTHER)

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
            return sorted(os.listdir(self.root + directory))  # noqa: PTH208 - names, not paths
        except (FileNotFoundError, NotADirectoryError):
            return []

    def read_text(self, path: str) -> str:
        """Return the text of ``path``; bytes that are no UTF-8 survive as surrogates."""
        # A plain string: on a host of many instances this is asked for each of their processes.
        with open(self.root + path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            return file.read()

    def head(self, path: str, size: int = 20) -> bytes:
        """Return the first bytes of ``path``, links followed; none where it cannot be read."""
        try:
            with self.real(path).open("rb") as file:
                return file.read(size)
        except OSError:
            return b""

    # Acting. A new file is staged beside its place and then renamed onto it, so that a reader,
    # or the next run after a crash, meets the old file or the new one and never a part of one. What
    # is to outlive a power cut is synced as postwrap.durable tells.

    def make_directory(self, path: str) -> None:
        """Make one directory, mode 0755 whatever the umask."""
        self.real(path).mkdir()
        self.real(path).chmod(0o755)

    def stage(self, artifact: Artifact) -> None:
        """Write ``artifact`` under its staging name, beside its place."""
        staged = self.staging(artifact.path)
        staged.unlink(missing_ok=True)
        try:
            if artifact.target is not None:
                staged.symlink_to(artifact.target)
            else:
                durable.write_new(str(staged), artifact.content, artifact.mode)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.root + artifact.path) from error

    def sync_staged(self, paths: Iterable[str]) -> None:
        """Bring what was staged for ``paths`` to the disk: the renames could outrun it there."""
        durable.sync_files(str(self.staging(path)) for path in paths)

    def commit(self, path: str, place: str = "") -> None:
        """Move what was staged for ``path`` into its place, or into ``place``, in one step."""
        durable.replace(str(self.staging(path)), str(self.real(place or path)))

    def sync_names(self, paths: Iterable[str]) -> None:
        """Bring to the disk what was made, moved into its place or removed at ``paths``."""
        durable.sync_names(str(self.real(path)) for path in paths)

    def sync_tree(self, path: str) -> None:
        """Bring to the disk all that is at ``path`` and below, and its own name."""
        durable.sync_tree(str(self.real(path)))

    def put(self, artifact: Artifact) -> None:
        """Put ``artifact`` in its place, in one step and on the disk when this returns."""
        try:
            self.stage(artifact)
            self.sync_staged([artifact.path])
            self.commit(artifact.path)
        except BaseException:
            self.unstage(artifact.path)
            raise
        self.sync_names([artifact.path])

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
        """Give ``source`` the name ``target`` in one step and on the disk.

        It stays on its file system and keeps its inode.
        """
        durable.replace(str(self.real(source)), str(self.real(target)))
        self.sync_names([source, target])

    def remove(self, path: str) -> None:
        """Remove the file or link at ``path``; it may be gone already."""
        self.real(path).unlink(missing_ok=True)

    def remove_directory(self, path: str) -> None:
        """Remove the directory ``path`` if it is there and empty."""
        with contextlib.suppress(OSError):
            self.real(path).rmdir()

    def staging(self, path: str) -> Path:
        """Return where ``path`` is staged: in its directory, under a name of fixed length."""
        real = self.real(path)
        return real.with_name(f".postwrap.{hashlib.sha256(real.name.encode()).hexdigest()[:16]}")


def unused(filesystem: Filesystem, path: str) -> str:
    """Return ``path``, or ``path-2`` and so on, whichever is the first that is not there."""
    number, name = 1, path
    while filesystem.exists(name):
        number += 1
        name = f"{path}-{number}"
    return name


def _backup_names(path: str) -> Iterator[str]:
    yield f"{path}.postwrap-backup"
    number = 2
    while True:
        yield f"{path}.postwrap-backup-{number}"
        number += 1
