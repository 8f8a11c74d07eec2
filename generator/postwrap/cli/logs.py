"""What the verbs that read logs have in common."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

from postwrap.cli import output
from postwrap.cli.declare import Metavar, flag, option
from postwrap.cli.documents import LogLine
from postwrap.errors import UsageError
from postwrap.host.naming import Instance
from postwrap.installation import Installation
from postwrap.logs.lines import Line, time_of
from postwrap.logs.moments import moment_of
from postwrap.logs.tags import Owned, Tags
from postwrap.postfix import PostfixError

Since = Annotated[
    str,
    option(metavar=Metavar("TIME"), help="From TIME on: 2026-01-31, 14:05, yesterday, 2h"),
]
Follow = Annotated[bool, flag("--follow", "-f", help="Go on with what is logged from now on")]
Until = Annotated[str, option(metavar=Metavar("TIME"), help="Up to TIME, written as for --since")]


def moment(name: str, value: str) -> datetime | None:
    """Return the local time that the option ``name`` gives, None for "".

    Raises UsageError for what is no time.
    """
    if not value:
        return None
    found = moment_of(value, datetime.now())
    if not found:
        hint = "give a time as 2026-01-31, '2026-01-31 14:05', 14:05, today, yesterday or 2h"
        raise UsageError(f"{name} {value}: is not a time", hint)
    return found


def tags_of(host: Installation, names: Iterable[str]) -> Tags:
    """Return the tags of all instances; say where one of ``names`` shares its tag."""
    instances = host.discovery.instances
    tags = Tags(instances, {i.directory: _overrides(host, i) for i in instances})
    for instance in tags.shared:
        if not names or any(instance.answers_to(name) for name in names):
            output.note(f"postwrap: {instance.name}: logs under another instance's syslog_name")
    return tags


def _overrides(host: Installation, instance: Instance) -> list[str]:
    """Return the values of syslog_name that services have of their own, none if unreadable."""
    if not host.postfix:
        return []
    try:
        found = host.postfix.overrides(instance.directory)
    except PostfixError:
        return []
    return [value for key, value in found.items() if key.endswith("/syslog_name")]


def merged(read: Sequence[Iterable[Owned]]) -> Iterable[Owned]:
    """Return the lines of all that is ``read``, in the order of time."""
    if len(read) == 1:
        return read[0]
    now = datetime.now()
    return heapq.merge(*read, key=lambda own: time_of(own[1], now))


def document(instance: Instance, line: Line) -> LogLine:
    """Return a line as JSON."""
    return {
        "time": time_of(line, datetime.now()).isoformat(),
        "instance": instance.name,
        "tag": line.tag,
        "pid": line.pid,
        "queue_id": line.queue_id or None,
        "message": line.message,
    }
