"""A queued message, and what came of reading a queue. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from postwrap.errors import Problem

QUEUES = ("active", "deferred", "hold", "incoming", "maildrop")
"""The queues that showq(8) lists; corrupt it does not."""

NULL_SENDER = "MAILER-DAEMON"
"""How showq(8) spells the null sender: mail_addr(3)."""


class Recipient(NamedTuple):
    """A recipient that is still to be delivered to; ``reason`` is why it was not, "" for none."""

    address: str
    reason: str

    @property
    def domain(self) -> str:
        """What follows the last @, in lower case; all of it without one, as in qshape(1)."""
        return self.address.rpartition("@")[2].lower()


class Queued(NamedTuple):
    """A message in a queue.

    ``arrival`` is in seconds since 1970, ``size`` in bytes. A tuple, for there may be a million.
    """

    queue: str
    queue_id: str
    arrival: int
    size: int
    sender: str
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a queue was read.

    ``running``: whether the instance runs, None where the reading does not tell. ``is_complete``:
    all of the queue was listed. ``problem`` is why it was not.
    """

    running: bool | None
    is_complete: bool
    problem: Problem | None = None
