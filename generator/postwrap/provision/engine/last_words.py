"""What the programs of an instance logged when they died, and where that is to be read."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postwrap.errors import RefusedError
from postwrap.host.naming import Instance, suffix_of
from postwrap.logs.lines import time_of
from postwrap.logs.sources import LogFile, Source, sources
from postwrap.logs.tags import Tags
from postwrap.postfix import Postfix, PostfixError

_PATIENCE, _PAUSE = 2.0, 0.2
"""Seconds for which the log is looked at where it says nothing yet, and between two looks."""
_NEWEST = 1000
_SHOWN = 20
_MARKS = ("fatal: ", "panic: ")
_NEXT_TO_DEATH = ("error: ", "warning: ")
"""What is told of a milter or a table that does not answer."""
_NAMES = ("maillog_file", "syslog_name", "multi_instance_name")


@dataclass(frozen=True, slots=True)
class LastWords:
    """``text`` is the last fatal or panic line, without one the last warning, "" for none.

    ``command`` prints the log.
    """

    text: str = ""
    command: str = ""


def last_words(postfix: Postfix, directories: Sequence[str], since: float) -> LastWords:
    """Return the last words of the first of the instances in ``directories`` that has any.

    ``since`` is a time in seconds of 1970. The command is for the log of the first one. Postfix
    answers a client before its line is in the log, so it is looked at again for a moment.
    """
    end = time.monotonic() + _PATIENCE
    while not (found := _last_words(postfix, directories, since)).text and time.monotonic() < end:
        time.sleep(_PAUSE)
    return found


def _last_words(postfix: Postfix, directories: Sequence[str], since: float) -> LastWords:
    command = ""
    for directory in directories:
        try:
            parameters = postfix.parameters(_NAMES, directory)
            instance = Instance(directory, suffix_of(directory), parameters=parameters)
            places, _ = sources([instance])
            text = _died(instance, places, since)
        except (PostfixError, RefusedError, OSError):
            continue
        command = command or next((_command(place, parameters) for place in places), "")
        if text:
            return LastWords(text, command)
    return LastWords("", command)


def _died(instance: Instance, places: Sequence[Source], since: float) -> str:
    texts = [text for place in places for text in place.read(_NEWEST)]
    now = datetime.now()
    begun = datetime.fromtimestamp(int(since))
    tags = Tags([instance], {})
    for marks in (_MARKS, _NEXT_TO_DEATH):
        told = [text for text in texts if any(mark in text for mark in marks)]
        said = [line for _, line in tags.owned(told) if time_of(line, now) >= begun]
        if said:
            return f"{said[-1].tag}: {said[-1].message}"
    return ""


def _command(place: Source, parameters: Mapping[str, str]) -> str:
    """Return the command that prints what the instance logged last, also once it is gone."""
    tag = f"{parameters.get('syslog_name', 'postfix')}/"
    newest = f"tail -n {_SHOWN}"
    if isinstance(place, LogFile):
        return f"{shlex.join(('grep', '-F', tag, place.path))} | {newest}"
    return f"journalctl --no-pager -n {_NEWEST} | {shlex.join(('grep', '-F', tag))} | {newest}"
