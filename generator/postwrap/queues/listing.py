"""The two forms in which Postfix lists a queue. Pure: bytes in, messages out.

Both are fed as the bytes arrive, cut anywhere, and keep no more than the message they are in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from postwrap.queues.model import Queued, Recipient

_LONGEST = 1 << 24
"""Bytes of a name, a value or a line of JSON: more than a message's recipients ever take."""
_REASONS = frozenset(("reason", "delay_reason", "bounce_reason"))
"""Names of the reason: that of showq(8), and those of ``postqueue -j``."""


class Listing(Protocol):
    """A listing that arrives."""

    @property
    def is_complete(self) -> bool:
        """Whether what has arrived ends where a listing ends."""

    def feed(self, data: bytes) -> list[Queued]:
        """Return the messages that ``data`` completes.

        Raises ValueError, TypeError or KeyError where it is not a listing.
        """


class ShowqListing:
    """What showq(8) sends to whoever connects: postfix src/showq/showq.c.

    Names and values, each ended by NUL; an empty name ends a message, and where nothing was before
    it, the listing. A recipient's reason follows it. Newer versions say first which protocol it is.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._rest = b""
        self._name = ""
        self._values: dict[str, str] = {}
        self._recipients: list[Recipient] = []

    def feed(self, data: bytes) -> list[Queued]:
        """Return the messages that ``data`` completes."""
        whole, end, rest = data.rpartition(b"\0")
        if not end:
            self._rest += data
            if len(self._rest) > _LONGEST:
                raise ValueError("no end of a value")
            return []
        fields = (self._rest + whole).decode(errors="surrogateescape").split("\0")
        self._rest = rest
        return self._messages(fields)

    def _messages(self, fields: Iterable[str]) -> list[Queued]:
        """Return the messages that ``fields`` complete; a loop of a million turns."""
        found: list[Queued] = []
        name, values, recipients = self._name, self._values, self._recipients
        for field in fields:
            if name:
                if name == "recipient":
                    recipients.append(Recipient(field, ""))
                elif name in _REASONS and recipients:
                    recipients[-1] = Recipient(recipients[-1].address, field)
                else:
                    values[name] = field
                name = ""
            elif field:
                name = field
            elif "queue_id" in values:
                found.append(_message(values, recipients))
                values, recipients = {}, []
            else:
                self.is_complete = not values  # else it was the name of the protocol
                values = {}
        self._name, self._values, self._recipients = name, values, recipients
        return found


def _message(values: dict[str, str], recipients: Iterable[Recipient]) -> Queued:
    return Queued(
        values.get("queue_name", ""),
        values["queue_id"],
        int(values.get("time", "0")),
        int(values.get("size", "0")),
        values.get("sender", ""),
        tuple(recipients),
    )


class PostqueueListing:
    """What ``postqueue -j`` prints: an object of JSON a line, postqueue(1)."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_complete(self) -> bool:
        """Whether what has arrived ends with a line."""
        return not self._rest

    def feed(self, data: bytes) -> list[Queued]:
        """Return the messages that ``data`` completes."""
        whole, end, rest = data.rpartition(b"\n")
        if not end:
            self._rest += data
            if len(self._rest) > _LONGEST:
                raise ValueError("no end of a value")
            return []
        lines = (self._rest + whole).decode(errors="surrogateescape").split("\n")
        self._rest = rest
        return [_from_json(json.loads(line)) for line in lines if line]


def _from_json(told: dict[str, Any]) -> Queued:
    recipients = (
        Recipient(r["address"], next((r[name] for name in _REASONS if name in r), ""))
        for r in told.get("recipients", ())
    )
    return Queued(
        told["queue_name"],
        told["queue_id"],
        told["arrival_time"],
        told["message_size"],
        told["sender"],
        tuple(recipients),
    )
