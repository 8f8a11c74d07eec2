"""Drawing the same again and again in place, until q or Control-C."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence

from postwrap.errors import UsageError

EVERY = 2.0
"""Seconds between the end of one drawing and the next."""

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""To another screen without a cursor, and back: xterm's control sequences."""
_HOME, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_QUIT = b"qQ\x03"


def watch(lines: Callable[[], Sequence[str]]) -> None:
    """Draw what ``lines`` returns, safe and not wider than the terminal, until the reader ends it.

    Raises UsageError where standard output is no terminal.
    """
    if not sys.stdout.isatty():
        hint = "leave --watch out; watch(1) and --json serve scripts"
        raise UsageError("--watch: standard output is not a terminal", hint)
    with contextlib.suppress(KeyboardInterrupt), _screen() as keys:
        while True:
            _draw(lines())
            if _wants_to_quit(keys):
                return


def _draw(lines: Sequence[str]) -> None:
    rows = shutil.get_terminal_size().lines - 1
    shown = list(lines)
    if len(shown) > rows:
        shown[rows - 1 :] = [f"({len(lines) - rows + 1} more lines; the terminal is too low)"]
    body = "".join(f"{line}{_END_OF_LINE}\r\n" for line in shown)
    sys.stdout.write(f"{_HOME}{body}{_END_OF_SCREEN}")
    sys.stdout.flush()


def _wants_to_quit(keys: int | None) -> bool:
    """Wait for a key or the next turn; ``keys`` is the terminal's input, None without one."""
    ready, _, _ = select.select([] if keys is None else [keys], [], [], EVERY)
    if not ready or keys is None:
        return False
    typed = os.read(keys, 64)
    return not typed or any(key in _QUIT for key in typed)


@contextlib.contextmanager
def _screen() -> Iterator[int | None]:
    """Take the terminal over, its keys as they are pressed; give it back as it was."""
    keys = sys.stdin.fileno() if sys.stdin.isatty() else None
    before = termios.tcgetattr(keys) if keys is not None else None
    try:
        if keys is not None:
            tty.setcbreak(keys)
        sys.stdout.write(_ENTER)
        yield keys
    finally:
        if keys is not None and before is not None:
            termios.tcsetattr(keys, termios.TCSADRAIN, before)
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
