"""How this host boots, and which unit brings up each instance.

The generator decides, at boot and here alike: what ``postwrap list`` and ``check`` say of the
boot is what it prints.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from postwrap import programs
from postwrap.entries import EntryKind
from postwrap.filesystem import Filesystem
from postwrap.host.model import BootPlace, Init
from postwrap.layout import HOOK_DIRECTORIES


def boot_places(filesystem: Filesystem, generator: str) -> dict[str, BootPlace]:
    """Return the places of all instances that ``generator`` finds, by configuration directory.

    ``generator`` is the text of postwrap's systemd generator.
    """
    root = os.path.abspath(filesystem.root) if filesystem.root else ""  # noqa: PTH100
    done = programs.run(
        ["/bin/sh", "-c", generator, "postwrap-generator", "--list"],
        environment={"POSTWRAP_ROOT": root},
    )
    done.check_returncode()
    return {place.directory: place for place in map(_place, done.stdout.splitlines())}


def _place(line: str) -> BootPlace:
    directory, unit, starts, why = line.split("\t", 3)
    return BootPlace(directory, unit, starts == "yes", why)


def own_units(places: Mapping[str, BootPlace]) -> dict[str, str]:
    """Return the unit of each instance that starts it and no other, by directory."""
    shared = Counter(place.unit for place in places.values())
    return {d: place.unit for d, place in places.items() if shared[place.unit] == 1}


def hook_directories(filesystem: Filesystem) -> tuple[str, ...]:
    """Return the directories of scripts that are run when resolv.conf changes."""
    return tuple(hook for hook in HOOK_DIRECTORIES if filesystem.is_directory(hook))


def init_of(filesystem: Filesystem) -> Init:
    """Return the init that runs this host, or would run it.

    A running one leaves its mark under /run (sd_booted(3); OpenRC's softlevel). Where none runs,
    as in a foreign tree, what /sbin/init is decides.
    """
    if runs_systemd(filesystem):
        return Init.SYSTEMD
    if filesystem.exists("/run/openrc/softlevel"):
        return Init.OPENRC
    init = filesystem.entry("/sbin/init")
    if init.kind is EntryKind.LINK and PurePosixPath(init.target or "").name == "systemd":
        return Init.SYSTEMD
    if any(filesystem.exists(f"{d}/openrc-run") for d in ("/sbin", "/usr/sbin", "/usr/bin")):
        return Init.OPENRC
    if init.kind is not EntryKind.MISSING and filesystem.is_file("/etc/inittab"):
        return Init.SYSV
    if filesystem.exists("/usr/lib/systemd/systemd") or filesystem.exists("/lib/systemd/systemd"):
        return Init.SYSTEMD
    return Init.NONE


def runs_systemd(filesystem: Filesystem) -> bool:
    """Whether systemd is process 1: sd_booted(3)."""
    return filesystem.is_directory("/run/systemd/system")
