"""The verbs log and trace: what the instances log, and which way a message went."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Any

import typer

from postwrap.cli import app, output, where
from postwrap.errors import RefusedError, Status, UsageError
from postwrap.host import Host
from postwrap.instance import Instance, select
from postwrap.logs import way
from postwrap.logs.lines import Line, time_of
from postwrap.logs.sources import Source, follow, sources
from postwrap.logs.tags import Owned, Tags
from postwrap.logs.way import Passage, Wanted
from postwrap.postfix import PostfixError

Count = Annotated[
    int,
    typer.Option("--lines", "-n", metavar="N", min=0, help="The last N lines; 0: all of them."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is logged next.")]
What = Annotated[
    str, typer.Argument(metavar="WHAT", help="A queue ID, a Message-ID or an address.")
]

_FEW, _MANY = 2_000, 200_000
"""How many lines of a log are looked through for the last ones."""


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
    places, problems = sources(i for i in host.discovery.instances if i.directory in chosen)
    read = _merged([_last(place, tags, chosen, lines) for place in places])
    last = deque(read, maxlen=lines or None)
    if json:
        document = {"lines": [_document(*own) for own in last]}
        output.as_json({**document, "problems": output.problem_list(problems)})
    else:
        _print(last)
        output.problems(problems)
    if follows:
        _print_following(places, tags, chosen)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


@app.command()
def trace(what: What, json: where.Json = False) -> None:
    """Show a message's way through all instances.

    By its queue ID in one of them, its Message-ID, or an address that it is from or to; former log
    files are read too.
    """
    host = where.host("", "", "", False)
    tags = _tags(host, ())
    places, problems = sources(host.discovery.instances)
    found = way.trace(lambda wanted: _everything(places, tags, wanted), what)
    if not found:
        output.problems(problems)
        hint = "a queue ID, a Message-ID or an address; postwrap log shows what there is"
        raise RefusedError(f"{what}: no log of an instance has it", hint)
    if json:
        document = {"passages": [_passage_document(stay) for stay in found]}
        output.as_json({**document, "problems": output.problem_list(problems)})
    else:
        _print_passages(found)
        output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _tags(host: Host, names: Iterable[str]) -> Tags:
    """Return the tags of all instances; say where one of ``names`` shares its tag."""
    instances = host.discovery.instances
    tags = Tags(instances, {i.directory: _overrides(host, i) for i in instances})
    for instance in tags.shared:
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


def _last(place: Source, tags: Tags, chosen: set[str], lines: int) -> Sequence[Owned]:
    """Return the last ``lines`` in ``place`` of the instances in ``chosen``, all for 0.

    The end of the log is read first; others may have most of it.
    """
    last: deque[Owned] = deque()
    for newest in (_FEW, _MANY, 0) if lines else (0,):
        wanted = (own for own in tags.owned(place.read(newest)) if own[0].directory in chosen)
        last = deque(wanted, maxlen=lines or None)
        if len(last) == lines:
            break
    return last


def _everything(places: Sequence[Source], tags: Tags, wanted: Wanted) -> Iterable[Owned]:
    """Return the ``wanted`` lines of all ``places``, former files too, in the order of time."""
    read = (filter(wanted, chain(place.read_former(), place.read())) for place in places)
    return _merged([tags.owned(texts) for texts in read])


def _merged(read: Sequence[Iterable[Owned]]) -> Iterable[Owned]:
    """Return the lines of all that is ``read``, in the order of time."""
    if len(read) == 1:
        return read[0]
    now = datetime.now()
    return heapq.merge(*read, key=lambda own: time_of(own[1], now))


def _print(lines: Iterable[Owned]) -> None:
    for _, line in lines:
        output.line(line.text)


def _print_passages(found: Iterable[Passage]) -> None:
    for number, stay in enumerate(found):
        if number:
            output.line("")
        output.line(f"{stay.instance.name} {stay.queue_id or '(refused)'}:")
        for line in stay.lines:
            output.line(f"  {line.text}")


def _print_following(places: list[Source], tags: Tags, chosen: set[str]) -> None:
    """Print until Control-C, which is how this ends."""
    try:
        for text in follow(places):
            _print(o for o in tags.owned([text]) if o[0].directory in chosen)
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
        "time": time_of(line, datetime.now()).isoformat(),
        "instance": instance.name,
        "tag": line.tag,
        "pid": line.pid,
        "queue_id": line.queue_id or None,
        "message": line.message,
    }
