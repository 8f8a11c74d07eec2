"""The verbs log and trace: what the instances log, and which way a message went."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any

import typer

from postwrap.cli import app, output, where
from postwrap.errors import RefusedError, UsageError
from postwrap.host import Host
from postwrap.instance import Instance, select
from postwrap.logs.lines import Line
from postwrap.logs.sources import Source, follow, sources
from postwrap.logs.tags import Owned, Tags
from postwrap.logs.way import Passage, passages, way
from postwrap.postfix import PostfixError

Count = Annotated[
    int,
    typer.Option("--lines", "-n", metavar="N", min=0, help="The last N lines; 0: all of them."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is logged next.")]
What = Annotated[
    str, typer.Argument(metavar="WHAT", help="A queue ID, a Message-ID or an address.")
]


@app.command()
def log(
    names: where.Names = None,
    lines: Count = 20,
    follows: Follow = False,
    json: where.Json = False,
) -> None:
    """Show what the instances log, or those named.

    Each is known by its syslog_name, wherever it logs: its maillog_file, a syslog daemon's file,
    the journal.
    """
    if follows and json:
        raise UsageError("--follow goes not with --json: JSON has an end")
    host = where.host("", "", "", False)
    chosen = {i.directory for i in select(host.discovery.instances, names or ())}
    tags = _tags(host, names or ())
    places = sources(i for i in host.discovery.instances if i.directory in chosen)
    now = datetime.now()
    wanted = (own for own in _merged(places, tags, now) if own[0].directory in chosen)
    last = list(deque(wanted, maxlen=lines) if lines else wanted)
    if json:
        output.as_json({"lines": [_document(*own) for own in last]})
        return
    _print(last)
    if follows:
        _print_following(places, tags, chosen)


@app.command()
def trace(what: What, json: where.Json = False) -> None:
    """Show a message's way through all instances.

    By its queue ID in one of them, its Message-ID, or an address that it is from or to; former log
    files are read too.
    """
    host = where.host("", "", "", False)
    tags = _tags(host, ())
    places = sources(host.discovery.instances)
    stays = passages(_merged(places, tags, datetime.now(), rotated=True))
    found = way(stays, what)
    if not found:
        hint = "a queue ID, a Message-ID or an address; postwrap log shows what there is"
        raise RefusedError(f"{what}: no log of an instance has it", hint)
    if json:
        output.as_json({"passages": [_passage_document(stay) for stay in found]})
        return
    for number, stay in enumerate(found):
        if number:
            output.line("")
        output.line(f"{stay.instance.name} {stay.queue_id or '(refused)'}:")
        for line in stay.lines:
            output.line(f"  {line.text}")


def _tags(host: Host, names: Iterable[str]) -> Tags:
    """Return the tags of all instances; say where one of ``names`` shares its tag."""
    instances = host.discovery.instances
    tags = Tags(instances, {i.directory: _overrides(host, i) for i in instances})
    for instance in select(tags.shared, ()):
        if not names or any(instance.answers_to(name) for name in names):
            output.note(f"postwrap: {instance.name} logs under another instance's syslog_name")
    return tags


def _overrides(host: Host, instance: Instance) -> list[str]:
    """Return the values of syslog_name that services have of their own, none if unreadable."""
    if not host.postfix:
        return []
    try:
        found = host.postfix.overrides(instance.directory)
    except PostfixError:
        return []
    return [value for key, value in found.items() if key.endswith("/syslog_name")]


def _merged(
    places: Iterable[Source], tags: Tags, now: datetime, *, rotated: bool = False
) -> Iterator[Owned]:
    """Yield the instances' lines of all ``places`` in the order of time."""
    read = (tags.owned(place.read(rotated=rotated), now) for place in places)
    return heapq.merge(*read, key=lambda own: own[1].time)


def _print(lines: Iterable[Owned]) -> None:
    for _, line in lines:
        output.line(line.text)


def _print_following(places: list[Source], tags: Tags, chosen: set[str]) -> None:
    """Print until Control-C, which is how this ends."""
    try:
        for text in follow(places):
            _print(o for o in tags.owned([text], datetime.now()) if o[0].directory in chosen)
    except KeyboardInterrupt:
        return


def _passage_document(stay: Passage) -> dict[str, Any]:
    return {
        "instance": stay.instance.name,
        "directory": stay.instance.directory,
        "queue_id": stay.queue_id or None,
        "message_ids": sorted(stay.message_ids),
        "lines": [_document(stay.instance, line) for line in stay.lines],
    }


def _document(instance: Instance, line: Line) -> dict[str, Any]:
    return {
        "time": line.time.isoformat(),
        "instance": instance.name,
        "tag": line.tag,
        "pid": line.pid,
        "queue_id": line.queue_id or None,
        "message": line.message,
    }
