"""How an instance is started and stopped on this host: by its unit, its own command, postfix(1)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from postwrap.host.model import InstanceConfig
from postwrap.provision.engine.steps import NO_SUCH_COMMAND, Argv, Run, run


@dataclass(frozen=True, slots=True)
class InstanceService:
    """One instance as something to start and stop.

    ``unit`` is the systemd unit that it runs in, "" for none. ``command`` is its own postfix
    command, ``postfix-out``, which knows the right unit on a host with systemd.
    """

    directory: str
    unit: str = ""
    command: str = ""

    @classmethod
    def of(cls, config: InstanceConfig) -> InstanceService:
        """Return an instance that exists as its unit holds it, or as postfix(1) started it."""
        return cls(config.directory, config.unit if config.unit.startswith("postfix") else "")

    def start(self, accept: tuple[int, ...] = (0,)) -> Run:
        """Return what starts it; ``accept`` 1 where it may run already."""
        if self.unit:
            return run("systemctl", "--job-mode=ignore-dependencies", "start", self.unit)
        return run(*self._postfix, "start", accept=accept)

    def stop(self) -> Run:
        """Return what stops it; that it does not run is not an error."""
        if self.unit:
            return run("systemctl", "--job-mode=ignore-dependencies", "stop", self.unit)
        return run(*self._postfix, "stop", accept=(0, 1, NO_SUCH_COMMAND))

    def restart(self) -> Run:
        """Return what stops and starts it, in one process that outlives a killed postwrap."""
        if self.unit:
            # Without what hangs on it: other instances are none of our business.
            return run("systemctl", "--job-mode=ignore-dependencies", "restart", self.unit)
        stop, start = (shlex.join((*self._postfix, verb)) for verb in ("stop", "start"))
        return run("sh", "-c", f"{stop}; {start}")

    def reload(self) -> Run:
        """Return what makes it read its configuration again."""
        return run("postfix", "-c", self.directory, "reload", accept=(0, 1))

    @property
    def _postfix(self) -> Argv:
        return (self.command,) if self.command else ("postfix", "-c", self.directory)
