"""The verb trace."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from shlex import quote
from typing import Annotated

import typer

from postwrap.cli import logs, output
from postwrap.cli.declare import Metavar, flag, operand, verb
from postwrap.cli.documents import End as EndDocument
from postwrap.cli.documents import PassageDocument, StoryDocument, TraceDocument
from postwrap.cli.logs import Follow, Since, Until
from postwrap.cli.options import Json, this_host
from postwrap.cli.stories import MANY, Teller
from postwrap.errors import Problem, RefusedError, Status, UsageError
from postwrap.host.interfaces import own_addresses
from postwrap.host.naming import Instance
from postwrap.installation import Installation
from postwrap.logs.attempts import tell_attempts
from postwrap.logs.filters import is_filter
from postwrap.logs.following import follow_stories
from postwrap.logs.moments import lifetime_of
from postwrap.logs.searching import Search
from postwrap.logs.sources import sources
from postwrap.logs.story import Story, stories
from postwrap.logs.telling import Told, Verdict, is_well, sentence, verdicts
from postwrap.logs.way import Links, Passage, Trail
from postwrap.logs.way import trace as find

What = Annotated[str, operand(Metavar("WHAT"), "Queue ID, Message-ID or address; <> is allowed")]
Raw = Annotated[bool, flag("--raw", help="Print the log lines as they stand, by instance")]


@verb(
    "trace",
    examples=(
        "postwrap trace bob@example.net --since yesterday",
        "postwrap trace 4XyZ1b2c3dz9",
    ),
    document=TraceDocument,
)
def trace(
    what: What,
    raw: Raw = False,
    follow: Follow = False,
    since: Since = "",
    until: Until = "",
    json: Json = False,
) -> None:
    """Show a message's path through all instances, and how it ended.

    The message is found by its queue ID in an instance, by its Message-ID, or by its sender or a
    recipient. Rotated logs are read too. Exit status 1: it is still queued, was bounced, refused
    or not delivered for another reason, or a log could not be read.
    """
    if follow and (json or raw or until):
        hint = "leave the others out"
        raise UsageError("--follow: cannot be combined with --json, --raw or --until", hint)
    host = this_host()
    tags = logs.tags_of(host, ())
    places, problems = sources(
        host.discovery.instances, lambda tag: tags.has(tag) or is_filter(tag)
    )
    links = Links(own_addresses())
    start, end = logs.moment("--since", since), logs.moment("--until", until)
    search = Search(places, tags, start, end, _lifetime(host.discovery.instances))
    gc.disable()  # what is read has no cycles, and is looked through again and again
    trail = Trail(what, links)
    found = find(search, trail)
    problems += [problem for place in places for problem in place.obstacles]
    if not found:
        output.problems(problems)
        hint = "give a queue ID, a Message-ID or an address; postwrap log shows what is logged"
        raise RefusedError(f"{what}: not in the log of any instance", hint)
    tell_attempts(search.around(line for stay in found for line in stay.lines), found)
    messages = stories(found, links)
    teller = Teller(host.discovery.instances, _postcat(host), datetime.now())
    if follow:
        ends = _follow(teller, search, trail, found)
    elif json or raw:
        ends = [end for message in messages for end in verdicts(message)]
        if json:
            output.as_json(_document(found, messages, problems))
        else:
            _print(found)
    else:
        ends = _tell(teller, messages)
    if not json:
        output.problems(problems)
    raise typer.Exit(Status.OK if is_well(ends) and not problems else Status.FOUND)


def _lifetime(instances: Iterable[Instance]) -> timedelta:
    """Return how long a message may be in the queue of one of ``instances``."""
    values = (i.parameters.get(name, "") for i in instances for name in _LIFETIMES)
    return max(map(lifetime_of, values), default=timedelta())


_LIFETIMES = ("maximal_queue_lifetime", "bounce_queue_lifetime")


def _tell(teller: Teller, messages: Sequence[Story]) -> list[Verdict]:
    """Print each story, or a line for each where they are many; return how all ended."""
    ends: list[Verdict] = []
    for number, message in enumerate(messages):
        if len(messages) > MANY:
            ends += teller.brief(message)
            continue
        if number:
            output.line("")
        ends += teller.tell(message)
    if len(messages) > MANY:
        output.note(f"postwrap: {len(messages)} messages; trace one by its queue ID for its story")
    return ends


def _print(found: Iterable[Passage]) -> None:
    """Print the log lines of each stay, many at a time."""
    blocks: list[str] = []
    for passage in found:
        head = f"{passage.instance.name} {passage.queue_id or '(refused)'}:"
        blocks.append("\n  ".join([head, *(line.text for line in passage.lines)]))
    output.text("\n\n".join(blocks) + "\n")


def _follow(
    teller: Teller, search: Search, trail: Trail, found: Sequence[Passage]
) -> list[Verdict]:
    """Print the messages' lines as they come; return how they ended, or stand at Control-C."""
    printed: set[Told] = set()
    messages: list[Story] = []
    try:
        for messages in follow_stories(search, trail, found):
            lines = [own for message in messages for own in teller.told(message, folds=False)]
            teller.lines([own for own in lines if own not in printed])
            printed.update(lines)
    except KeyboardInterrupt:
        pass
    ends = [end for message in messages for end in verdicts(message)]
    teller.ends(ends)
    return ends


def _postcat(host: Installation) -> Callable[[Instance], str]:
    """Return a function that names the postcat(1) of an instance: a wrapper where that is there."""
    installed = {path.rpartition("/")[2] for path in host.manifest.files}

    def command(instance: Instance) -> str:
        wrapper = f"postcat{instance.suffix}"
        if wrapper in installed:
            return wrapper
        return "postcat" if instance.is_default else f"postcat -c {quote(instance.directory)}"

    return command


def _document(
    found: Sequence[Passage], messages: Sequence[Story], problems: Iterable[Problem]
) -> TraceDocument:
    return {
        "passages": [_passage(passage) for passage in found],
        "stories": [_story(message) for message in messages],
        "problems": output.problem_list(problems),
    }


def _passage(passage: Passage) -> PassageDocument:
    return {
        "instance": passage.instance.name,
        "directory": passage.instance.directory,
        "queue_id": passage.queue_id or None,
        "message_ids": passage.message_ids,
        "lines": [logs.document(passage.instance, line) for line in passage.lines],
    }


def _story(message: Story) -> StoryDocument:
    return {
        "message_id": message.message_id or None,
        "sender": message.sender,
        "stays": [{"instance": s.instance.name, "queue_id": s.queue_id} for s in message.stays],
        "ends": [_end(verdict) for verdict in verdicts(message)],
    }


def _end(verdict: Verdict) -> EndDocument:
    return {
        "recipients": list(verdict.recipients),
        "state": str(verdict.state),
        "instance": verdict.stay.instance.name,
        "queue_id": verdict.stay.queue_id or None,
        "relay": verdict.relay or None,
        "seconds": round(verdict.seconds, 3),
        "deferrals": verdict.tries,
        "reason": verdict.reason or None,
        "sentence": sentence(verdict),
    }
