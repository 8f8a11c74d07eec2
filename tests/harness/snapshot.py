"""What a directory holds, to compare with another time or another host."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.machine import Machine

Tree = dict[str, tuple[int, int, int, bytes]]


def tree(machine: Machine, directory: str) -> Tree:
    """Everything below a directory: mode, owner, group and bytes or link target, by path."""
    top = machine.path(directory)
    found: Tree = {}
    for folder, directories, files in os.walk(top):
        for path in (Path(folder, name) for name in (*directories, *files)):
            status = path.lstat()
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = str(path.readlink()).encode()
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            place = str(path.relative_to(top))
            found[place] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found
