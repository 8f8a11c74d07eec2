"""Running one command for each of several instances, some at a time.

Nothing here waits for one command alone: standard input is handed on, output is taken and signals
are passed on while any of them runs.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from postwrap import programs
from postwrap.each.feed import StandardInput
from postwrap.each.outlet import STREAMS, Outlet

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CHUNK = 1 << 16
_BY_SIGNAL = 128
"""A shell's exit status of what a signal ended is this and its number."""
_NOT_STARTED = 126


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What is run for one instance. ``environment`` is added to what every command gets."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Results:
    """The exit statuses of the commands that were started, and the signal that ended it all.

    A command that a signal ended has 128 and the number of that signal.
    """

    statuses: tuple[int, ...]
    signal: int = 0

    @property
    def worst(self) -> int:
        """The exit status of all together."""
        return _BY_SIGNAL + self.signal if self.signal else max(self.statuses, default=0)


def run_each(
    commands: Sequence[CommandLine],
    given: StandardInput,
    *,
    at_once: int = 1,
    marked: frozenset[int] = frozenset(),
) -> Results:
    """Run ``commands`` in their order, ``at_once`` of them at a time, and return how they ended.

    The output comes in their order too. ``marked`` are the streams (1, 2) whose lines get the name
    in front. SIGINT, SIGTERM and SIGHUP are passed on to those that run, and no more is started.
    """
    with _signals() as (bell, caught), selectors.DefaultSelector() as selector:
        selector.register(bell, selectors.EVENT_READ)
        return _Run(commands, given, at_once, marked, selector, caught).run()


class _Child:
    """A command that runs; ``fed`` is how much of standard input it was handed."""

    def __init__(self, number: int, process: subprocess.Popen[bytes]) -> None:
        self.number = number
        self.process = process
        self.stdin = process.stdin.fileno() if process.stdin else -1
        self.fed = 0
        self.outputs = {
            pipe.fileno(): stream
            for pipe, stream in zip((process.stdout, process.stderr), STREAMS, strict=True)
            if pipe
        }
        for descriptor in (self.stdin, *self.outputs):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)

    def close(self) -> None:
        """Close all pipes."""
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()

    def refuse(self) -> None:
        """Hand it no more of standard input."""
        with contextlib.suppress(OSError):
            if self.process.stdin:
                self.process.stdin.close()
        self.stdin = -1


class _Run:
    def __init__(
        self,
        commands: Sequence[CommandLine],
        given: StandardInput,
        at_once: int,
        marked: frozenset[int],
        selector: selectors.BaseSelector,
        caught: list[int],
    ) -> None:
        self.commands = commands
        self.given = given
        self.at_once = at_once
        self.marked = marked
        self.selector = selector
        self.caught = caught
        self.outlet = Outlet([command.name for command in commands], marked)
        self.waiting = deque(range(len(commands)))
        self.children: dict[int, _Child] = {}
        self.statuses: dict[int, int] = {}
        self.ended_by = 0

    def run(self) -> Results:
        try:
            while self.waiting or self.children:
                while self.waiting and len(self.children) < self.at_once:
                    self._start(self.waiting.popleft())
                self._select()
        finally:
            for child in self.children.values():
                child.close()
        ended = tuple(self.statuses[number] for number in sorted(self.statuses))
        return Results(ended, self.ended_by)

    def _start(self, number: int) -> None:
        command = self.commands[number]
        try:
            process = programs.start_own(
                command.argv,
                environment=command.environment,
                stdin=self._stdin(),
                stdout=self._stream(1),
                stderr=self._stream(2),
            )
        except OSError as error:
            self.statuses[number] = _NOT_STARTED
            said = f"postwrap: {command.argv[0]}: {error.strerror or error}\n"
            self.outlet.write(number, 2, said.encode(errors="surrogateescape"))
            self.outlet.end(number)
            return
        child = self.children[number] = _Child(number, process)
        for descriptor in child.outputs:
            self.selector.register(descriptor, selectors.EVENT_READ, child)

    def _stdin(self) -> int:
        if not self.given.is_device:
            return subprocess.PIPE
        # Several cannot read one terminal.
        shared = self.at_once > 1 and self.given.is_terminal
        return subprocess.DEVNULL if shared else self.given.descriptor

    def _stream(self, stream: int) -> int | None:
        is_own = self.at_once > 1 or stream in self.marked
        return subprocess.PIPE if is_own else None

    def _select(self) -> None:
        self._offer_input()
        for key, _ in self.selector.select():
            child: _Child | None = key.data
            if child is None and key.fd == self.given.descriptor:
                self.given.pull()
            elif child is None:
                _silence(key.fd)
            elif key.fd == child.stdin:
                self._feed(child)
            else:
                self._take(child, key.fd)
        self._pass_signals_on()
        for child in [*self.children.values()]:
            if child.process.poll() is not None:
                self._end(child)

    def _offer_input(self) -> None:
        """Watch who can be fed, and standard input where somebody waits for more of it."""
        is_wanted = False
        for child in self.children.values():
            has_more = child.fed < self.given.length
            if child.stdin >= 0 and not has_more and self.given.has_ended:
                self._watch(child.stdin, None, wanted=False)
                child.refuse()
            if child.stdin >= 0:
                self._watch(child.stdin, child, wanted=has_more)
                is_wanted = is_wanted or not has_more
        if not self.given.is_device:
            self._watch(self.given.descriptor, None, wanted=is_wanted and not self.given.has_ended)

    def _watch(self, descriptor: int, child: _Child | None, *, wanted: bool) -> None:
        known = descriptor in self.selector.get_map()
        if wanted and not known:
            event = selectors.EVENT_WRITE if child else selectors.EVENT_READ
            self.selector.register(descriptor, event, child)
        elif known and not wanted:
            self.selector.unregister(descriptor)

    def _feed(self, child: _Child) -> None:
        try:
            child.fed += os.write(child.stdin, self.given.at(child.fed))
        except BlockingIOError:
            return
        except OSError:  # it reads no more
            self._watch(child.stdin, None, wanted=False)
            child.refuse()

    def _take(self, child: _Child, descriptor: int) -> bool:
        """Take what ``child`` said; False where it says no more for now."""
        try:
            text = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not text:
            self._watch(descriptor, None, wanted=False)
            return False
        self.outlet.write(child.number, child.outputs[descriptor], text)
        return True

    def _pass_signals_on(self) -> None:
        while self.caught:
            number = self.caught.pop(0)
            self.ended_by = self.ended_by or number
            self.waiting.clear()
            for child in self.children.values():
                child.process.send_signal(number)

    def _end(self, child: _Child) -> None:
        """Note how ``child`` ended. What it left running may hold its pipes, and is not awaited."""
        code = child.process.returncode
        self.statuses[child.number] = _BY_SIGNAL - code if code < 0 else code
        for descriptor in child.outputs:
            while self._take(child, descriptor):
                pass
            self._watch(descriptor, None, wanted=False)
        if child.stdin >= 0:
            self._watch(child.stdin, None, wanted=False)
        child.close()
        del self.children[child.number]
        self.outlet.end(child.number)


@contextlib.contextmanager
def _signals() -> Iterator[tuple[int, list[int]]]:
    """Catch the signals that end a command, and hear of each child that ends.

    Yields a descriptor that can be read when something happened, and the signals that came.
    """
    caught: list[int] = []
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    former = {each: signal.getsignal(each) for each in (*_PASSED_ON, signal.SIGCHLD)}
    old = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        for each in _PASSED_ON:
            if former[each] is not signal.SIG_IGN:
                signal.signal(each, lambda number, _: caught.append(number))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        yield reader, caught
    finally:
        for each, handler in former.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(old)
        os.close(reader)
        os.close(writer)


def _silence(bell: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(bell, _CHUNK):
            pass
