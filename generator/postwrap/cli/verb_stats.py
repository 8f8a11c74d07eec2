"""The verb stats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import typer

from postwrap.cli import logs, output, queues, stats_text
from postwrap.cli.declare import verb
from postwrap.cli.documents import StatsDocument
from postwrap.cli.options import Json, Names, seen_host
from postwrap.errors import Status
from postwrap.logs.blocks import read_blocks
from postwrap.logs.fast import Take, blocks_of, feed, from_on
from postwrap.logs.sources import LogFile, Source, sources
from postwrap.logs.tags import Tags
from postwrap.logs.totals import Handovers, Totals, host_sums


@verb(
    "stats",
    examples=("postwrap stats", "postwrap stats out --since today"),
    document=StatsDocument,
)
def stats(names: Names = None, since: logs.Since = "", json: Json = False) -> None:
    """Sum up the log of each instance, as pflogsumm does.

    Messages received, sent, deferred, bounced and rejected, delays by stage, domains and reasons;
    then the sums of the host, in which a message that one instance handed to another counts once.
    Without --since, the log that has not been rotated yet is read; with it, former ones too, as far
    as they are needed.
    """
    now = datetime.now()
    begin = logs.moment("--since", since)
    host = seen_host()
    chosen = queues.chosen(host, names or ())
    tags = logs.tags_of(host, names or ())
    places, problems = sources(chosen, tags.has)
    handovers = Handovers()
    every = {i.directory: Totals(i.directory, handovers) for i in host.discovery.instances}
    for place in places:
        _read(place, tags, every, begin, now)
    totals = [(i, every[i.directory]) for i in chosen]
    sums = host_sums((t for _, t in totals), handovers) if not names else None
    if json:
        output.as_json(stats_text.document(totals, sums, begin, problems))
    else:
        for line in stats_text.lines(totals, sums, begin):
            typer.echo(line)
        output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _read(
    place: Source, tags: Tags, every: dict[str, Totals], begin: datetime | None, now: datetime
) -> None:
    def taker(head: str) -> Take | None:
        owner = tags.owner(head)
        return every[owner.directory].take if owner else None

    feed(_blocks(place, begin), taker, from_on(begin, now) if begin else None)


def _blocks(place: Source, begin: datetime | None) -> Iterable[str]:
    """Return what is to be looked at, former files included where they may hold some."""
    if begin is not None:
        return blocks_of(place.read_since(begin))
    return read_blocks(place.path) if isinstance(place, LogFile) else blocks_of(place.read())
