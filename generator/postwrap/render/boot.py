"""The parts of an installation that bring the instances up at boot, for each kind of init."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap.bundle import Artifact
from postwrap.host.model import Init
from postwrap.layout import HOOK, INIT_SCRIPT, SEARCH_PATH, Layout
from postwrap.render import render

DIRECTORIES = {
    "postfix-instance@.service": "/etc/postfix-%I",
    "postfix-directory@.service": "%f",
}
"""Our template units, and the configuration directory that an instance's name stands for there:
the part after ``/etc/postfix-``, or the whole path (systemd.unit(5), specifiers)."""

WATCHER = "postfix-jails.path"
"""The unit that copies resolv.conf to the jails when it changes."""

TARGET = "postfix-instances.target"
"""The unit that the generator makes, which wants those of all instances."""

_OF_POSTWRAP = (
    *("postwrap-watch.path", "postwrap-watch.service"),
    *("postwrap-metrics.timer", "postwrap-metrics.service"),
)
"""Units that run postwrap itself; they are off until they are enabled."""


@dataclass(frozen=True, slots=True)
class BootFacts:
    """What the boot's parts hang on: the init, where postfix(1) is, and the hooks.

    Those are the directories of scripts that are run when resolv.conf changes; they are for the
    inits that cannot watch a file. ``postwrap`` is the command that units call.
    """

    init: Init
    postfix: str = "/usr/sbin/postfix"
    hooks: tuple[str, ...] = ()
    postwrap: str = ""


def boot(layout: Layout, facts: BootFacts) -> Iterator[Artifact]:
    """Yield what brings the instances up at boot; nothing for a layout that has no part in it."""
    if not layout.systemd_unit or facts.init is Init.NONE:
        return
    values = {
        "remake": layout.remake(),
        "install": " ".join(filter(None, ("install", layout.options))),
        "postwrap": facts.postwrap or f"{layout.sbin}/postwrap",
        "postfix": facts.postfix,
        "jail": f"{layout.state}/jail",
        "addresses": f"{layout.state}/addresses",
        "path": _search_path(facts.postfix),
    }
    yield _file(values["jail"], "lib/jail.sh.j2", values, mode=0o755)
    if facts.init is Init.SYSTEMD:
        yield from _systemd(layout, values)
        return
    script = f"{layout.init}/{INIT_SCRIPT}"
    yield _file(script, f"{facts.init}/{INIT_SCRIPT}.j2", values, mode=0o755)
    for directory in facts.hooks:
        yield _file(f"{directory}/{HOOK}", "lib/resolvconf.sh.j2", values, mode=0o755)


def _systemd(layout: Layout, values: dict[str, str]) -> Iterator[Artifact]:
    yield _file(values["addresses"], "lib/addresses.sh.j2", values, mode=0o755)
    relay_only = f"{layout.state}/relay-only.conf"
    yield _file(relay_only, "systemd/relay-only.conf.j2", {"path": relay_only})
    for unit, directory in DIRECTORIES.items():
        own = {"unit": unit, "directory": directory, "relay_only": relay_only}
        template = "systemd/postfix-instance@.service.j2"
        yield _file(f"{layout.systemd_unit}/{unit}", template, values | own)
    # A package's commands are not for postwrap to make again.
    ours = () if layout.is_packaged else _OF_POSTWRAP
    for unit in (WATCHER, "postfix-jails.service", *ours):
        yield _file(f"{layout.systemd_unit}/{unit}", f"systemd/{unit}.j2", values)
    for unit in ("postfix.service", "postfix@.service"):
        path = f"{layout.systemd_unit}/{unit}.d/postwrap.conf"
        yield _file(path, f"systemd/{unit}.d.conf.j2", values)
    yield generator(layout)


def generator(layout: Layout) -> Artifact:
    """Return the generator, which is also what tells the unit of an instance (--list)."""
    path = f"{layout.systemd_generator}/postwrap-generator"
    return _file(path, "systemd/postwrap-generator.j2", {"remake": layout.remake()}, mode=0o755)


def _file(path: str, template: str, values: dict[str, str], mode: int = 0o644) -> Artifact:
    return Artifact(path, render(f"units/{template}", **values), mode)


def _search_path(postfix: str) -> str:
    """Return the PATH of our scripts: where Postfix is, then where systems have commands."""
    return ":".join(dict.fromkeys((str(PurePosixPath(postfix).parent), *SEARCH_PATH.split(":"))))
