"""Seeing to it that nobody works in a queue directory: to wait, to name who does, to refuse.

Each is named with its process ID and with the command that ends it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from postwrap.errors import RefusedError
from postwrap.host.occupants import Process, ancestors, lineage, occupants

_PATIENCE = 10.0
"""Seconds that the processes of an instance may take to end after it was stopped."""

_PATIENCE_SUBMITTING = 60.0
"""Seconds that a message may still be on its way into the queue."""

_PATIENCE_STRANGERS = 2.0
"""Seconds that somebody else's postqueue(1) or the like may take."""

_MOMENT = 0.5
"""Seconds within which processes end of which nobody needs to hear."""


def await_nobody(queue_directory: str, told: Callable[[str], None]) -> None:
    """Wait a while until nobody works in ``queue_directory``; tell at once who does.

    Raises RefusedError for those that do not end.
    """
    began = time.monotonic()
    known: set[Process] = set()
    while found := occupants(queue_directory):
        waited = time.monotonic() - began
        new = [p for p in found if p not in known and (p.submits or waited > _MOMENT)]
        if new:
            known.update(new)
            told(f"{queue_directory}: {_waiting(new)}; {ending(found, queue_directory)} ends that")
        if late := [p for p in found if waited > _patience(p)]:
            raise occupied(queue_directory, late)
        time.sleep(0.1)


def need_nobody(queue_directory: str) -> None:
    """Raise RefusedError for who works in ``queue_directory``."""
    if found := occupants(queue_directory):
        raise occupied(queue_directory, found)


def _patience(process: Process) -> float:
    return _PATIENCE_SUBMITTING if process.submits else _PATIENCE


def _waiting(processes: Sequence[Process]) -> str:
    names = ", ".join(map(str, processes))
    if all(process.submits for process in processes):
        # A message has a sendmail(1), a postdrop(1) or both.
        number = max(Counter(process.program for process in processes).values())
        messages = "1 message" if number == 1 else f"{number} messages"
        return f"waiting for {messages} to be submitted by {names}"
    return f"waiting for {names} to end"


def occupied(queue_directory: str, processes: Sequence[Process]) -> RefusedError:
    """Return what tells that ``processes`` work in ``queue_directory``, and what ends them."""
    who = ", ".join(map(str, processes))
    verb = "works" if len(processes) == 1 else "work"
    message = f"{queue_directory}: {who} {verb} in it, and may still accept mail"
    return RefusedError(message, ending(processes, queue_directory))


def ending(processes: Sequence[Process], queue_directory: str) -> str:
    """Return the command that ends ``processes``."""
    own = set(ancestors(os.getpid()))
    commands: dict[str, None] = {}
    kill: list[int] = []
    for process in processes:
        master = next((p for p in lineage(process) if p.program == "master"), None)
        if process.pid in own:
            commands["cd /"] = None
        elif master is None:
            kill.append(process.pid)
        elif stop := _stop(master, queue_directory):
            commands[stop] = None
        elif master.pid not in kill:
            kill.append(master.pid)
    killing = f"kill {' '.join(map(str, kill))}"
    return "; ".join(([killing] if kill else []) + list(commands))


def _stop(master: Process, queue_directory: str) -> str:
    """Return the command that stops the instance of ``master``, "" where it would not find it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path(queue_directory, "pid/master.pid").read_text(encoding="ascii")
        environment = Path(f"/proc/{master.pid}/environ").read_bytes().decode(errors="replace")
        settings = dict(item.partition("=")[::2] for item in environment.split("\0"))
        directory = settings.get("MAIL_CONFIG", "")
        if int(text.split()[0]) == master.pid and Path(directory, "main.cf").is_file():
            return shlex.join(("postfix", "-c", directory, "stop"))
    return ""


def need_no_strangers(queue_directory: str, master: int = 0) -> None:
    """Raise RefusedError for who works in ``queue_directory`` and outlives ``master``."""
    end = time.monotonic() + _PATIENCE_STRANGERS
    while found := _strangers(queue_directory, master):
        if time.monotonic() > end:
            raise occupied(queue_directory, found)
        time.sleep(0.1)


def _strangers(queue_directory: str, master: int) -> list[Process]:
    """Return who works in ``queue_directory`` and would outlive the end of process ``master``.

    Who submits is left out, for he ends once his message is whole.
    """
    return [
        process
        for process in occupants(queue_directory)
        if not process.submits and all(p.pid != master for p in lineage(process))
    ]
