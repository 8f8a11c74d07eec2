"""How the verb metrics reads logs: on from where the last run with --textfile left them.

Apart from the verb, for without --textfile there is none of this to import.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from postwrap.bundle import Artifact
from postwrap.cli import output
from postwrap.errors import Problem, RefusedError
from postwrap.filesystem import Filesystem
from postwrap.host.naming import Instance
from postwrap.install.lock import locked
from postwrap.installation import Installation
from postwrap.logs.cursor import FileTail, JournalTail
from postwrap.logs.position import Position
from postwrap.logs.sources import LogFile, Source, sources
from postwrap.logs.tags import Tags
from postwrap.metrics import STATE, log
from postwrap.metrics.state import MetricsState, Overrides, from_text, to_text
from postwrap.metrics.values import Values
from postwrap.postfix import PostfixError


def kept(host: Installation) -> MetricsState | None:
    """Return what the last run has kept; None where there was none, or this user may not see it.

    Raise OSError where it is there and cannot be read: counts must not begin anew for that.
    """
    try:
        return from_text(host.source.read_text(STATE))
    except FileNotFoundError:
        return None
    except PermissionError:
        if os.geteuid() == 0:
            raise
        return None


def keep(
    host: Installation,
    textfile: str,
    told: Callable[[MetricsState], tuple[str, list[Problem]]],
) -> list[Problem]:
    """Read the logs on, keep what they say, then write what is ``told`` to ``textfile``.

    One run at a time. What is kept comes first: a run that is killed between the two loses nothing,
    and the next one writes the file. Both are written beside their place and renamed.
    """
    files = Filesystem()
    with _alone():
        state, problems = read_on(host, kept(host))
        text, more = told(state)
        _write(files, STATE, to_text(state))
        _write(files, textfile, text)
    return [*problems, *more]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    place = Path(STATE).with_suffix(".lock")

    def prepare() -> None:
        place.parent.mkdir(mode=0o755, exist_ok=True)

    with locked(place, prepare, output.waiting):
        yield


def _write(files: Filesystem, path: str, text: str) -> None:
    files.stage(Artifact(path, text.encode(errors="replace"), 0o644))
    files.commit(path)


def read_on(host: Installation, before: MetricsState | None) -> tuple[MetricsState, list[Problem]]:
    """Return what is known once the logs have been read on, and why some cannot be.

    Without a state the logs are not read, only where they end.
    """
    instances = host.discovery.instances
    looked = time.time_ns()
    places, problems = _places(instances)
    overrides = _overrides(host, before or MetricsState())
    tags = Tags(instances, {d: o.names for d, o in overrides.items()})
    # Each run has values of its own: one that does not keep them changes none.
    known = before.values if before else {}
    values = {i.directory: known.get(i.directory, Values()) for i in instances}
    # A log that cannot be opened this time is read on in the next run.
    files: dict[str, tuple[Position, ...]] = dict(before.files) if before else {}
    journal = before.journal if before else None
    for place in places:
        tail = _tail(place, before)
        for owner, line in tags.owned(tail.lines()):
            program = line.tag.rpartition("/")[2]
            log.count(values[owner.directory], program, line.about, line.told)
        if isinstance(tail, FileTail):
            assert isinstance(place, LogFile)
            files[place.path] = tail.positions
        else:
            journal = tail.cursor
    return MetricsState(looked, files, journal, values, overrides), problems


def _places(instances: tuple[Instance, ...]) -> tuple[list[Source], list[Problem]]:
    try:
        return sources(instances)
    except RefusedError as error:
        subject, _, message = error.message.partition(": ")
        return [], [Problem(subject, message, error.hint)]


def _tail(place: Source, before: MetricsState | None) -> FileTail | JournalTail:
    if isinstance(place, LogFile):
        if before is None:
            return FileTail(place.path, None)
        return FileTail(place.path, before.files.get(place.path, ()), _looked(before, place.path))
    return JournalTail((before.journal or "") if before else "")


def _looked(before: MetricsState, path: str) -> int:
    return before.looked if path in before.files else 0


def _overrides(host: Installation, before: MetricsState) -> dict[str, Overrides]:
    """Return the names that services log under, asked for where a file has changed."""
    found = {}
    for instance in host.discovery.instances:
        stamp = _stamp(host, instance.directory)
        own = before.overrides.get(instance.directory)
        if not own or own.stamp != stamp or not stamp:
            own = Overrides(stamp, tuple(_asked(host, instance)))
        found[instance.directory] = own
    return found


def _stamp(host: Installation, directory: str) -> tuple[int, ...]:
    try:
        states = [
            Path(host.source.real(f"{directory}/{n}")).stat() for n in ("main.cf", "master.cf")
        ]
    except OSError:
        return ()
    return tuple(n for s in states for n in (s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns))


def _asked(host: Installation, instance: Instance) -> Iterator[str]:
    if host.postfix:
        try:
            found = host.postfix.overrides(instance.directory)
        except PostfixError:
            return
        yield from (value for key, value in found.items() if key.endswith("/syslog_name"))
