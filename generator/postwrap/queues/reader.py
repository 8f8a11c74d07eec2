"""The reader of queues: the I/O boundary to showq(8).

Each running instance has showq(8) at ``public/showq`` in its queue directory. Root and the members
of postdrop's group may connect to it: no program is started by us, and master(8) starts showq(8) as
for postqueue(1). Where nobody answers or this user may not connect, ``postqueue -j`` is asked,
which runs showq(8) itself for root, and is set-gid for all others. All instances are read side by
side in one thread, with one connection to each.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from postwrap import programs
from postwrap.errors import Problem
from postwrap.queues.listing import Listing, PostqueueListing, ShowqListing
from postwrap.queues.model import QUEUES, Queued, Reading

_AT_ONCE = 64
"""Queues that are read at a time, each with a showq(8) of its own."""
_CHUNK = 1 << 16
_SILENCE = 20.0
"""Seconds without a word after which nobody is expected to answer any more."""
_UNAVAILABLE = "Queue report unavailable"
"""postqueue(1) for all but root, where the instance does not run; exit status 69."""
_SHOWQ = "public/showq"

Take = Callable[[str, Sequence[Queued]], None]
"""Gets a configuration directory, and messages of that instance."""


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Whose queue to read: the instance's configuration and queue directories."""

    directory: str
    queue_directory: str


def _silent(place: QueuePlace, *, is_garbled: bool = False) -> Problem:
    where = f"{place.queue_directory or place.directory}/{_SHOWQ}"
    hint = f"see what it does: postwrap log -n 50 {place.directory}"
    late, wrong = (
        "the queue was not listed to its end in time",
        "what is sent is not a queue's list",
    )
    return Problem(where, wrong if is_garbled else late, hint)


class _Feed(ABC):
    """A listing that is being read."""

    def __init__(self, place: QueuePlace, listing: Listing) -> None:
        self.place = place
        self.listing = listing
        self.heard = time.monotonic()
        self.is_garbled = False

    @abstractmethod
    def fileno(self) -> int:
        """Return the file that becomes readable."""

    @abstractmethod
    def receive(self) -> bytes:
        """Return what has arrived, nothing at the end."""

    @abstractmethod
    def end(self, *, is_over: bool) -> Reading:
        """Close, and return how it went; not ``is_over``: it was given up."""


class _Socket(_Feed):
    """showq(8) itself."""

    def __init__(self, place: QueuePlace) -> None:
        super().__init__(place, ShowqListing())
        self._socket = _connected(f"{place.queue_directory}/{_SHOWQ}")

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive(self) -> bytes:
        return self._socket.recv(_CHUNK)

    def end(self, *, is_over: bool) -> Reading:
        self._socket.close()
        if self.listing.is_complete:
            return Reading(running=True, is_complete=True)
        problem = _silent(self.place, is_garbled=self.is_garbled)
        if is_over:
            where, hint = problem.subject, problem.hint
            problem = Problem(where, "showq(8) ended before the queue was listed", hint)
        return Reading(running=True, is_complete=False, problem=problem)


def _connected(path: str) -> socket.socket:
    """Return a connection to the socket at ``path``, however long that is; unix(7) allows 107."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    made.settimeout(_SILENCE)
    place = os.open(os.path.dirname(path), os.O_PATH | os.O_CLOEXEC)  # noqa: PTH120
    try:
        made.connect(f"/proc/self/fd/{place}/{os.path.basename(path)}")  # noqa: PTH119
    except BaseException:
        made.close()
        raise
    finally:
        os.close(place)
    return made


class _Postqueue(_Feed):
    """``postqueue -j``."""

    def __init__(self, place: QueuePlace, postqueue: str) -> None:
        super().__init__(place, PostqueueListing())
        self._said = os.fdopen(os.memfd_create("postqueue"), "w+b")
        argv = [postqueue, "-c", place.directory, "-j"]
        self._process = programs.start(argv, stdout=subprocess.PIPE, stderr=self._said)
        assert self._process.stdout is not None
        self._stdout = self._process.stdout

    def fileno(self) -> int:
        return self._stdout.fileno()

    def receive(self) -> bytes:
        return os.read(self._stdout.fileno(), _CHUNK)

    def end(self, *, is_over: bool) -> Reading:
        if not is_over:
            self._process.kill()
        self._stdout.close()
        status = self._process.wait()
        with self._said as said:
            said.seek(0)
            words = said.read().decode(errors="replace").strip()
        if not is_over:
            return Reading(
                running=None,
                is_complete=False,
                problem=_silent(self.place, is_garbled=self.is_garbled),
            )
        if status == 0 and self.listing.is_complete:
            # It says on standard error where it had to look into the queue itself.
            running = None if _is_root() else True
            return Reading(running=running, is_complete=True)
        return self._failed(words)

    def _failed(self, words: str) -> Reading:
        directory = self.place.directory
        if _UNAVAILABLE in words:
            hint = "read it as root, or start the instance"
            message = "only root may read the queue of a stopped instance"
            return Reading(
                running=False, is_complete=False, problem=Problem(directory, message, hint)
            )
        last = words.splitlines()[-1:] or ["postqueue failed"]
        message = last[0].removeprefix("postqueue: ").removeprefix("fatal: ")
        as_root = "" if _is_root() else "run as root; "
        hint = f"{as_root}postwrap check tells what is wrong"
        return Reading(running=None, is_complete=False, problem=Problem(directory, message, hint))


def _is_root() -> bool:
    return os.geteuid() == 0


def read(
    places: Iterable[QueuePlace], take: Take, postqueue: str, *, seconds: float | None = None
) -> dict[str, Reading]:
    """Read the queues of ``places`` and hand their messages on; return how it went, by directory.

    ``postqueue`` is the path of postqueue(1). What takes longer than ``seconds`` altogether, or is
    silent for 20, is given up: what was read by then has been handed on.
    """
    waiting = deque(places)
    readings: dict[str, Reading] = {}
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        open_feeds: set[_Feed] = set()
        stack.callback(lambda: [feed.end(is_over=False) for feed in open_feeds])

        def close(feed: _Feed, *, is_over: bool) -> None:
            selector.unregister(feed)
            open_feeds.discard(feed)
            readings[feed.place.directory] = feed.end(is_over=is_over)

        while waiting or open_feeds:
            while waiting and len(open_feeds) < _AT_ONCE:
                place = waiting.popleft()
                if time.monotonic() > deadline:
                    readings[place.directory] = Reading(None, False, _silent(place))
                elif feed := _opened(place, postqueue, readings):
                    open_feeds.add(feed)
                    selector.register(feed, selectors.EVENT_READ)
            for key, _ in selector.select(timeout=1.0) if open_feeds else ():
                _receive(key.fileobj, take, close)  # type: ignore[arg-type]
            now = time.monotonic()
            for feed in [f for f in open_feeds if now > min(deadline, f.heard + _SILENCE)]:
                close(feed, is_over=False)
    return readings


def _opened(place: QueuePlace, postqueue: str, readings: dict[str, Reading]) -> _Feed | None:
    """Return the feed of ``place``; None where there can be none, which ``readings`` tells."""
    if place.queue_directory:
        with contextlib.suppress(OSError):
            return _Socket(place)
        if _is_root() and _is_empty(place.queue_directory):
            readings[place.directory] = Reading(running=None, is_complete=True)
            return None
    try:
        return _Postqueue(place, postqueue)
    except OSError as error:
        problem = Problem(postqueue, error.strerror or str(error), "install all of Postfix")
        readings[place.directory] = Reading(running=None, is_complete=False, problem=problem)
        return None


def _is_empty(queue_directory: str) -> bool:
    """Whether a queue that nobody works in has no message: then no program need be asked."""
    for queue in QUEUES:
        for _, _, files in os.walk(f"{queue_directory}/{queue}"):
            if files:
                return False
    return True


def _receive(feed: _Feed, take: Take, close: Callable[..., None]) -> None:
    try:
        data = feed.receive()
    except OSError:
        data = b""
    feed.heard = time.monotonic()
    if not data:
        close(feed, is_over=True)
        return
    try:
        messages = feed.listing.feed(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # Who owns the queue directory may have put anything there; the others are read.
        feed.is_garbled = True
        close(feed, is_over=False)
        return
    if messages:
        take(feed.place.directory, messages)
