"""Taking back what a former role gave, when an instance is given another one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from postwrap.provision.facts import Configured, Facts
from postwrap.provision.journal import Record
from postwrap.provision.roles import (
    BACKUP_LIFETIME,
    BEHIND_FILTER,
    ONLY_OURS,
    SHORT_TIMEOUTS,
    TRANSPORTS,
    Pair,
    Settings,
    filter_transport,
    trusted,
)
from postwrap.provision.steps import Restore, Step, run
from postwrap.provision.transport import amavis_file, transport_step

_FIRST = (
    *("smtp_fallback_relay", *SHORT_TIMEOUTS, "relayhost", *TRANSPORTS),
    *("content_filter", "receive_override_options"),
)
"""What roles set in the default instance."""


def second_back(instance: Configured, default: Configured, pair: Pair, new: Settings) -> Settings:
    """Return what becomes of the instance's settings that are still as another role wrote them.

    ``new`` are those of the new role. Checks for strangers come back as the default has them.
    """
    marks = {
        **ONLY_OURS,
        "receive_override_options": BEHIND_FILTER,
        "smtpd_authorized_xforward_hosts": trusted(pair),
        "maximal_queue_lifetime": BACKUP_LIFETIME,
    }
    return {
        name: default.stated.get(name) if name in ONLY_OURS else None
        for name, value in marks.items()
        if name not in new and instance.stated.get(name) == value
    }


def first_back(
    record: Record | None, others: Mapping[tuple[str, str], str], facts: Facts, new: Settings
) -> Settings:
    """Return the default instance's settings that go back to what they were before the old role.

    ``others`` are the values that other instances want, by directory and parameter.
    """
    back: dict[str, str | None] = {}
    for operation in (step.do for step in record.kept) if record else ():
        if not isinstance(operation, Restore) or operation.directory != facts.default.directory:
            continue
        name = operation.parameter
        now = facts.default.stated.get(name, "")
        if name not in _FIRST or name in new or now != operation.written:
            continue
        if others.get((operation.directory, name)) != now:
            back[name] = operation.before
    return back


def filter_back(record: Record | None, facts: Facts, name: str, directory: str) -> Iterator[Step]:
    """Yield what takes a content filter's transport and amavisd's file away again."""
    transport = transport_step(facts.default.directory, f"{filter_transport(name)} unix x")
    gone = {*transport.undo, run("rm", "-f", amavis_file(facts.amavis, directory))}
    for step in record.kept if record else ():
        if step.do in gone:
            yield Step(step.title, step.do, step.undo)
