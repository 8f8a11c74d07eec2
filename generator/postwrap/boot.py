"""How this host boots, and which unit brings up each instance.

The generator decides, at boot and here alike: what ``postwrap list`` and ``check`` say of the
boot is what it prints.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.filesystem import Filesystem, Kind
from postwrap.instance import Instance
from postwrap.layout import Layout
from postwrap.render.boot import BootFacts, Init, generator

_HOOKS = ("/etc/resolvconf/update-libc.d", "/etc/network/if-up.d", "/etc/ppp/ip-up.d")
"""Where Debian and openresolv run scripts when resolv.conf has changed, or may have."""


@dataclass(frozen=True, slots=True)
class Place:
    """An instance's place in the boot.

    ``unit`` is the systemd unit that it runs under; ``starts`` tells whether the boot starts it,
    ``why`` says why not, or who else starts it.
    """

    directory: str
    unit: str
    starts: bool
    why: str = ""


def places(filesystem: Filesystem, layout: Layout) -> dict[str, Place]:
    """Return the places of all instances that the generator finds, by configuration directory."""
    script = generator(layout).content.decode()
    done = subprocess.run(
        ["/bin/sh", "-c", script, "postwrap-generator", "--list"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "POSTWRAP_ROOT": filesystem.root},
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
    )
    return {place.directory: place for place in map(_place, done.stdout.splitlines())}


def own_unit(instance: Instance, places: Mapping[str, Place]) -> str:
    """Return the unit that starts ``instance`` and no other, "" where there is none."""
    place = places.get(instance.directory)
    if not place or [other.unit for other in places.values()].count(place.unit) > 1:
        return ""
    return place.unit


def _place(line: str) -> Place:
    directory, unit, starts, why = line.split("\t", 3)
    return Place(directory, unit, starts == "yes", why)


def facts_of(filesystem: Filesystem, postfix: str) -> BootFacts:
    """Return what the boot's parts hang on; ``postfix`` is the path of postfix(1)."""
    hooks = tuple(hook for hook in _HOOKS if filesystem.is_directory(hook))
    return BootFacts(init_of(filesystem), postfix, hooks)


def init_of(filesystem: Filesystem) -> Init:
    """Return the init that runs this host, or would run it.

    A running one leaves its mark under /run (sd_booted(3); OpenRC's softlevel). Where none runs,
    as in a foreign tree, what /sbin/init is decides.
    """
    if filesystem.is_directory("/run/systemd/system"):
        return Init.SYSTEMD
    if filesystem.exists("/run/openrc/softlevel"):
        return Init.OPENRC
    init = filesystem.entry("/sbin/init")
    if init.kind is Kind.LINK and PurePosixPath(init.target or "").name == "systemd":
        return Init.SYSTEMD
    if any(filesystem.exists(f"{d}/openrc-run") for d in ("/sbin", "/usr/sbin", "/usr/bin")):
        return Init.OPENRC
    if init.kind is not Kind.MISSING and filesystem.is_file("/etc/inittab"):
        return Init.SYSV
    if filesystem.exists("/usr/lib/systemd/systemd") or filesystem.exists("/lib/systemd/systemd"):
        return Init.SYSTEMD
    return Init.NONE
