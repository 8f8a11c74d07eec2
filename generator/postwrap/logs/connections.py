"""What smtpd(8) and smtp(8) log of a connection, about no message, by its forms. Pure.

The forms are those of postfix src/: smtpd/smtpd.c, smtpd/smtpd_peer.c, smtpd/smtpd_sasl_glue.c,
smtp/smtp_connect.c, tls/tls_misc.c. See postwrap.logs.records for what is logged of a message.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple


class ConnectionEvent(Enum):
    """What happened to a connection."""

    CONNECT = auto()
    DISCONNECT = auto()
    LOST = auto()
    """``words``: the client's last command."""
    TLS = auto()
    """``words``: trust, protocol, cipher, and the bits used of those that the cipher has."""
    SASL_FAILURE = auto()
    FCRDNS = auto()
    """The host name of a client does not resolve to its address."""
    TIMED_OUT = auto()
    """A connection to a server."""
    REFUSED = auto()
    """A connection to a server."""


class Connection(NamedTuple):
    """What a line tells of a connection."""

    event: ConnectionEvent
    words: tuple[str, ...] = ()


_FORMS = (
    (ConnectionEvent.CONNECT, re.compile(r"connect from ")),
    (ConnectionEvent.DISCONNECT, re.compile(r"disconnect from ")),
    (ConnectionEvent.TIMED_OUT, re.compile(r"connect to .*: Connection timed out$")),
    (ConnectionEvent.REFUSED, re.compile(r"connect to .*: Connection refused$")),
    (ConnectionEvent.LOST, re.compile(r"lost connection after ([A-Z-]{1,20})")),
    (
        ConnectionEvent.TLS,
        re.compile(
            r"(Anonymous|Untrusted|Trusted|Verified) TLS connection (?:established|reused) "
            r"(?:to|from) \S+?: (\S+) with cipher (\S+) \((\d+)/(\d+) bits\)"
        ),
    ),
    (
        ConnectionEvent.SASL_FAILURE,
        re.compile(r"warning: \S+: SASL \S+ authentication failed"),
    ),
    (
        ConnectionEvent.FCRDNS,
        re.compile(r"warning: hostname \S+ does not resolve to address "),
    ),
)


def connection_of(message: str) -> Connection | None:
    """Return what ``message`` tells of a connection, None for nothing known."""
    for event, form in _FORMS:
        if found := form.match(message):
            return Connection(event, found.groups())
    return None


FAILED = "connect to "
"""How a line of smtp(8) begins that tells of a failure to connect."""


def failure_to_connect(message: str) -> str:
    """Return why a connection to a server failed, as smtp(8) says it before a delivery, or ""."""
    return message if message.startswith(FAILED) else ""
