"""What Postfix logs of a message, by its forms: the one place that knows them. Pure.

A record has what one line tells, as it stands there; trace, stats and metrics read the same ones.
They are read from what follows the queue ID. The forms are those of postfix src/: smtpd/smtpd.c,
pickup/pickup.c, cleanup/cleanup_message.c and cleanup_milter.c, qmgr/qmgr_active.c,
global/log_adhoc.c, bounce/bounce_notify_service.c.

Strangers choose addresses, Message-IDs, HELO names and the replies of servers, and may write in
them what looks like another field. So a line is read from its beginning: an address ends where
its quoted local part and its domain end, and everything behind is what Postfix wrote. What does
not have Postfix's form gives no record. With info_log_address_format=internal addresses are not
quoted, and such a line cannot always be told from a forged one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from postwrap.logs.lines import QUEUE_ID


class Delivery(NamedTuple):
    """An attempt to deliver to a recipient; addresses are without <>.

    ``delay`` and ``delays`` (before the queue manager, in it, connecting, sending) are seconds as
    written there; ``text`` is the reply or reason, cut where the line was cut.
    """

    recipient: str
    orig_to: str | None
    relay: str
    delay: str
    delays: str | None
    dsn: str | None
    status: str
    text: str | None


class Active(NamedTuple):
    """qmgr(8) moves a message of ``size`` bytes into the active queue."""

    sender: str
    size: str
    recipients: str


class Expired(NamedTuple):
    """qmgr(8) gives up."""

    sender: str


class Client(NamedTuple):
    """smtpd(8) or qmqpd(8) takes it from ``client``, name[address]; ``origin``: orig_queue_id."""

    client: str
    sasl_method: str | None
    user: str | None
    origin: str | None


class Pickup(NamedTuple):
    """pickup(8) takes it from the maildrop queue; ``origin``: the queue ID before postsuper -r."""

    user: str
    sender: str
    origin: str | None


class MessageId(NamedTuple):
    """cleanup(8) has seen a Message-ID, "" for an empty one."""

    message_id: str


class Notice(NamedTuple):
    """bounce(8) sends a notice: ``what`` kind, and its queue ID."""

    what: str
    queue_id: str


class Removed(NamedTuple):
    """The queue file was removed."""


class AccessAction(NamedTuple):
    """What a table, a check, a milter or smtpd_proxy_filter did in an SMTP session.

    ``rest`` is what is said of it; ``client`` is "" for smtpd_proxy_filter.
    """

    action: str
    client: str
    rest: str


class ContentAction(NamedTuple):
    """What header_checks or body_checks did; ``text`` is the sender's own."""

    action: str
    text: str


Record = (
    Delivery
    | Active
    | Expired
    | Client
    | Pickup
    | MessageId
    | Notice
    | Removed
    | AccessAction
    | ContentAction
)

_PLAIN = r'[^\s"<>,()\\]'
_ADDRESS = rf'(?:{_PLAIN}+|"(?:[^"\\]|\\.)*"(?:@{_PLAIN}*)?|)'
_HOST = r"[^\s,\[\]]*\[[^\s,\[\]]*\](?::\d+)?"
# Numbers are bounded: any user can write such a line by logger(1), and must not stop the readers.
# postlogd(8) cuts lines at 2000 bytes: the bracket at the end may be gone.
_DELIVERY = re.compile(
    rf"to=<({_ADDRESS})>, (?:orig_to=<({_ADDRESS})>, )?relay=([^,]+), (?:conn_use=\d+, )?"
    r"delay=([\d.]{1,20}), (?:delays=([\d./]{1,80}), )?(?:dsn=([\d.]+), )?"
    r"status=([a-z-]+)(?: \((.*?)\)?)?$"
)
_ACTIVE = re.compile(
    rf"from=<({_ADDRESS})>, size=(\d{{1,15}}), nrcpt=(\d{{1,15}}) \(queue active\)$"
)
_EXPIRED = re.compile(rf"from=<({_ADDRESS})>, status=(?:force-)?expired, returned to sender$")
_CLIENT = re.compile(
    rf"client=({_HOST})(?=,|$)(?:, sasl_method=([^,\s]+))?(?:, sasl_username=([^,\s]+))?"
    rf"(?:, sasl_sender=[^,\s]+)?(?:, orig_queue_id=({QUEUE_ID})(?=,|$))?"
)
_PICKUP = re.compile(rf"uid=(\d+) from=<({_ADDRESS})>(?: orig_id=({QUEUE_ID}))?$")
_MESSAGE_ID = re.compile(r"message-id=<?([^\s>]*)")
_NOTICE = re.compile(
    r"((?:sender|postmaster) (?:non-delivery|delivery status|delay|successful delivery) "
    rf"notification): ({QUEUE_ID})$"
)
_REPLY = re.compile(
    r"((?:milter-)?reject|reject_warning|(?:milter-)?(?:hold|discard)|filter"
    rf"|redirect|warn|info|prepend|replace|strip|bcc|delay): [A-Z][\w-]* from ({_HOST}): ?(.*)$"
)
_PROXY = re.compile(r"(proxy-(?:accept|reject)): [A-Z][\w-]*: ?(.*)$")
_CONTENT = re.compile(
    r"(reject|warning|hold|discard|filter|redirect|bcc|info|prepend|replace|strip): "
    r"((?:header|body) .*)"
)
_QUEUED_AS = re.compile(rf"\b(?:queued as|forwarded as) ({QUEUE_ID})\)?$")
_ENVELOPE = re.compile(rf"from=<({_ADDRESS})>(?:,? to=<({_ADDRESS})>)?(?=[ ,:]|$)")
_QUOTED = re.compile(r'(?:[^"]|"(?:[^"\\]|\\.)*")*?; (?=from=<)')


def record_of(text: str) -> Record | None:
    """Return what ``text``, behind the queue ID or NOQUEUE, tells; None for nothing known."""
    reader = _READERS.get(text[:3])
    return reader(text) if reader else None


def queued_as(reply: str) -> str:
    """Return the queue ID that a server, or local(8), gave a message in its reply, "" for none."""
    found = _QUEUED_AS.search(reply)
    return found[1] if found else ""


def seconds(text: str) -> float:
    """Return a delay, 0 for what is no number."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def envelope_of(rest: str) -> tuple[str | None, str | None]:
    """Return sender and recipient of a reply: behind its text, in which quotes are skipped."""
    start = _QUOTED.match(rest)
    found = _ENVELOPE.match(rest, start.end() if start else 0)
    return (found[1], found[2]) if found else (None, None)


def before_envelope(rest: str) -> str:
    """Return the text of a reply without sender, recipient and HELO name."""
    start = _QUOTED.match(rest)
    return rest[: start.end() - 2] if start else rest


def _delivery(text: str) -> Delivery | None:
    found = _DELIVERY.match(text)
    return Delivery._make(found.groups()) if found else None


def _from(text: str) -> Active | Expired | None:
    if found := _ACTIVE.match(text):
        return Active._make(found.groups())
    found = _EXPIRED.match(text)
    return Expired(found[1]) if found else None


def _client(text: str) -> Client | None:
    found = _CLIENT.match(text)
    return Client._make(found.groups()) if found else None


def _pickup(text: str) -> Pickup | None:
    found = _PICKUP.match(text)
    return Pickup._make(found.groups()) if found else None


def _message_id(text: str) -> MessageId | None:
    found = _MESSAGE_ID.match(text)
    return MessageId(found[1]) if found else None


def _notice(text: str) -> Notice | None:
    found = _NOTICE.match(text)
    return Notice._make(found.groups()) if found else None


_REMOVED = Removed()


def _removed(text: str) -> Removed | None:
    # So does cleanup(8) of Postfix 3.10 of a message that a milter has refused.
    return _REMOVED if text in {"removed", "removed (canceled)"} else None


def _reply(text: str) -> AccessAction | ContentAction | None:
    if found := _REPLY.match(text):
        return AccessAction._make(found.groups())
    found = _CONTENT.match(text)
    return ContentAction._make(found.groups()) if found else None


def _by_proxy(text: str) -> AccessAction | None:
    found = _PROXY.match(text)
    return AccessAction(found[1], "", found[2]) if found else None


_ACTIONS = (
    *("reject", "milter-reject", "hold", "discard", "filter", "redirect", "warn"),
    *("info", "prepend", "replace", "strip", "bcc", "delay"),
)
_READERS: dict[str, Callable[[str], Record | None]] = {
    "to=": _delivery,
    "fro": _from,
    "cli": _client,
    "uid": _pickup,
    "mes": _message_id,
    "sen": _notice,
    "pos": _notice,
    "rem": _removed,
    "pro": _by_proxy,
    **{action[:3]: _reply for action in _ACTIONS},
}
"""Readers by the first three letters."""
