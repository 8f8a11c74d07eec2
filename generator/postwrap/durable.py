"""Changes to files that outlive a power cut: the one module that writes, renames and syncs.

fsync(2) of a file brings its content to the disk, and fsync of a directory the names in it; neither
does the other's work on every file system. So a file is synced before it is renamed into place and
its directory after, and of many files each is synced once, and then each directory. sync(2) is not
used: it waits for all that the host writes, and a FUSE file system never hears of it.

Paths are the real ones, ``handle`` is a descriptor. Errors are OSError.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def write_new(path: str, content: bytes, mode: int) -> None:
    """Write a new file and have its way to the disk begin; ``sync_files`` waits for the end.

    Nothing is left where that fails.
    """
    handle = os.open(path, _NEW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            _begin(handle)
    except BaseException:
        os.unlink(path)  # noqa: PTH108 - a string, as all paths here
        raise


def sync_files(paths: Iterable[str]) -> None:
    """Bring the content of the regular files ``paths`` to the disk; links have none."""
    for path in paths:
        _sync_regular(path)


def sync_directories(paths: Iterable[str]) -> None:
    """Bring to the disk which names there are in the directories ``paths``, each once.

    One that is gone by now has no names; that it is gone is kept in the one above it.
    """
    for path in sorted(set(paths)):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            continue
        try:
            sync_handle(handle)
        finally:
            os.close(handle)


def sync_names(paths: Iterable[str]) -> None:
    """Bring to the disk what was made, renamed or removed at ``paths``."""
    sync_directories(str(PurePosixPath(path).parent) for path in paths)


def sync_tree(top: str) -> None:
    """Bring to the disk all files and directories in ``top``, and its own name.

    What vanishes meanwhile is passed over. Links are not followed, other file systems are entered.
    """
    files, directories = [top], [top]
    for path, is_directory in _walk(top):
        (directories if is_directory else files).append(path)
    for path in files:
        _begin_named(path)
    sync_files(files)
    sync_directories(directories)
    sync_names([top])


def replace(source: str, target: str) -> None:
    """Give ``source``, whose content is on the disk, the name ``target``; one there goes.

    The names are on the disk after ``sync_names``.
    """
    os.replace(source, target)  # noqa: PTH105 - strings


def sync_handle(handle: int) -> None:
    """Bring an open file or directory to the disk.

    Passes over a file system that does not know this of directories (EINVAL).
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def _walk(top: str) -> Iterator[tuple[str, bool]]:
    """Yield the regular files and the directories below ``top``, each with whether it is one."""
    waiting = [top]
    while waiting:
        try:
            entries = [*os.scandir(waiting.pop())]
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
                yield entry.path, True
            elif entry.is_file(follow_symlinks=False):
                yield entry.path, False


def _sync_regular(path: str) -> None:
    try:
        handle = os.open(path, _LOOK)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENOTDIR}:
            return
        raise
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.fsync(handle)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(handle)


def _begin(handle: int) -> None:
    """Have the kernel begin to write a file out, without waiting for it.

    posix_fadvise(2) with POSIX_FADV_DONTNEED does so on Linux. The first fsync of many files then
    finds all of them on their way, instead of each waiting for one of its own.
    """
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS}:
            raise


def _begin_named(path: str) -> None:
    try:
        handle = os.open(path, _LOOK)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.ENOTDIR}:
            return
        raise
    try:
        _begin(handle)
    finally:
        os.close(handle)
