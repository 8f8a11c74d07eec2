"""The verb log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from postwrap.cli import logs, output
from postwrap.cli.declare import Metavar, flag, option, verb
from postwrap.cli.documents import LogDocument
from postwrap.cli.loglines import Columns
from postwrap.cli.logs import Follow, Since
from postwrap.cli.options import Json, Names, this_host
from postwrap.cli.words import whole_number
from postwrap.errors import Status, UsageError
from postwrap.host.naming import select
from postwrap.logs.lines import SEVERITIES, time_of
from postwrap.logs.sources import Source, follow, sources
from postwrap.logs.tags import Owned, Tags

Count = Annotated[
    str,
    option(
        "--lines",
        "-n",
        metavar=Metavar("N"),
        help="Number of lines to show, the newest (default: 20); 0 shows all",
    ),
]
Errors = Annotated[bool, flag("--errors", help="Warnings, errors, fatal errors and panics only")]
QueueId = Annotated[
    str, option("--queue-id", metavar=Metavar("ID"), help="Lines about the message ID only")
]

_FEW, _MANY = 2_000, 200_000
"""How many lines of a log are looked through for the last ones."""
_SETTLED = 0.3
"""Seconds after which lines of several logs are told in the order of their times."""
_LATE = 1.0

Wanted = Callable[[Owned], bool]


@verb("log", examples=("postwrap log out", "postwrap log -f --errors"), document=LogDocument)
def log(
    names: Names = None,
    lines: Count = "",
    follows: Follow = False,
    errors: Errors = False,
    queue_id: QueueId = "",
    since: Since = "",
    json: Json = False,
) -> None:
    """Show the log lines of the instances.

    Reads maillog_file, a syslog daemon's file or the journal, whichever the instance logs to, and
    selects lines by syslog_name. With --since, --errors or --queue-id rotated logs are read too,
    and --since shows all lines unless --lines is given. A terminal gets columns, a pipe the lines
    as they stand.
    """
    count = whole_number("--lines", lines or ("0" if since else "20"), least=0)
    if follows and json:
        raise UsageError("--follow: cannot be combined with --json", "leave one of the two out")
    start = logs.moment("--since", since)
    host = this_host()
    for name in names or ():
        host.discovery.need_served(name)
    chosen = {i.directory for i in select(host.discovery.instances, names or ())}
    tags = logs.tags_of(host, names or ())
    places, problems = sources(
        (i for i in host.discovery.instances if i.directory in chosen), tags.has
    )

    def wanted(own: Owned) -> bool:
        instance, line = own
        return (
            instance.directory in chosen
            and not (errors and not line.severity)
            and not (queue_id and line.queue_id != queue_id)
        )

    words = [queue_id] if queue_id else [f"{word}: " for word in SEVERITIES] if errors else []
    read = [_last(_reader(place, words, start), tags, wanted, start, count) for place in places]
    last = deque(logs.merged(read), maxlen=count or None)
    problems += [problem for place in places for problem in place.obstacles]
    columns = Columns(host.discovery.instances)
    if json:
        document: LogDocument = {
            "lines": [logs.document(*own) for own in last],
            "problems": output.problem_list(problems),
        }
        output.as_json(document)
    else:
        columns.show(last)
        output.problems(problems)
    if follows:
        _print_following(places, tags, wanted, columns)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _reader(
    place: Source, words: Sequence[str], since: datetime | None
) -> Callable[[int], Iterator[str]]:
    """Return a function that yields the lines of ``place``: about so many of the newest, or all."""
    if words:
        encoded = [word.encode(errors="surrogateescape") for word in words]
        return lambda _: (
            hit.text for hit in place.search(encoded, ignores_case=False, since=since)
        )
    if since:
        return lambda _: place.read_since(since)
    return place.read


def _last(
    read: Callable[[int], Iterator[str]],
    tags: Tags,
    wanted: Wanted,
    since: datetime | None,
    count: int,
) -> Sequence[Owned]:
    """Return the last ``count`` lines that are ``wanted``, all for 0, none from before ``since``.

    The end of the log is read first; others may have most of it.
    """
    last: deque[Owned] = deque()
    now = datetime.now()
    for newest in (_FEW, _MANY, 0) if count and not since else (0,):
        found = filter(wanted, tags.owned(read(newest)))
        late = (own for own in found if not since or time_of(own[1], now) >= since)
        last = deque(late, maxlen=count or None)
        if len(last) == count:
            break
    return last


def _print_following(
    places: Sequence[Source], tags: Tags, wanted: Wanted, columns: Columns
) -> None:
    """Print until Control-C, which is how this ends."""
    try:
        for texts in _settled(follow(places, _SETTLED), is_one=len(places) == 1):
            now = datetime.now()
            found = [own for own in tags.owned(texts) if wanted(own)]
            if len(places) > 1:
                found.sort(key=lambda own: time_of(own[1], now))
            columns.show(found)
    except KeyboardInterrupt:
        return


def _settled(texts: Iterable[str], *, is_one: bool) -> Iterator[list[str]]:
    """Yield lines as they come, those of several logs together where they come at one time."""
    waiting: list[str] = []
    since = 0.0
    for text in texts:
        if text:
            since = since if waiting else time.monotonic()
            waiting.append(text)
        if waiting and (is_one or not text or time.monotonic() - since > _LATE):
            yield waiting
            waiting = []
    if waiting:
        yield waiting
