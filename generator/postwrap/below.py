"""The I/O boundary for files below a directory in which another user can write.

Of a queue directory root owns the top alone: what is below belongs to mail_owner, who can put a
symbolic link, or another directory, where root is about to act. So each part of a path is opened
without following links, and what is done is done by the descriptor of the directory (openat(2)
and its like). Paths are relative to the top; errors are OSError, and name the whole path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from postwrap import durable

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_DIRECTORY = (errno.ENOTDIR, errno.ELOOP)
_CHUNK = 1 << 20


class Below:
    """The files below the directory ``top``, whose own path is root's and may hold links."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def real(self, path: str) -> str:
        """Return the whole path of ``path``, to tell it to a person."""
        return f"{self.top}/{path}" if path else str(self.top)

    # Looking.

    @contextlib.contextmanager
    def directory(self, path: str = "") -> Iterator[int]:
        """Hold a descriptor of the directory ``path``, each part of it a directory and no link."""
        with self._named(""):
            handle = os.open(self.top, _DIRECTORY & ~os.O_NOFOLLOW)
        try:
            walked = ""
            for name in path.split("/") if path else ():
                walked += f"/{name}"
                with self._named(walked[1:]):
                    inner = os.open(name, _DIRECTORY, dir_fd=handle)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    def names(self, path: str = "") -> list[str]:
        """Return the names in the directory ``path``, sorted; none where there is none."""
        try:
            with self.directory(path) as handle:
                return sorted(os.listdir(handle))  # noqa: PTH208 - there is no path
        except FileNotFoundError:
            return []

    def status(self, path: str) -> os.stat_result | None:
        """Return the status of ``path`` itself, None where there is nothing."""
        try:
            with self._parent(path) as (handle, name):
                return os.stat(name, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def link(self, path: str) -> str:
        """Return where the symbolic link ``path`` leads to, "" where there is no link."""
        try:
            with self._parent(path) as (handle, name):
                return os.readlink(name, dir_fd=handle)
        except OSError:
            return ""

    def files(self, directory: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the regular files below ``directory`` and their status, as they are passed.

        What vanishes meanwhile is left out. NotADirectoryError where a link, which is not
        followed, stands for ``directory`` or for a hashed directory, whose name is one character.
        """
        waiting = [directory]
        while waiting:
            place = waiting.pop()
            for name, status in self._entries(place):
                kind = stat.S_IFMT(status.st_mode)
                if kind == stat.S_IFDIR or (kind == stat.S_IFLNK and len(name) == 1):
                    waiting.append(f"{place}/{name}")
                elif kind == stat.S_IFREG:
                    yield f"{place}/{name}", status

    def _entries(self, directory: str) -> list[tuple[str, os.stat_result]]:
        found = []
        with (
            contextlib.suppress(FileNotFoundError),
            self.directory(directory) as handle,
            os.scandir(handle) as entries,
        ):
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.name, entry.stat(follow_symlinks=False)))
        return found

    # Acting.

    def make_directory(self, path: str) -> None:
        """Make the directory ``path``, which only the caller may enter; it may be there."""
        with self._parent(path) as (handle, name):
            try:
                os.mkdir(name, 0o700, dir_fd=handle)
            except FileExistsError:
                self._need_own(path)

    def _need_own(self, path: str) -> None:
        """Raise PermissionError unless ``path`` is a directory that only the caller may enter."""
        with self.directory(path) as handle:
            status = os.fstat(handle)
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise PermissionError(errno.EPERM, "is not root's alone", self.real(path))

    def make_parents(self, path: str, part_like: str) -> None:
        """Make the directories above ``path``, each with the owner and mode of the one above it.

        A missing one in the top itself is made like the directory ``part_like`` there.
        """
        parent = path.rpartition("/")[0]
        if not parent or self.status(parent):
            return
        self.make_parents(parent, part_like)
        if "/" in parent:
            self._make_as_owner(parent)
        else:
            self._make_like(parent, part_like)

    def _make_as_owner(self, path: str) -> None:
        """Make ``path`` with the rights of the owner of the directory that it is in.

        So it is his from the start: there is nothing to chown, in which he could meddle.
        """
        with self._parent(path) as (handle, name):
            above = os.fstat(handle)
            mode = stat.S_IMODE(above.st_mode)
            with _acting_as(above.st_uid, above.st_gid), contextlib.suppress(FileExistsError):
                os.mkdir(name, mode, dir_fd=handle)
                inner = os.open(name, _DIRECTORY, dir_fd=handle)
                try:
                    os.fchmod(inner, mode)  # whatever the umask
                finally:
                    os.close(inner)

    def _make_like(self, part: str, model: str) -> None:
        """Make ``part`` in the top, where nobody else can write, as ``model`` is; in one step."""
        made = f".postwrap-{part}"
        with self.directory(model) as handle:
            status = os.fstat(handle)
        self.make_directory(made)
        with self.directory(made) as handle:
            os.fchown(handle, status.st_uid, status.st_gid)
            os.fchmod(handle, stat.S_IMODE(status.st_mode))
        self.rename(made, self, part)

    def make_link(self, path: str, target: str) -> None:
        """Make the symbolic link ``path``."""
        with self._parent(path) as (handle, name):
            os.symlink(target, name, dir_fd=handle)

    def rename(self, path: str, other: Below, place: str) -> None:
        """Give ``path`` the name ``place`` below ``other``; on one file system, inode kept."""
        with self._parent(path) as (source, name), other._parent(place) as (target, new):
            os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)

    def copy(self, path: str, other: Below, place: str) -> None:
        """Copy a file to the new ``place`` below ``other``: on the disk, and compared.

        Until all of that is done only the caller may read it; then it has owner, mode and times
        of the original.
        """
        with self._reading(path) as source, other._creating(place) as copy:
            status = os.fstat(source.fileno())
            shutil.copyfileobj(source, copy, _CHUNK)
            copy.flush()
            if not _is_same(source, copy):
                raise OSError(errno.EIO, "was not written as it was read", other.real(place))
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fchown(copy.fileno(), status.st_uid, status.st_gid)
            # Without set-user-ID and the like, which no queue file has.
            os.fchmod(copy.fileno(), status.st_mode & 0o777)
            durable.sync_handle(copy.fileno())

    def has_beginning(self, path: str, other: Below, place: str) -> bool:
        """Whether the file ``path`` is the beginning, or all, of ``place`` below ``other``."""
        with self._reading(path) as part, other._reading(place) as whole:
            while read := part.read(_CHUNK):
                if whole.read(len(read)) != read:
                    return False
        return True

    def remove(self, path: str) -> None:
        """Remove the file or link ``path``; it may be gone already."""
        with contextlib.suppress(FileNotFoundError), self._parent(path) as (handle, name):
            os.unlink(name, dir_fd=handle)

    def remove_directory(self, path: str) -> None:
        """Remove the directory ``path`` if it is there and empty."""
        with contextlib.suppress(OSError), self._parent(path) as (handle, name):
            os.rmdir(name, dir_fd=handle)

    def sync(self, paths: Iterable[str]) -> None:
        """Bring to the disk what was made, renamed and removed at ``paths``."""
        above = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        for directory in sorted("" if path == "." else path for path in above):
            with contextlib.suppress(FileNotFoundError), self.directory(directory) as handle:
                durable.sync_handle(handle)

    # Within.

    @contextlib.contextmanager
    def _named(self, path: str) -> Iterator[None]:
        """Let an OSError name the whole of ``path``."""
        try:
            yield
        except OSError as error:
            words = error.strerror
            if error.errno in _NO_DIRECTORY:
                words = "is a symbolic link or a file where a directory belongs; it is not followed"
            raise OSError(error.errno, words, self.real(path)) from None

    @contextlib.contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Hold a descriptor of the directory that ``path`` is in; give the name in it as well."""
        parent, _, name = path.rpartition("/")
        with self.directory(parent) as handle, self._named(path):
            yield handle, name

    @contextlib.contextmanager
    def _reading(self, path: str) -> Iterator[BinaryIO]:
        """Open a regular file that has no other name: a second one could be anybody's file."""
        with self._parent(path) as (handle, name):
            file = os.fdopen(os.open(name, _READ, dir_fd=handle), "rb")
        with file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise OSError(errno.EINVAL, "is not a file with one name alone", self.real(path))
            yield file

    @contextlib.contextmanager
    def _creating(self, path: str) -> Iterator[BinaryIO]:
        """Make a new file that only the caller may read; it goes again where that fails."""
        with self._parent(path) as (handle, name):
            file = os.fdopen(os.open(name, _CREATE, 0o600, dir_fd=handle), "w+b")
        try:
            with file:
                yield file
        except BaseException:
            self.remove(path)
            raise


@contextlib.contextmanager
def _acting_as(user: int, group: int) -> Iterator[None]:
    """Act with the rights of another user; root alone may."""
    was = os.geteuid(), os.getegid()
    if was == (user, group) or was[0]:
        yield
        return
    try:
        os.setegid(group)
        os.seteuid(user)
        yield
    finally:
        os.seteuid(was[0])
        os.setegid(was[1])


def _is_same(first: BinaryIO, second: BinaryIO) -> bool:
    """Whether two files hold the same."""
    first.seek(0)
    second.seek(0)
    while True:
        read = first.read(_CHUNK)
        if second.read(_CHUNK) != read:
            return False
        if not read:
            return True
