"""The verb queue."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from postwrap.cli import output, queue_screen, queues
from postwrap.cli.declare import Metavar, flag, option, verb
from postwrap.cli.documents import InstanceQueueDocument as QueueOfInstance
from postwrap.cli.documents import QueueDocument, WaitingDomain
from postwrap.cli.options import Json, Names, Watch, seen_host
from postwrap.cli.queue_screen import InstanceQueue
from postwrap.cli.watching import watch
from postwrap.errors import Problem, Status, UsageError
from postwrap.host.naming import Instance
from postwrap.installation import Installation
from postwrap.queues.model import Queued
from postwrap.queues.selection import Selection
from postwrap.queues.views import AGES, Causes, Counts, Shape, View
from postwrap.times import seconds_of

Verbose = Annotated[bool, flag("--verbose", "-v", help="Show domains by age, and reasons")]
Ids = Annotated[bool, flag("--ids", help="Print the queue IDs of one instance, one a line")]
_AGE = Metavar("TIME")

_TOP = 10
"""How many domains and reasons JSON and -v have."""


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """Which messages --ids means."""

    to: Annotated[
        str,
        option(metavar=Metavar("DOMAIN"), help="Only messages to this domain, or to this address"),
    ] = ""
    sender: Annotated[
        str,
        option(
            "--from",
            metavar=Metavar("ADDRESS"),
            help="Only messages from this sender; <> is the null sender",
        ),
    ] = ""
    older: Annotated[
        str, option(metavar=_AGE, help="Only messages at least so old: 90s, 30m, 4h, 2d, 1w")
    ] = ""
    reason: Annotated[
        str,
        option(metavar=Metavar("TEXT"), help="Only messages with this in a reason for the delay"),
    ] = ""

    def selection(self) -> Selection | None:
        """Return what is selected, None where no option is given; UsageError for a wrong time."""
        if not (self.to or self.sender or self.older or self.reason):
            return None
        return Selection(self.to, self.sender, _seconds(self.older), self.reason)


def _seconds(text: str) -> int | None:
    """Return the time of --older in seconds, None without one; UsageError where it is none."""
    found = seconds_of(text)
    if text and found is None:
        raise UsageError(f"--older {text}: not a time", "--older 30m")
    return found


@verb(
    "queue",
    examples=(
        "postwrap queue",
        "postwrap queue out -v",
        "postwrap queue out --ids --to a.example | sudo postsuper-out -d -",
    ),
    document=QueueDocument,
)
def queue(
    selecting: SelectionOptions,
    names: Names = None,
    verbose: Verbose = False,
    watches: Watch = False,
    ids: Ids = False,
    json: Json = False,
) -> None:
    """Show how many messages wait in the queues of each instance, and why.

    One line for each instance: its queues, their size, the age of the oldest message, and the
    domain and the reason for a delay that most recipients have. What needs looking at comes first.
    Only root can read the queue of a stopped instance.

    --ids prints queue IDs, as postsuper-NAME reads them. Messages in maildrop have no queue ID yet,
    and are left out.
    """
    selection = selecting.selection()
    _refuse_combinations(names or (), selection, watches=watches, ids=ids, json=json)
    host = seen_host()
    instances = queues.chosen(host, names or ())
    if ids:
        _print_ids(host, instances[0], selection or Selection(), json=json)
    elif watches:
        watch(lambda: _screen(host, instances, verbose=verbose))
    else:
        _print(host, instances, names or (), verbose=verbose, json=json)


def _refuse_combinations(
    names: Sequence[str], selection: Selection | None, *, watches: bool, ids: bool, json: bool
) -> None:
    if ids and len(names) != 1:
        raise UsageError(
            "--ids: queue IDs belong to one instance", "name it: postwrap queue out --ids"
        )
    if selection and not ids:
        hint = "give --ids, or leave --to, --from, --older and --reason out"
        raise UsageError("--to, --from, --older, --reason: only select for --ids", hint)
    if watches and (json or ids):
        other = "--json" if json else "--ids"
        raise UsageError(f"--watch: cannot be combined with {other}", "leave one of the two out")


def _looked_at(host: Installation, instances: Sequence[Instance]) -> list[InstanceQueue]:
    """Return the queues of ``instances``, those that need looking at first."""
    now = time.time()
    views = {i.directory: (Counts(), Causes(), Shape(now)) for i in instances}

    def of(instance: Instance) -> Sequence[View]:
        return views[instance.directory]

    found = queues.outcomes(host, instances, of)
    looked = [InstanceQueue(o, *views[o.instance.directory], now) for o in found]
    full = queues.saturations(host, ((q.outcome, q.counts.by_queue["active"]) for q in looked))
    judged = (replace(q, saturation=full.get(q.outcome.instance.directory, ())) for q in looked)
    return sorted(judged, key=lambda q: q.rank)


def _screen(host: Installation, instances: Sequence[Instance], *, verbose: bool) -> Sequence[str]:
    found = _looked_at(host, instances)
    return [*queue_screen.lines(found), *(queue_screen.details(found) if verbose else ())]


def _print(
    host: Installation,
    instances: Sequence[Instance],
    names: Sequence[str],
    *,
    verbose: bool,
    json: bool,
) -> None:
    found = _looked_at(host, instances)
    problems = queues.problems(host, (q.outcome for q in found), names)
    if json:
        output.as_json(_document(found, problems))
    else:
        for line in queue_screen.lines(found):
            typer.echo(line)
        for line in queue_screen.details(found) if verbose else ():
            typer.echo(line)
        output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


class _Ids(list[str]):
    """A view that keeps, or prints as they come, the queue IDs that are selected."""

    def __init__(self, selection: Selection, now: float, *, prints: bool) -> None:
        super().__init__()
        self._selection = selection
        self._now = now
        self._prints = prints

    def add(self, messages: Iterable[Queued]) -> None:
        """Take messages into account."""
        found = [message.queue_id for message in self._selection.of(messages, self._now)]
        if self._prints:
            for queue_id in found:
                output.line(queue_id)
        else:
            self.extend(found)


def _print_ids(host: Installation, instance: Instance, selection: Selection, *, json: bool) -> None:
    ids = _Ids(selection, time.time(), prints=not json)
    found = queues.outcomes(host, [instance], lambda _: (ids,))
    problems = queues.problems(host, found, (instance.name,))
    if json:
        document: QueueDocument = {
            "instances": [],
            "ids": list(ids),
            "problems": output.problem_list(problems),
        }
        output.as_json(document)
    else:
        output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _document(found: Iterable[InstanceQueue], problems: Iterable[Problem]) -> QueueDocument:
    return {
        "instances": [_of_instance(q) for q in found],
        "problems": output.problem_list(problems),
    }


def _of_instance(found: InstanceQueue) -> QueueOfInstance:
    outcome, counts = found.outcome, found.counts
    known = outcome.is_complete
    return {
        "name": outcome.instance.name,
        "directory": outcome.instance.directory,
        "running": outcome.running,
        "complete": known,
        "queues": queues.figures(counts),
        "messages": counts.messages,
        "bytes": counts.size,
        "oldest_seconds": counts.age(found.now),
        "saturated": [full.service for full in found.saturation],
        "domains": list(_domains(found)),
        "reasons": [{"reason": r, "recipients": n} for r, n in found.causes.reasons.top(_TOP)],
        "ages_minutes": list(AGES),
    }


def _domains(found: InstanceQueue) -> Iterator[WaitingDomain]:
    for domain, ages in found.shape.rows()[:_TOP]:
        yield {"domain": domain, "recipients": sum(ages), "by_age": list(ages)}
