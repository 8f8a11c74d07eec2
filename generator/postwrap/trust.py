"""Who can write to a configuration: a wrapper makes root run programs as main.cf says.

Only root and mail_owner may; an instance that others can write to gets no commands.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import PurePosixPath

from postwrap.filesystem import Filesystem


def owners(filesystem: Filesystem, mail_owner: str) -> frozenset[int]:
    """Return the user IDs that may own a configuration: root, mail_owner, and who builds.

    Whoever packs a foreign tree (``--root``) without being root owns all of it.
    """
    found = {0}
    for line in _passwd(filesystem):
        name, *fields = line.split(":")
        if name == mail_owner and len(fields) > 1 and fields[1].isdigit():
            found.add(int(fields[1]))
    return frozenset(found | ({os.geteuid()} if filesystem.root else set()))


def complaint(
    filesystem: Filesystem, directory: str, trusted: Collection[int]
) -> tuple[str, str] | None:
    """Return who else can write to the configuration in ``directory``, and the remedy, if any."""
    for path in (directory, f"{directory}/main.cf", f"{directory}/master.cf"):
        status = filesystem.stat(path)
        if status.st_uid not in trusted:
            hint = f"chown root {path}"
        elif status.st_mode & 0o002 or (status.st_mode & 0o020 and status.st_gid):
            hint = f"chmod go-w {path}"
        else:
            continue
        what = "is" if path == directory else f"has a {PurePosixPath(path).name} that is"
        return f"{what} writable by others than root and mail_owner", hint
    return None


def _passwd(filesystem: Filesystem) -> list[str]:
    if not filesystem.is_file("/etc/passwd"):
        return []
    return filesystem.read_text("/etc/passwd").splitlines()
