"""What a line of the log adds to the metrics. Pure.

The conditions are those of postfix_exporter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from postwrap.logs.connections import Connection, ConnectionEvent, connection_of
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
    record_of,
    seconds,
)
from postwrap.metrics import families
from postwrap.metrics.families import Family
from postwrap.metrics.values import Values

STAGES = ("before_queue_manager", "queue_manager", "connection_setup", "transmission")


def count(values: Values, program: str, queue_id: str, text: str) -> None:
    """Add to ``values`` what ``program`` says in ``text`` of ``queue_id``, "" for no message."""
    if not queue_id:
        if connection := connection_of(text):
            _connection(values, program, connection)
    elif (record := record_of(text)) is not None:
        _COUNTING[type(record)](values, program, record)


def _connection(values: Values, program: str, connection: Connection) -> None:
    if family := _CONNECTIONS.get((program, connection.event)):
        values.count(family, *connection.words)


_CONNECTIONS: dict[tuple[str, ConnectionEvent], Family] = {
    ("smtpd", ConnectionEvent.CONNECT): families.SMTPD_CONNECTS,
    ("smtpd", ConnectionEvent.DISCONNECT): families.SMTPD_DISCONNECTS,
    ("smtpd", ConnectionEvent.LOST): families.SMTPD_LOST,
    ("smtpd", ConnectionEvent.TLS): families.SMTPD_TLS,
    ("smtpd", ConnectionEvent.SASL_FAILURE): families.SMTPD_SASL_FAILURES,
    ("smtpd", ConnectionEvent.FCRDNS): families.SMTPD_FCRDNS,
    ("smtp", ConnectionEvent.TLS): families.SMTP_TLS,
    ("smtp", ConnectionEvent.TIMED_OUT): families.SMTP_TIMED_OUT,
    ("smtp", ConnectionEvent.REFUSED): families.SMTP_REFUSED,
}


def _client(values: Values, program: str, client: Client) -> None:
    if program == "smtpd":
        values.count(families.RECEIVED, "smtpd")
        values.count(families.SMTPD_PROCESSED, client.sasl_method or "NONE")


def _pickup(values: Values, program: str, pickup: Pickup) -> None:
    if program == "pickup":
        values.count(families.RECEIVED, "pickup")


def _reply(values: Values, program: str, reply: AccessAction) -> None:
    if program == "cleanup" and reply.action == "milter-reject":
        values.count(families.CLEANUP_NOT_ACCEPTED)
    elif program == "smtpd" and reply.action == "reject" and reply.rest[:3].isdecimal():
        values.count(families.SMTPD_REJECTED, reply.rest[:3])


def _content(values: Values, program: str, content: ContentAction) -> None:
    if program == "cleanup" and content.action == "reject":
        values.count(families.CLEANUP_REJECTED)


def _notice(values: Values, program: str, notice: Notice) -> None:
    if program == "bounce" and notice.what == "sender non-delivery notification":
        values.count(families.NON_DELIVERY)


def _counts(of: str, family: Family) -> Callable[[Values, str, Any], None]:
    """Return what counts a record that the program ``of`` writes."""

    def counting(values: Values, program: str, record: Record) -> None:
        if program == of or (of == "qmgr" and program in _QUEUE_MANAGERS):
            values.count(family)

    return counting


_QUEUE_MANAGERS = frozenset(("qmgr", "nqmgr", "oqmgr"))


def _active(values: Values, program: str, active: Active) -> None:
    if program in _QUEUE_MANAGERS:
        values.observe(families.INSERTED_SIZES, float(active.size))
        values.observe(families.INSERTED_RECIPIENTS, float(active.recipients))


def _delivery(values: Values, program: str, found: Delivery) -> None:
    if program not in _AGENTS:
        return
    values.count(families.STATUSES, program, found.status)
    if program == "smtp":
        values.count(families.SMTP_STATUSES, found.status)
        if found.status == "deferred":
            values.count(families.SMTP_DEFERRED)
    elif program == "virtual" and found.status == "sent":
        values.count(families.VIRTUAL_DELIVERED)
    delays = found.delays.split("/") if found.delays else ()
    for stage, delay in zip(STAGES, map(seconds, delays), strict=False):
        values.observe(families.STAGES, delay, program, stage)
        if program == "pipe":
            values.observe(families.PIPE_DELAYS, delay, found.relay, stage)
        elif found.status != "deferred" and (own := _OWN_DELAYS.get(program)):
            values.observe(own, delay, stage)


_OWN_DELAYS = {"smtp": families.SMTP_DELAYS, "lmtp": families.LMTP_DELAYS}
_AGENTS = frozenset(("smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard"))
_COUNTING: dict[type[Record], Callable[[Values, str, Any], None]] = {
    Delivery: _delivery,
    Active: _active,
    Expired: _counts("qmgr", families.EXPIRED),
    Client: _client,
    Pickup: _pickup,
    MessageId: _counts("cleanup", families.CLEANUP_PROCESSED),
    Notice: _notice,
    Removed: _counts("qmgr", families.REMOVED),
    AccessAction: _reply,
    ContentAction: _content,
}
