"""The command line: parse, call one function, print.

Each verb is a module here, ``verb_NAME``, and named in ``headings``. Nothing else imports this
package.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import NoReturn

from postwrap.cli import output, plugin
from postwrap.cli.command import app, group
from postwrap.cli.headings import ORDER, load
from postwrap.errors import Interrupted, PostwrapError, Status

__all__ = ("app", "main")


def main(caller: Mapping[str, str] | None = None) -> None:
    """Run postwrap: the outermost exception handler and the exit statuses of errors.Status.

    ``caller`` is the environment of whoever called, which the verb ``shell`` passes on.
    """
    _end_like_an_interrupt(signal.SIGTERM, signal.SIGHUP)
    try:
        load(_needed(sys.argv[1:]))
        status = group().main(prog_name="postwrap", standalone_mode=False, obj=caller)
        sys.stdout.flush()
        sys.exit(status)
    except PostwrapError as error:
        _leave(error.message, error.hint, error.status)
    except KeyboardInterrupt as error:  # before a verb has begun
        _leave(str(error) or "interrupted", "run the same command again", Status.FAILED)
    except OSError as error:
        message = f"{error.filename or 'postwrap'}: {error.strerror or error}"
        hint = "check the path's owner, mode and file system; sudo may help"
        _leave(message, hint, Status.FAILED)
    except Exception:
        # Python would end with 1, which means that something was found.
        traceback.print_exc()
        _leave("a defect of postwrap itself", "report the lines above", Status.FAILED)


def _needed(words: list[str]) -> Iterable[str]:
    """Return the verbs whose modules the command line needs: importing all takes time."""
    if words[:1] in (["--version"], ["-V"]):
        return ()
    return words[:1] if words and words[0] in ORDER else ORDER


def _end_like_an_interrupt(*signals: signal.Signals) -> None:
    """Let ``signals`` undo what was begun; one that is ignored, as under nohup(1), stays so."""

    def interrupt(number: int, _frame: object) -> NoReturn:
        raise Interrupted(f"interrupted by {signal.Signals(number).name}")

    for each in signals:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, interrupt)


def _leave(message: str, hint: str, status: Status) -> NoReturn:
    """End with an error; a plugin's is a state of its own, on standard output."""
    # Who pressed Control-C once more is to read how it ended all the same.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    if sys.argv[1:2] == [plugin.VERB]:
        plugin.say("UNKNOWN", f"{message} (remedy: {hint})" if hint else message)
        sys.exit(plugin.UNKNOWN)
    with contextlib.suppress(OSError):  # nobody can be told; the status is to tell all the same
        output.error(message, hint)
    _end(status)


def _end(status: Status) -> NoReturn:
    """End with ``status``, also where Python could not write the rest and would end with 120."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        os._exit(status)
    sys.exit(status)
