"""The connections that failed before a delivery: why it went to a fallback relay. Pure.

smtp(8) logs them without a queue ID, in the process that logs the delivery next (postfix
src/smtp/smtp_connect.c). A process delivers one message at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

from postwrap.logs.connections import FAILED, failure_to_connect
from postwrap.logs.events import EventKind
from postwrap.logs.lines import Line
from postwrap.logs.way import Found, Key, Passage, Words

MOST = 50
"""Of more stays than these nobody asks for their attempts."""


def tell_attempts(
    search: Callable[[Words, Container[Key]], Iterable[Found]], stays: Sequence[Passage]
) -> None:
    """Give ``stays``, if they are few, the attempts before their deliveries.

    ``search`` yields the lines of their time that hold one of some words, those of a log in order.
    It is first asked whether there was any failure: what else a process has logged may be much.
    """
    every = {_process(line) for stay in stays for line in _deliveries(stay)}
    if len(stays) > MOST or not every:
        return
    failures = search(Words({f"{process}: {FAILED}" for process in every}), ())
    processes = {_process(found.line) for found in failures} & every
    if not processes:
        return
    by_text = {line.text: stay for stay in stays for line in _deliveries(stay)}
    failed: dict[str, list[Line]] = {}
    for found in search(Words({f"{process}: " for process in processes}), ()):
        line = found.line
        process = _process(line)
        if failure_to_connect(line.message):
            failed.setdefault(process, []).append(line)
        elif line.queue_id and f"{line.queue_id}: to=<" in line.message:
            stay = by_text.get(line.text)
            attempts = failed.pop(process, [])
            if stay:
                stay.attempts += attempts


def _deliveries(stay: Passage) -> list[Line]:
    """Return the lines of deliveries by smtp(8) and lmtp(8)."""
    return [
        line
        for event, line in zip(stay.events, stay.lines, strict=True)
        if event.kind is EventKind.DELIVERY and line.tag.endswith(("/smtp", "/lmtp"))
    ]


def _process(line: Line) -> str:
    return f"{line.tag}[{line.pid}]"
