"""Chroot jails: how this host fills them, and how fresh one is."""

from __future__ import annotations

from postwrap.filesystem import Filesystem
from postwrap.host.model import JailFile, JailMethod

RESOLVER_FILES = ("etc/hosts", "etc/nsswitch.conf", "etc/resolv.conf", "etc/services")
"""What the resolver of a chrooted service reads; Debian copies these and some more."""

_COPIED = ("localtime", "services", "resolv.conf", "hosts", "host.conf", "nsswitch.conf")
_FILLER = "/usr/lib/postfix/configure-instance.sh"


_PARTS = ("dev", "etc", "lib", "lib64", "usr")


def jail_method(filesystem: Filesystem, queue: str) -> JailMethod:
    """Return how a jail is filled on this host; ``queue`` is the default instance's.

    Debian 12 keeps postfix-script in /etc/postfix and its script takes an instance's name; Debian
    13 keeps postfix-script in /usr/lib and runs its script itself.
    """
    copied = (f"/etc/{name}" for name in _COPIED)
    inside = (f"{queue}/{part}" for part in _PARTS)
    return JailMethod(
        filler=_filler(filesystem),
        files=tuple(path for path in copied if filesystem.is_file(path)),
        parts=tuple(path for path in inside if filesystem.is_directory(path)),
    )


def _filler(filesystem: Filesystem) -> str:
    if not filesystem.is_file(_FILLER):
        return ""
    return _FILLER if "postmulti -i" in filesystem.read_text(_FILLER) else "check"


def jail_files(filesystem: Filesystem, queue: str) -> dict[str, JailFile]:
    """Return how the files of the resolver are in the jail ``queue``, of those the host has."""
    return {
        name: _compare(filesystem, f"/{name}", f"{queue}/{name}")
        for name in RESOLVER_FILES
        if filesystem.is_file(f"/{name}")
    }


def _compare(filesystem: Filesystem, original: str, copy: str) -> JailFile:
    try:
        if not filesystem.is_file(copy):
            return JailFile.MISSING
        is_same = filesystem.read_text(original) == filesystem.read_text(copy)
    except PermissionError:
        return JailFile.UNSEEN
    return JailFile.SAME if is_same else JailFile.STALE
