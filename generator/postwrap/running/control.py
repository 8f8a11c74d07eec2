"""Starting, stopping, restarting and reloading: one instance after the other, each looked at.

Under systemd an instance is started and stopped by its unit, without what hangs on that: stopping
postfix.service would stop all others. One that was started outside its unit is stopped by
postfix(1). Elsewhere postfix(1) does it all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from postwrap import programs
from postwrap.errors import PostwrapError, Problem, RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host import procfs
from postwrap.host.init import own_units
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.installation import Installation
from postwrap.postfix import Postfix
from postwrap.provision.engine.last_words import last_words
from postwrap.provision.engine.proof import prove
from postwrap.provision.engine.steps import Run
from postwrap.provision.listening_proof import proof_of
from postwrap.provision.preconditions import need_sound
from postwrap.provision.service import InstanceService
from postwrap.service import LoadState, Services

_PATIENCE = 20.0
"""Seconds that master(8) may take to appear, or to end."""
_BEFORE = 2
"""Seconds before a start from which the log of it may be."""


class ControlAction(StrEnum):
    """What becomes of an instance."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class Controlled:
    """What became of one instance.

    ``unit`` is the systemd unit that it runs in, or would, "" for none. ``done`` is in words, or ""
    where nothing was to be done, and ``note`` says why; ``problem`` is what went wrong.
    """

    config: InstanceConfig
    unit: str = ""
    running: bool = False
    done: str = ""
    note: str = ""
    problem: Problem | None = None

    @property
    def said(self) -> str:
        """What is to be said of it in a word."""
        return "failed" if self.problem else self.done or self.note


class Controller:
    """The instances of one host as something to start and stop."""

    def __init__(self, host: Installation, postfix: Postfix, told: Callable[[str], None]) -> None:
        self.told = told
        self.model: HostModel = host.model
        self.filesystem: Filesystem = host.source
        self.postfix = postfix
        self.services = Services(host.boot_facts.init)
        places = host.places if self.services.runs_systemd else {}
        self.own_units = own_units(places)
        self.shared_units = {p.unit for p in places.values()} - {*self.own_units.values()}

    def start(self, configs: Iterable[InstanceConfig], *, named: bool) -> list[Controlled]:
        """Start those of ``configs`` that do not run, in this order.

        Those that are turned off are left alone unless they are ``named``.
        """
        return [self._started(config, named=named) for config in configs]

    def stop(self, configs: Sequence[InstanceConfig]) -> list[Controlled]:
        """Stop those of ``configs`` that run, in this order."""
        return [self._stopped(config) for config in configs]

    def restart(self, configs: Sequence[InstanceConfig], *, named: bool) -> list[Controlled]:
        """Stop ``configs`` from the last to the first, and start them from the first to the last.

        One that would not start again is not stopped.
        """
        ended = {c.directory: self._stopped(c, again=True) for c in reversed(configs)}
        results = []
        for config in configs:
            stopped = ended[config.directory]
            if stopped.problem:
                results.append(stopped)
                continue
            was_running = bool(stopped.done)
            again = self._started(_without_master(config), named=named or was_running)
            done = "restarted" if was_running and again.done else again.done
            results.append(replace(again, done=done))
        return results

    def reload(self, configs: Iterable[InstanceConfig], *, named: bool) -> list[Controlled]:
        """Let those of ``configs`` that run read their configuration again.

        That one does not run is a problem where it is ``named``.
        """
        return [self._reloaded(config, named=named) for config in configs]

    def roll(
        self,
        configs: Iterable[InstanceConfig],
        *,
        named: bool,
        told: Callable[[Controlled], None],
    ) -> list[Controlled]:
        """Restart ``configs`` one by one, and stop at the first that does not take mail again.

        ``told`` is called with each as it is done.
        """
        results: list[Controlled] = []
        for config in configs:
            results.append(self._rolled(config, named=named))
            told(results[-1])
            if results[-1].problem:
                break
        return results

    # One instance.

    def _started(self, config: InstanceConfig, *, named: bool) -> Controlled:
        unit = self.own_units.get(config.directory, "")
        bare = Controlled(config, config.unit or unit, running=bool(config.running))
        if config.running:
            return replace(bare, note="runs already")
        if not named and (why := self._turned_off(config, unit)):
            return replace(bare, note=f"left alone: {why}")
        began = time.time() - _BEFORE
        try:
            unit = self._home(config)
            self._run(InstanceService(config.directory, unit).start())
            self._await(config, running=True)
        except PostwrapError as error:
            return replace(bare, unit=unit, problem=self._failure(config, error, began))
        return replace(bare, unit=unit, running=True, done="started")

    def _turned_off(self, config: InstanceConfig, unit: str) -> str:
        """Return why ``config`` is not started unless it is named, "" where it is."""
        if config.settings.get("multi_instance_enable", "").lower() == "no":
            return "multi_instance_enable = no"
        if unit and self.services.load_state(unit) is LoadState.MASKED:
            return f"{unit} is masked"
        return ""

    def _stopped(self, config: InstanceConfig, *, again: bool = False) -> Controlled:
        """Stop ``config``; where it is to start ``again``, only if it can."""
        bare = Controlled(config, config.unit or self.own_units.get(config.directory, ""))
        if not config.running:
            return replace(bare, note="does not run")
        try:
            if again:
                self._need_sound(config)
                self._home(config)
            self._run(InstanceService(config.directory, self._unit_of(config)).stop())
            self._await(config, running=False)
        except PostwrapError as error:
            return replace(bare, running=True, problem=self._failure(config, error, time.time()))
        return replace(bare, done="stopped")

    def _reloaded(self, config: InstanceConfig, *, named: bool) -> Controlled:
        bare = Controlled(config, config.unit, running=bool(config.running))
        if not config.running:
            hint = f"postwrap start {config.name}"
            stands = Problem(config.directory, "does not run", hint)
            return replace(bare, problem=stands) if named else replace(bare, note="does not run")
        try:
            self._run(Run((("postfix", "-c", config.directory, "reload"),)))
        except PostwrapError as error:
            return replace(bare, problem=self._failure(config, error, time.time()))
        return replace(bare, done="reloaded")

    def _rolled(self, config: InstanceConfig, *, named: bool) -> Controlled:
        """Restart ``config``, and have it take a recipient."""
        began = time.time()
        if not config.running:
            result = self._started(config, named=named)
        else:
            result = self._restarted(config)
        if not result.done:
            return result
        try:
            prove(self.postfix, self.filesystem, proof_of(config, self.model), self.told)
        except PostwrapError as error:
            return replace(result, problem=self._failure(config, error, began))
        return result

    def _restarted(self, config: InstanceConfig) -> Controlled:
        unit = self._unit_of(config)
        bare = Controlled(config, unit or config.unit, running=True)
        began = time.time() - _BEFORE
        try:
            self._need_sound(config)
            if not unit and self._home(config):  # it runs outside its unit
                self._run(InstanceService(config.directory).stop())
                self._await(config, running=False)
                return replace(self._started(_without_master(config), named=True), done="restarted")
            former = config.master.pid if config.master else 0
            self._run(InstanceService(config.directory, unit).restart())
            self._await(config, running=True, former=former)
        except PostwrapError as error:
            return replace(bare, problem=self._failure(config, error, began))
        return replace(bare, done="restarted")

    def _need_sound(self, config: InstanceConfig) -> None:
        """Raise RefusedError where it would not start again: mail goes on flowing meanwhile."""
        try:
            if config.error:
                raise RefusedError(config.error)
            need_sound(self.postfix, config.directory)
        except RefusedError as error:
            said = error.message.removeprefix(f"{config.directory}: ")
            hint = f"postfix -c {config.directory} check"
            raise RefusedError(f"is not stopped, for it would not start: {said}", hint) from error

    # What they are made of.

    def _unit_of(self, config: InstanceConfig) -> str:
        """Return the unit that holds a running instance and no other, "" for none."""
        unit = InstanceService.of(config).unit
        holders = [i for i in self.model.instances if i.unit == unit]
        return unit if len(holders) == 1 and unit not in self.shared_units else ""

    def _home(self, config: InstanceConfig) -> str:
        """Return the unit by which an instance is to be started, "" where it has none of its own.

        Raises RefusedError where that is masked.
        """
        unit = self.own_units.get(config.directory, "")
        state = self.services.load_state(unit) if unit else LoadState.MISSING
        if state is LoadState.MASKED:
            raise RefusedError(f"{unit} is masked", self.services.unmasking(unit))
        return unit if state is LoadState.LOADED else ""

    def _run(self, operation: Run) -> None:
        for argv in operation.commands:
            done = programs.run(argv)
            if done.returncode not in operation.accept:
                said = (done.stderr or done.stdout).strip().splitlines()
                words = said[0] if said else f"exit status {done.returncode}"
                raise RefusedError(words.rpartition("fatal: ")[2])

    def _await(self, config: InstanceConfig, *, running: bool, former: int = 0) -> None:
        """Wait until ``config`` runs, as another process than ``former``, or until it does not."""
        end = time.monotonic() + _PATIENCE
        while True:
            master = procfs.master_in(self.filesystem, config.queue_directory)
            if bool(master and master.pid != former) == running:
                return
            if time.monotonic() > end:
                raise RefusedError("does not run" if running else "still runs")
            time.sleep(0.05)

    def _failure(self, config: InstanceConfig, error: PostwrapError, began: float) -> Problem:
        """Return ``error`` with what a program of the instance logged as it died."""
        found = last_words(self.postfix, (config.directory,), began)
        enabled = config.settings.get("multi_instance_enable", "").lower()
        hint = error.hint or found.command or f"postfix -c {config.directory} check"
        if error.message == "does not run" and enabled == "no":
            hint = f"postwrap enable {config.name}"
        words = f"{error.message}; its log says: {found.text}" if found.text else error.message
        return Problem(config.directory, words, hint)


def _without_master(config: InstanceConfig) -> InstanceConfig:
    return replace(config, running=False, master=None)
