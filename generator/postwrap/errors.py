"""Errors in words for the administrator, and exit statuses for scripts.

Every message begins with the name or file at fault; every hint is the remedy, preferably a command
to paste.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """The exit statuses of every postwrap command."""

    OK = 0
    """Done, or nothing to do, or nothing found."""
    FOUND = 1
    """Something was found or differs, or an instance was skipped and the others done."""
    USAGE = 2
    """The command line or the settings file is wrong."""
    REFUSED = 3
    """Refused before anything was changed."""
    FAILED = 4
    """Failed on the way; what had been changed was put back."""


class PostwrapError(Exception):
    """An error that ends the command: what is wrong, the remedy, and the exit status."""

    status = Status.REFUSED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Interrupted(KeyboardInterrupt):
    """SIGTERM or SIGHUP, which end a command as Control-C does; the message says which."""


class UsageError(PostwrapError):
    """The command line or the settings file cannot be understood."""

    status = Status.USAGE


class RefusedError(PostwrapError):
    """The request is understood and refused; nothing was changed."""

    status = Status.REFUSED


class FailedError(PostwrapError):
    """Something failed on the way; what had been changed was put back."""

    status = Status.FAILED


class StoppedError(FailedError):
    """Whoever called stopped it on the way, by Control-C, SIGTERM or SIGHUP."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one instance or one file that does not stop the others.

    ``subject`` is the directory or file, ``message`` says what is wrong with it and begins where
    the subject ends, ``hint`` is the remedy.
    """

    subject: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """One line for the terminal: subject, message and remedy."""
        return f"{self.subject}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def described(error: Exception) -> str:
    """Return what ``error`` says and where it was raised, in one line: for a defect of postwrap."""
    said = " ".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return " ".join(f"{said}{where}".split())
