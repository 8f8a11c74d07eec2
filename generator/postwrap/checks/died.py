"""From the log to what programs of each instance said when they died; bounded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from postwrap.errors import RefusedError
from postwrap.host import procfs
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.host.naming import Instance
from postwrap.logs.lines import time_of
from postwrap.logs.sources import sources
from postwrap.logs.tags import Tags

_NEWEST = 5000
"""So many lines of each log are read, about a megabyte."""
_LATE = 3
"""Seconds in which a process that was there before a change may still die of what was before."""
_MARKS = ("fatal: ", "panic: ")


def fatal_lines(host: HostModel) -> dict[str, tuple[str, ...]]:
    """Return what daemons logged when they died, by configuration directory.

    Since the instance's master(8) was started, main.cf or master.cf were changed, whichever came
    last. The commands that a person runs are not among them. Nothing where there is no log.
    """
    known = {i.directory: i for i in host.readable}
    since = {d: _since(i) for d, i in known.items()}
    now = datetime.now()
    found: dict[str, list[str]] = {}
    instances = [i.instance for i in known.values()]
    tags = Tags(instances, {})
    for owner, line in tags.owned(_texts(instances)):
        daemon = line.tag.rpartition("/")[2]
        instance = known[owner.directory]
        is_daemon = daemon == "master" or any(s.command == daemon for s in instance.services)
        if is_daemon and time_of(line, now) > since[owner.directory]:
            found.setdefault(owner.directory, []).append(f"{daemon}: {line.message}")
    return {directory: tuple(lines) for directory, lines in found.items()}


def _texts(instances: Iterable[Instance]) -> Iterator[str]:
    try:
        places, _ = sources(instances)
    except RefusedError:
        return
    for place in places:
        try:
            yield from (t for t in place.read(_NEWEST) if any(mark in t for mark in _MARKS))
        except OSError:
            continue


def _since(instance: InstanceConfig) -> datetime:
    """Return from when on lines count: the times of files and processes, in local time."""
    times = [0.0]
    for name in ("main.cf", "master.cf"):
        with contextlib.suppress(OSError):
            status = Path(instance.directory, name).stat()
            times.append(max(status.st_mtime, status.st_ctime) + _LATE)
    with contextlib.suppress(OSError):
        if instance.master:
            times.append(procfs.started(instance.master.pid))
    return datetime.fromtimestamp(max(times))
