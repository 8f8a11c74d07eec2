"""What a directory holds, to compare with another time or another host."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.machine import Machine

Tree = dict[str, tuple[int, int, int, bytes]]


def tree(machine: Machine, directory: str) -> Tree:
    """Everything below a directory: mode, owner, group and bytes or link target, by path."""
    top = machine.path(directory)
    found: Tree = {}
    for folder, directories, files in os.walk(top):
        for name in (*directories, *files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path).encode()
            elif stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            place = os.path.relpath(path, top)
            found[place] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found
