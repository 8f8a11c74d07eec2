"""A line of the mail log, as syslog daemons, postlogd(8) and journalctl(1) write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ "
    r"(?P<tag>[^\s\[:]+)(?:\[(?P<pid>\d+)\])?: (?P<message>.*)"
)
# Short and long queue IDs: postfix src/global/mail_queue.h.
_QUEUE_ID = re.compile(
    r"(?P<id>[0-9A-F]{6,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-y]+)"
    r": "
)
_NO_QUEUE_ID = "NOQUEUE: "
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAP_CYCLE = 8
"""So many years back there has been a 29 February."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``text`` is all of it, ``message`` what follows the tag.

    ``time`` is local, to the second or better, for sorting; ``queue_id`` is "" where the line is
    about no message.
    """

    text: str
    time: datetime
    tag: str
    pid: int | None
    message: str
    queue_id: str


def parse(text: str, now: datetime) -> Line | None:
    """Return the line that ``text`` is, None for what no program logged: journalctl's marks, say.

    ``now`` is the local time: the old form of syslog's time has no year.
    """
    found = _LINE.match(text)
    time = _time(found["time"], now) if found else None
    if not found or not time:
        return None
    message = found["message"]
    about = _QUEUE_ID.match(message)
    pid = int(found["pid"]) if found["pid"] else None
    return Line(text, time, found["tag"], pid, message, about["id"] if about else "")


def is_refusal(line: Line) -> bool:
    """Whether smtpd(8) refused a recipient before there was a queue file."""
    return line.message.startswith(_NO_QUEUE_ID)


def _time(text: str, now: datetime) -> datetime | None:
    try:
        if text[0].isdigit():
            return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
        return _without_year(text, now)
    except ValueError:
        return None


def _without_year(text: str, now: datetime) -> datetime | None:
    """Return the latest time up to ``now``, a day for clocks that differ, that ``text`` can be."""
    month = _MONTHS.index(text[:3]) + 1
    day, clock = int(text[4:6]), datetime.strptime(text[7:], "%H:%M:%S").time()
    for year in range(now.year + 1, now.year - _LEAP_CYCLE, -1):
        try:
            time = datetime.combine(datetime(year, month, day), clock)
        except ValueError:
            continue
        if time <= now + timedelta(days=1):
            return time
    return None
