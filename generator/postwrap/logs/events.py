"""What a line of the log tells of a message, as one event. Pure."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from postwrap.logs.lines import Line
from postwrap.logs.records import (
    AccessAction,
    Active,
    Client,
    ContentAction,
    Delivery,
    Expired,
    MessageId,
    Notice,
    Pickup,
    Record,
    Removed,
    before_envelope,
    envelope_of,
    queued_as,
    record_of,
    seconds,
)

PASSED = "proxy-accept"
"""The ``status`` of an action by which a filter before the queue (smtpd_proxy_filter) took it."""


class EventKind(StrEnum):
    """What happened."""

    CLIENT = "client"
    """smtpd(8) or qmqpd(8) takes it from a client."""
    PICKUP = "pickup"
    """pickup(8) takes it from the maildrop queue."""
    MESSAGE_ID = "message-id"
    ACTIVE = "active"
    """qmgr(8) moves it into the active queue."""
    DELIVERY = "delivery"
    """One recipient's delivery was tried: ``status`` says how it ended."""
    NOTICE = "notice"
    """A bounce or another notice came of it: ``other`` is its queue ID."""
    REMOVED = "removed"
    EXPIRED = "expired"
    REFUSED = "refused"
    """A reply of smtpd(8), or of a milter by cleanup(8), that is not a yes."""
    ACTION = "action"
    """hold, discard, filter, redirect, … by an access table or by header_checks."""
    OTHER = "other"


class Event(NamedTuple):
    """What a line tells. Addresses are without their <>, as logged; "" is the null sender.

    ``client`` and ``relay`` are as logged: name[address]:port. ``delay`` is in seconds, ``delays``
    are the four stages of it: before the queue manager, in it, connecting, sending. ``text`` is
    the reason or reply. ``message_id`` is without its <>. ``other`` is the queue ID of another
    queue file: the notice, where the relay or the filter before the queue
    queued it ("queued as"), where local(8) forwarded it,
    what it was before it was queued again.
    """

    kind: EventKind = EventKind.OTHER
    sender: str | None = None
    recipient: str | None = None
    orig_to: str | None = None
    client: str = ""
    relay: str = ""
    delay: float | None = None
    delays: tuple[float, ...] = ()
    dsn: str = ""
    status: str = ""
    text: str = ""
    message_id: str = ""
    other: str = ""
    user: str = ""

    @property
    def addresses(self) -> set[str]:
        """The sender and the recipients, in lower case."""
        found = (self.sender, self.recipient, self.orig_to)
        return {address.lower() for address in found if address is not None}


def event_of(line: Line) -> Event:
    """Return what ``line`` of Postfix tells."""
    record = record_of(line.told)
    return _EVENTS[type(record)](record) if record is not None else _OTHER


_OTHER = Event()
_REMOVED = Event(EventKind.REMOVED)


def _delivery(record: Delivery) -> Event:
    reply = record.text or ""
    return Event(
        EventKind.DELIVERY,
        recipient=record.recipient,
        orig_to=record.orig_to,
        relay=record.relay,
        delay=seconds(record.delay),
        delays=tuple(map(seconds, record.delays.split("/"))) if record.delays else (),
        dsn=record.dsn or "",
        status=record.status,
        text=reply,
        other=queued_as(reply) if record.status == "sent" else "",
    )


def _client(record: Client) -> Event:
    return Event(
        EventKind.CLIENT, client=record.client, user=record.user or "", other=record.origin or ""
    )


def _pickup(record: Pickup) -> Event:
    origin = record.origin or ""
    return Event(EventKind.PICKUP, sender=record.sender, user=record.user, other=origin)


def _reply(record: AccessAction) -> Event:
    sender, recipient = envelope_of(record.rest)
    return Event(
        _kind(record.action),
        sender=sender,
        recipient=recipient,
        client=record.client,
        status=record.action,
        text=before_envelope(record.rest),
        other=queued_as(before_envelope(record.rest)) if record.action == PASSED else "",
    )


def _content(record: ContentAction) -> Event:
    """Return what header_checks or body_checks did; the record's text is the sender's own.

    With one envelope in it, that is Postfix's own.
    """
    before, mark, behind = record.text.rpartition("; from=<")
    sender, recipient = None, None
    if mark and mark not in before:
        sender, recipient = envelope_of(f"from=<{behind}")
    return Event(
        _kind(record.action),
        sender=sender,
        recipient=recipient,
        status=record.action,
        text=record.text,
    )


def _kind(action: str) -> EventKind:
    is_no = action in {"reject", "milter-reject", "proxy-reject"}
    return EventKind.REFUSED if is_no else EventKind.ACTION


_EVENTS: dict[type[Record], Callable[[Any], Event]] = {
    Delivery: _delivery,
    Active: lambda own: Event(EventKind.ACTIVE, sender=own.sender),
    Expired: lambda own: Event(EventKind.EXPIRED, sender=own.sender, status="expired"),
    Client: _client,
    Pickup: _pickup,
    MessageId: lambda own: Event(EventKind.MESSAGE_ID, message_id=own.message_id),
    Notice: lambda own: Event(EventKind.NOTICE, text=own.what, other=own.queue_id),
    Removed: lambda _: _REMOVED,
    AccessAction: _reply,
    ContentAction: _content,
}
