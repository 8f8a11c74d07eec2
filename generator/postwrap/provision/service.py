"""How instances are started and stopped on this host: by systemd's units or by postfix(1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from postwrap.filesystem import Filesystem
from postwrap.provision.steps import Operation, Run, run

TEMPLATES = (
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


class Manager(StrEnum):
    """Who starts instances."""

    POSTFIX = "postfix"
    """No systemd runs, or it has no template unit of Postfix: ``postfix start``."""
    BY_NAME = "by name"
    """``postfix@MULTI_INSTANCE_NAME``, made by a generator from multi_instance_directories
    (Debian 12)."""
    BY_DIRECTORY = "by directory"
    """``postfix@SUFFIX``, with MAIL_CONFIG=/etc/postfix-SUFFIX (Debian 13)."""


@dataclass(frozen=True, slots=True)
class Service:
    """One instance as something to start and stop.

    ``unit`` is the unit that holds it, or would; "" where there is none.
    """

    directory: str
    unit: str = ""
    enable: bool = False
    """Whether the unit has to be enabled by name, for no generator does."""

    def start(self) -> Run:
        """Return what starts it."""
        if not self.unit:
            return run("postfix", "-c", self.directory, "start")
        reload = ("systemctl", "daemon-reload")
        return Run((reload, ("systemctl", "start", self.unit)))

    def stop(self) -> Run:
        """Return what stops it; that it does not run is no error."""
        if self.unit:
            return run("systemctl", "stop", self.unit)
        return run("postfix", "-c", self.directory, "stop", accept=(0, 1))

    def restart(self) -> Run:
        """Return what stops and starts it, as one process that outlives a killed postwrap."""
        if self.unit:
            return run("systemctl", "restart", self.unit)
        return Run((*self.stop().commands, *self.start().commands))

    def reload(self) -> Run:
        """Return what makes it read its configuration again."""
        return run("postfix", "-c", self.directory, "reload")

    def enabling(self) -> tuple[Operation, ...]:
        """Return what gives it a place in the boot beyond its registration."""
        return (run("systemctl", "enable", self.unit),) if self.enable else ()

    def disabling(self) -> tuple[Operation, ...]:
        """Return what takes that away."""
        return (run("systemctl", "disable", self.unit, accept=(0, 1)),) if self.enable else ()


def look_at_manager(filesystem: Filesystem) -> Manager:
    """Return who starts instances on this host; sd_booted(3) is how to tell a running systemd."""
    if not filesystem.is_directory("/run/systemd/system"):
        return Manager.POSTFIX
    for directory in TEMPLATES:
        path = f"{directory}/postfix@.service"
        if filesystem.is_file(path):
            text = filesystem.read_text(path)
            if "postmulti -i %i" in text:
                return Manager.BY_NAME
            return Manager.BY_DIRECTORY if "%I" in text else Manager.POSTFIX
    return Manager.POSTFIX


def secondary_service(manager: Manager, directory: str, name: str, *, registered: bool) -> Service:
    """Return the service of a secondary instance of the multi_instance_name ``name``.

    ``registered``: whether it is in multi_instance_directories, which Debian 12 starts from.
    """
    last = directory.rpartition("/")[2]
    if manager is Manager.BY_DIRECTORY and directory.startswith("/etc/postfix-"):
        return Service(directory, f"postfix@{escape(last.removeprefix('postfix-'))}.service", True)
    if manager is Manager.BY_NAME and registered:
        return Service(directory, f"postfix@{escape(name)}.service")
    return Service(directory)


def escape(text: str) -> str:
    """Return ``text`` as the instance part of a unit's name is escaped; see systemd-escape(1)."""

    def escaped(found: re.Match[str]) -> str:
        return "".join(f"\\x{byte:02x}" for byte in found[0].encode())

    dotted = re.sub(r"[^A-Za-z0-9:_.]", escaped, text)
    return f"\\x2e{dotted[1:]}" if dotted.startswith(".") else dotted
