"""The I/O boundary to the host's init: tells systemd, SysV or OpenRC what has changed."""

from __future__ import annotations

import subprocess
from enum import StrEnum
from pathlib import Path

from postwrap import programs
from postwrap.errors import Problem
from postwrap.host.model import Init
from postwrap.layout import INIT_SCRIPT

_ENABLE = {
    Init.SYSV: (("update-rc.d", INIT_SCRIPT, "defaults"), ("chkconfig", "--add", INIT_SCRIPT)),
    Init.OPENRC: (("rc-update", "add", INIT_SCRIPT, "default"),),
}
_DISABLE = {
    Init.SYSV: (("update-rc.d", INIT_SCRIPT, "remove"), ("chkconfig", "--del", INIT_SCRIPT)),
    Init.OPENRC: (("rc-update", "delete", INIT_SCRIPT, "default"),),
}


class LoadState(StrEnum):
    """Whether systemd has a unit, as ``systemctl show`` calls it."""

    LOADED = "loaded"
    MASKED = "masked"
    MISSING = "not-found"
    BROKEN = "broken"
    """Its file cannot be read, or has an error."""


class Services:
    """The init of this host, which runs now."""

    def __init__(self, init: Init) -> None:
        self.init = init

    @property
    def runs_systemd(self) -> bool:
        """Whether systemd is process 1 of this host: sd_booted(3) tells it so."""
        return self.init is Init.SYSTEMD and Path("/run/systemd/system").is_dir()

    def reload(self) -> list[Problem]:
        """Let systemd read units again and run the generators; other inits read at each boot."""
        if not self.runs_systemd:
            return []
        return _problems(_run("systemctl", "daemon-reload"))

    def enable(self) -> list[Problem]:
        """Have our init script run at boot; systemd needs no telling."""
        return _problems(_first_of(_ENABLE.get(self.init, ())))

    def disable(self) -> list[Problem]:
        """Take our init script, which is gone, out of the boot."""
        return _problems(_first_of(_DISABLE.get(self.init, ())))

    def unmasking(self, unit: str) -> str:
        """Return the command that undoes the mask of ``unit``; some last until the next boot."""
        done = _run("systemctl", "is-enabled", "--", unit)
        is_for_now = done is not None and done.stdout.strip() == "masked-runtime"
        return f"systemctl unmask {'--runtime ' if is_for_now else ''}{unit}"

    def leave_off(self, *units: str) -> list[Problem]:
        """Stop those of ``units`` that systemd has; their files may be gone already."""
        known = [unit for unit in units if self.runs_systemd]
        loaded = [unit for unit in known if self.load_state(unit) is LoadState.LOADED]
        return [problem for unit in loaded for problem in self.stop(unit)]

    def load_state(self, unit: str) -> LoadState:
        """Return whether systemd has ``unit``."""
        done = _run("systemctl", "show", "--property=LoadState", "--value", "--", unit)
        said = done.stdout.strip() if done else LoadState.MISSING
        return LoadState(said) if said in list(LoadState) else LoadState.BROKEN

    def runs_postmulti(self, unit: str) -> bool:
        """Whether ``unit`` starts an instance by postmulti(1): none that is turned off."""
        done = _run("systemctl", "show", "--property=ExecStart", "--value", "--", unit)
        return done is not None and "postmulti" in done.stdout

    def start(self, unit: str) -> list[Problem]:
        """Start ``unit`` under systemd and wait until it has."""
        return _problems(_run("systemctl", "start", unit))

    def stop(self, unit: str) -> list[Problem]:
        """Stop ``unit`` under systemd and wait until it has."""
        return _problems(_run("systemctl", "stop", unit))


def _first_of(
    commands: tuple[tuple[str, ...], ...],
) -> subprocess.CompletedProcess[str] | None:
    """Run the first of ``commands`` that is installed here."""
    for command in commands:
        done = _run(*command)
        if done is not None:
            return done
    return None


def _run(*argv: str) -> subprocess.CompletedProcess[str] | None:
    """Run a command of the init; None where there is no such command."""
    return programs.run(argv) if programs.find(argv[0]) else None


def _problems(done: subprocess.CompletedProcess[str] | None) -> list[Problem]:
    if done is None or not done.returncode:
        return []
    said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    command = " ".join([done.args[0].rpartition("/")[2], *done.args[1:]])
    return [Problem(command, said[0], "run it by hand when its reason is mended")]
