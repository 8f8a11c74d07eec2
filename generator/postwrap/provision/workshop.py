"""One host on which instances are made, changed and removed; and what a verb is about to do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from postwrap.errors import RefusedError
from postwrap.host import Host
from postwrap.install.lock import locked
from postwrap.postfix import Postfix
from postwrap.provision import journal
from postwrap.provision.carry_out import Undertaking, recover
from postwrap.provision.facts import Configured
from postwrap.provision.gathering import need_root
from postwrap.provision.journal import Journal, Record, State
from postwrap.provision.roles import Settings
from postwrap.provision.steps import Step
from postwrap.provision.worker import Worker


@dataclass(frozen=True, slots=True)
class Plan:
    """What a verb is about to do, and how it is told.

    ``settled`` are the values that were decided, asked for or derived; ``notes`` say what a
    person should know before; ``last`` are the steps without a way back.
    """

    name: str
    directory: str
    steps: tuple[Step, ...]
    kept: tuple[Step, ...] = ()
    settled: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    last: tuple[Step, ...] = ()


class Workshop:
    """One host on which instances are made, changed and removed, under one lock."""

    def __init__(self, host: Host, told: Callable[[str], None]) -> None:
        need_root()
        self.host = host
        self.told = told
        self.journal = Journal(host.source)
        self.postfix = host_postfix(host)
        self.worker = Worker(host.source, self.postfix, told)

    @contextlib.contextmanager
    def locked(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the lock while facts are gathered and steps are taken."""
        path = self.host.source.real(f"{journal.DIRECTORY}/lock")
        try:
            with locked(path, self.journal.prepare, on_wait):
                yield
        finally:
            self.host.source.remove_directory(journal.DIRECTORY)

    def need_settled(self, name: str) -> None:
        """Raise RefusedError where a killed run left something of ``name``; changes nothing."""
        if record := self.journal.unsettled(name):
            hint = f"postwrap {record.verb} {name} again finishes it; postwrap remove cleans up"
            raise RefusedError(f"{name}: postwrap {record.verb} was interrupted", hint)

    def exists(self, name: str) -> bool:
        """Whether any instance of this host answers to ``name``."""
        return any(instance.answers_to(name) for instance in self.host.discovery.instances)

    def recover(self, name: str) -> str:
        """Put back what a killed run left of ``name``; return the verb that it was, "" for none."""
        record = self.journal.unsettled(name)
        if record:
            recover(self.worker, self.journal, record)
        return record.verb if record else ""

    def carry_out(self, plan: Plan, verb: str) -> None:
        """Take the steps of ``plan``; FailedError after undoing them."""
        before = self.journal.read(plan.directory)
        record = before or Record(plan.directory)
        record = replace(record, state=State.UNDER_WAY, verb=verb, existed=before is not None)
        undertaking = Undertaking(self.worker, self.journal, record)
        undertaking.take(plan.steps)
        if verb == "remove":
            undertaking.finish(plan.last)
        else:
            undertaking.keep(plan.kept)


def host_postfix(host: Host) -> Postfix:
    """Return the host's Postfix; RefusedError for a foreign tree, where none may be run."""
    if host.postfix is None:
        raise RefusedError("an instance is made on the host itself", "leave --root out")
    return host.postfix


def changes(whose: str, settings: Settings, instance: Configured) -> dict[str, str]:
    """Return each setting as a person wants to see it: what it will be, and what it was."""
    shown = {}
    for name, value in settings.items():
        was = instance.stated.get(name)
        if was != value:
            now = "(default)" if value is None else value
            shown[whose + name] = now + (f" (was: {was})" if was else "")
    return shown
