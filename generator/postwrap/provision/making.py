"""The verbs as one call each: gather, decide, and hand back what is to be done."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from postwrap.errors import RefusedError
from postwrap.host import Host
from postwrap.install.lock import locked
from postwrap.instance import find
from postwrap.postfix import Postfix
from postwrap.provision import certificates, journal
from postwrap.provision.address import missing
from postwrap.provision.carry_out import Undertaking, Worker, recover
from postwrap.provision.draft import Draft, draft
from postwrap.provision.facts import (
    Configured,
    Facts,
    gather,
    need_root,
    need_sound,
    running_service,
)
from postwrap.provision.journal import Journal, Record, State
from postwrap.provision.listeners import Endpoint
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.preconditions import need_files, need_possible, need_writable
from postwrap.provision.recipe import amavis_settings, create_steps, refreshes
from postwrap.provision.removal import (
    Removal,
    final_steps,
    places,
    removal_steps,
    still_as_written,
)
from postwrap.provision.requeue import DRAIN, messages
from postwrap.provision.role import change, role_steps
from postwrap.provision.roles import Settings
from postwrap.provision.steps import Step, kept


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
        self.postfix = _postfix(host)
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
        record = self.journal.read(key(name))
        if record and record.state is not State.MADE:
            hint = f"postwrap {record.verb} {name} again finishes it; postwrap remove cleans up"
            raise RefusedError(f"{name}: postwrap {record.verb} was interrupted", hint)

    def record(self, name: str) -> Record | None:
        """Return what the journal knows of ``name``."""
        return self.journal.read(key(name))

    def interrupted(self, name: str) -> str:
        """Return the verb that was killed at work on ``name``, "" for none."""
        record = self.journal.read(key(name))
        return record.verb if record and record.state is not State.MADE else ""

    def exists(self, name: str) -> bool:
        """Whether any instance of this host answers to ``name``."""
        return any(instance.answers_to(name) for instance in self.host.discovery.instances)

    def recover(self, name: str) -> Record | None:
        """Put back what a killed run left of ``name``."""
        return recover(self.worker, self.journal, key(name))

    def carry_out(self, plan: Plan, verb: str) -> None:
        """Take the steps of ``plan``; FailedError after undoing them."""
        before = self.journal.read(plan.name)
        record = before or Record(plan.name, plan.directory)
        record = replace(record, state=State.UNDER_WAY, verb=verb, existed=before is not None)
        undertaking = Undertaking(self.worker, self.journal, record)
        undertaking.take(plan.steps)
        if plan.last:
            undertaking.finish(plan.last)
        else:
            undertaking.keep(plan.kept)


def key(word: str) -> str:
    """Return the journal's name for what the command line calls ``word``: out, postfix-out, …."""
    return word.rstrip("/").rpartition("/")[2].removeprefix("postfix-")


def plan_create(host: Host, options: CreateOptions) -> Plan:
    """Return the plan to make an instance; RefusedError where something stands against it."""
    facts = gather(host, options.add_address)
    need_sound(_postfix(host), facts.default.directory)
    options = replace(options, shared=with_tables(options.shared, facts))
    made = draft(options, facts)
    need_possible(options, facts, made, host.source)
    _need_usable(_postfix(host), facts.default.directory, made.interfaces)
    steps = create_steps(options, facts, made)
    return Plan(
        options.name,
        made.directory,
        steps,
        kept(steps, refreshes(facts)),
        _settled(made, facts),
        (*made.share.notes, *_notes(host, options, facts, made)),
    )


def with_tables(options: RoleOptions, facts: Facts) -> RoleOptions:
    """Return ``options`` with the tables of --header-checks and --body-checks given a type."""
    best = "pcre" if "pcre" in facts.table_types else "regexp"

    def typed(text: str) -> str:
        return f"{best}:{text}" if text.startswith("/") else text

    return replace(
        options,
        header_checks=typed(options.header_checks),
        body_checks=typed(options.body_checks),
    )


def _postfix(host: Host) -> Postfix:
    if host.postfix is None:
        raise RefusedError("an instance is made on the host itself", "leave --root out")
    return host.postfix


def _need_usable(postfix: Postfix, directory: str, interfaces: str) -> None:
    """Raise RefusedError where Postfix itself would not take the default's new inet_interfaces."""
    tried = ("-o", f"inet_interfaces={interfaces}", "-hx", "mynetworks")
    if interfaces and postfix.run(postfix.postconf, *tried, directory=directory).returncode:
        hint = f"set inet_interfaces in {directory}/main.cf to the addresses that it is to keep"
        raise RefusedError(f"inet_interfaces = {interfaces}: will not do for Postfix", hint)


def _settled(made: Draft, facts: Facts) -> dict[str, str]:
    """Return what a person wants to see before it is done."""
    shown = {
        "configuration": made.directory,
        "queue": made["queue_directory"],
        "data": made["data_directory"],
        "listens at": ", ".join(map(str, made.endpoints)) or "nothing: it takes mail from sendmail",
        "log tag": made["syslog_name"],
        "myhostname": made["myhostname"],
        "HELO name": made["smtp_helo_name"] or made["myhostname"],
        "mynetworks": made["mynetworks"],
    }
    if made.interfaces:
        shown["default listens at"] = made.interfaces
    shown |= _changes("default ", made.share.first, facts.default)
    for name, value in made.dropped.items():
        shown[f"left out: {name}"] = value
    return shown


def _notes(host: Host, options: CreateOptions, facts: Facts, made: Draft) -> Iterator[str]:
    yield from setting_notes(_postfix(host), options.shared, made["myhostname"])
    if made.interfaces and facts.default.running:
        yield "the default instance is stopped and started, for it gives up an address"
    yield from filter_notes(facts, made.directory, made.share.forward)
    if (given := missing(options, facts)) and not facts.network.kind:
        yield (
            f"{options.add_address}: neither NetworkManager, systemd-networkd nor ifupdown "
            f"configures it, so {', '.join(given)} is gone after a boot; have it given again there"
        )
    shared = [n for n, v in made.source.stated.items() if f"{made.source.directory}/" in v]
    if shared:
        yield f"tables in {made.source.directory} serve both instances: {', '.join(shared)}"


def filter_notes(facts: Facts, directory: str, forward: Endpoint | None) -> Iterator[str]:
    """Yield what is left to be done with the content filter."""
    if forward and not facts.amavis:
        text = amavis_settings(str(forward), directory).splitlines()[2]
        yield f"tell the filter to hand on to {forward}; amavisd wants: {text}"
    elif forward and not facts.systemd:
        yield "restart amavisd once this is done"


def setting_notes(postfix: Postfix, options: RoleOptions, hostname: str) -> Iterator[str]:
    """Yield what is to be said of a certificate's names and of settings that nobody knows."""
    if options.tls_cert and not certificates.covers(options.tls_cert, hostname):
        yield f"{options.tls_cert}: is not for {hostname}; clients that look will object"
    names = list(options.settings)
    known = postfix.defaults(names) if names else {}
    for name in names:
        if name not in known:
            yield f"--set {name}: this Postfix knows no such parameter"


def plan_role(host: Host, name: str, options: RoleOptions) -> Plan:
    """Return the plan to give an existing instance a role; RefusedError where that cannot be."""
    facts = gather(host)
    instance = find_configured(host, facts, name)
    options = with_tables(options, facts)
    need_files(options)
    need_writable(host.source, facts.default.directory)
    made = change(options, facts, instance)
    service = running_service(host.source, instance)
    wrapped = instance.directory in host.manifest.instances()
    steps = role_steps(made, facts, service, wrapped=wrapped)
    hostname = made.second.get("myhostname") or instance["myhostname"]
    return Plan(
        key(instance.directory),
        instance.directory,
        steps,
        kept(steps, (service.reload(), *refreshes(facts))),
        {
            **_changes("", made.second, instance),
            **_changes("default ", made.first, facts.default),
        },
        (
            *made.share.notes,
            *setting_notes(_postfix(host), options, hostname),
            *filter_notes(facts, instance.directory, made.share.forward),
        ),
    )


def _changes(whose: str, settings: Settings, instance: Configured) -> dict[str, str]:
    """Return each setting as a person wants to see it: what it will be, and what it was."""
    shown = {}
    for name, value in settings.items():
        was = instance.stated.get(name)
        if was != value:
            now = "(default)" if value is None else value
            shown[whose + name] = now + (f" (was: {was})" if was else "")
    return shown


@dataclass(frozen=True, slots=True)
class RemoveOptions:
    """What ``remove`` was asked for; ``date`` marks what is kept."""

    name: str
    date: str
    purge: bool = False
    requeue_to: str = ""


def plan_removal(host: Host, record: Record | None, options: RemoveOptions) -> Plan:
    """Return the plan to remove an instance; RefusedError while mail is queued in it."""
    facts = gather(host)
    instance = find_configured(host, facts, options.name)
    target = find_configured(host, facts, options.requeue_to) if options.requeue_to else None
    if instance.directory == facts.default.directory:
        raise RefusedError(f"{instance.directory}: is the default instance", "it stays")
    if target == instance:
        raise RefusedError(f"--requeue-to {options.requeue_to}: is itself", "name another")
    _need_own_queue(instance, facts)
    count = sum(1 for _ in messages(host.source, instance["queue_directory"]))
    if count and not target:
        raise RefusedError(f"{instance.name}: {count} messages are queued", DRAIN)
    mounted = tuple(p for p in places(instance)[1:] if os.path.ismount(host.source.real(p)))
    removal = Removal(
        instance,
        running_service(host.source, instance),
        record,
        _mark(host, instance, options.date),
        options.purge,
        target.directory if target else "",
        instance.directory in host.manifest.instances(),
        mounted,
    )
    return Plan(
        key(options.name),
        instance.directory,
        removal_steps(removal, facts),
        settled={"messages": f"{count}, to {target.directory}" if target else str(count)},
        notes=(
            *still_as_written(record, facts)[1],
            *(f"{place}: is a mount point, and stays; umount it" for place in mounted),
        ),
        last=final_steps(removal),
    )


def find_configured(host: Host, facts: Facts, word: str) -> Configured:
    """Return the instance that ``word`` means."""
    directory = find(host.discovery.instances, word).directory
    for instance in facts.instances:
        if instance.directory == directory:
            return instance
    raise RefusedError(f"{directory}: Postfix cannot read it", f"postfix -c {directory} check")


def _need_own_queue(instance: Configured, facts: Facts) -> None:
    """Raise RefusedError where another instance would lose its directories by the removal."""
    for other in facts.instances:
        for parameter in ("queue_directory", "data_directory"):
            if other is not instance and other[parameter] == instance[parameter]:
                message = f"{instance[parameter]}: is the {parameter} of {other.directory} too"
                raise RefusedError(message, "give each its own first; postwrap check says how")


def _mark(host: Host, instance: Configured, date: str) -> str:
    """Return what is put behind the names of kept directories: ``.removed-DATE``, or ``-2`` …."""
    number = 1
    while True:
        mark = f".removed-{date}" + (f"-{number}" if number > 1 else "")
        if not any(host.source.exists(place + mark) for place in places(instance)):
            return mark
        number += 1
