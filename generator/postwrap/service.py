"""The one door to the host's init: systemd, SysV or OpenRC is told what has changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from postwrap.errors import Problem
from postwrap.postfix import SEARCH_PATH
from postwrap.render.boot import SCRIPT, Init

_ENABLE = {
    Init.SYSV: (("update-rc.d", SCRIPT, "defaults"), ("chkconfig", "--add", SCRIPT)),
    Init.OPENRC: (("rc-update", "add", SCRIPT, "default"),),
}
_DISABLE = {
    Init.SYSV: (("update-rc.d", SCRIPT, "remove"), ("chkconfig", "--del", SCRIPT)),
    Init.OPENRC: (("rc-update", "delete", SCRIPT, "default"),),
}


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
    program = shutil.which(argv[0], path=SEARCH_PATH)
    if not program:
        return None
    words = [program, *argv[1:]]
    return subprocess.run(
        words, capture_output=True, check=False, errors="replace", stdin=subprocess.DEVNULL
    )


def _problems(done: subprocess.CompletedProcess[str] | None) -> list[Problem]:
    if done is None or not done.returncode:
        return []
    said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    command = " ".join([done.args[0].rpartition("/")[2], *done.args[1:]])
    return [Problem(command, said[0], "run it by hand when its reason is mended")]
