"""A line of the mail log, as syslog daemons, postlogd(8) and journalctl(1) write it."""

from __future__ import annotations

import re
from calendar import isleap
from dataclasses import dataclass
from datetime import datetime, time, timedelta

STAMP = r"\d{4}-\d\d-\d\dT\S+|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
"""A pattern of a time as rsyslogd, postlogd(8) and syslogd(8) write it."""
HOST = r" \S+ (?:[a-z0-9]+\.[a-z]+ )?"
"""A pattern of what is between time and tag: the host; busybox syslogd's facility and severity."""
_LINE = re.compile(rf"({STAMP}){HOST}([^\s\[:]+)(?:\[(\d{{1,10}})\])?: (.*)")
QUEUE_ID = (
    r"(?:[0-9A-F]{6,}"
    r"|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-y]+)"
)
"""A pattern of short and long queue IDs: postfix src/global/mail_queue.h."""
_QUEUE_ID = re.compile(rf"(?P<id>{QUEUE_ID}): ")
SEVERITIES = ("warning", "error", "fatal", "panic")
"""What msg(3) of Postfix writes before a line that is more than information."""
_LONGEST_WORD = 9
NO_QUEUE_ID = "NOQUEUE"
"""What stands in the place of the queue ID where there is no queue file yet."""
_BY_PROXY = ("proxy-accept: ", "proxy-reject: ")
"""What smtpd(8) says, without a queue ID, of the answer of smtpd_proxy_filter."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAP_CYCLE = 8
"""So many years back there has been a 29 February."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``text`` is all of it, ``message`` what follows the tag.

    ``stamp`` is the time as it stands there; ``queue_id`` is "" where the line is about no message.
    """

    text: str
    stamp: str
    tag: str
    pid: int | None
    message: str
    queue_id: str

    @property
    def severity(self) -> str:
        """One of SEVERITIES where the line begins with it, else ""."""
        start = len(self.queue_id) + 2 if self.queue_id else 0
        word = self.message[start : start + _LONGEST_WORD].partition(": ")[0]
        return word if word in SEVERITIES else ""

    @property
    def is_before_queue(self) -> bool:
        """Whether smtpd(8) tells of a recipient or a message for which there is no queue file."""
        return self.message.startswith((f"{NO_QUEUE_ID}: ", *_BY_PROXY))

    @property
    def about(self) -> str:
        """The queue ID, or NOQUEUE; "" for a line about no message."""
        if self.queue_id:
            return self.queue_id
        return NO_QUEUE_ID if self.message.startswith(f"{NO_QUEUE_ID}: ") else ""

    @property
    def told(self) -> str:
        """What follows the queue ID, or NOQUEUE; the message where it has neither."""
        about = self.queue_id or self.about
        return self.message[len(about) + 2 :] if about else self.message


def parse(text: str) -> Line | None:
    """Return the line that ``text`` is, None for what no program logged: a mark of journalctl."""
    found = _LINE.match(text)
    if not found:
        return None
    stamp, tag, pid, message = found.groups()
    about = _QUEUE_ID.match(message)
    return Line(text, stamp, tag, int(pid) if pid else None, message, about["id"] if about else "")


def time_of(line: Line, now: datetime) -> datetime:
    """Return the local time of ``line``, to the second or better.

    The old form of syslog's time has no year: it is the latest that it can be up to ``now``, a day
    more for clocks that differ. What is no time at all sorts first.
    """
    try:
        if line.stamp[0].isdigit():
            return datetime.fromisoformat(line.stamp).astimezone().replace(tzinfo=None)
        return _without_year(line.stamp, now)
    except ValueError:
        return datetime.min


def _without_year(stamp: str, now: datetime) -> datetime:
    month, day = _MONTHS.index(stamp[:3]) + 1, int(stamp[4:6])
    clock = time(int(stamp[7:9]), int(stamp[10:12]), int(stamp[13:15]))
    for year in range(now.year + 1, now.year - _LEAP_CYCLE, -1):
        if (month, day) == (2, 29) and not isleap(year):
            continue
        found = datetime.combine(datetime(year, month, day), clock)
        if found <= now + timedelta(days=1):
            return found
    raise ValueError(stamp)
