"""What the log of an instance adds up to, in the sense of pflogsumm(1). Pure.

Messages, deliveries and refusals are counted as pflogsumm 1.1.5 counts them, so that both say the
same of one log. Where a queue ID comes again after its message was removed, it is another message
here and the same one there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from postwrap.logs.records import (
    AccessAction,
    Active,
    Client,
    ContentAction,
    Delivery,
    Pickup,
    Record,
    Removed,
    before_envelope,
    queued_as,
    record_of,
    seconds,
)
from postwrap.queues.reasons import shared_reason
from postwrap.queues.tally import Tally

STAGES = ("before queue manager", "queue manager", "connection setup", "transmission")

_HOST = re.compile(r"([^\[]*)\[([^\]]*)\]")
_TOP_LEVEL = re.compile(r"(.*)\.([^.]+)\.([^.]{3}|[^.]{2,3}\.[^.]{2})")
_FROM_REST = re.compile(r"(?: from \S+?)?; from=<.*")
_PICKUP = "pickup"
_COUNTED = {
    "smtpd": frozenset(("reject", "reject_warning", "hold", "discard")),
    "postscreen": frozenset(("reject", "reject_warning", "hold", "discard")),
    "cleanup": frozenset(("reject", "milter-reject", "warning", "hold", "discard")),
}
"""What pflogsumm counts of the actions that these programs log."""
_MOST_TIMED = 50_000
_MOST_HANDED = 1_000_000
"""Messages that are remembered as received, to know them again when they come from an instance."""


@dataclass(slots=True)
class DomainTotals:
    """What was sent to, or received from, a domain; the delays are in seconds."""

    messages: int = 0
    bytes: int = 0
    deferrals: int = 0
    delay: float = 0.0
    longest: float = 0.0


class Handovers:
    """Messages that one instance of the host handed to another, known by "queued as"."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes_received = 0
        self.deliveries = 0
        self.bytes_delivered = 0
        self._owners: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._handed: set[str] = set()
        self._early: dict[str, tuple[str, int, int]] = {}
        """Deliveries that were logged before their message was: two logs are read in turn."""

    def received(self, owner: str, queue_id: str) -> None:
        """Note that the instance in ``owner`` received a message."""
        self._owners[queue_id] = owner
        if early := self._early.pop(queue_id, None):
            self._count(queue_id, *early)
        if len(self._owners) > _MOST_HANDED:
            for old in list(self._owners)[: _MOST_HANDED // 2]:
                del self._owners[old]
                self._sizes.pop(old, None)
                self._handed.discard(old)

    def measured(self, queue_id: str, size: int) -> None:
        """Note how large a message is that was received."""
        self._sizes[queue_id] = size
        if queue_id in self._handed:
            self.bytes_received += size

    def delivered(self, owner: str, reply: str, size: int) -> None:
        """Note a delivery by the instance in ``owner``, which was answered with ``reply``."""
        queue_id = queued_as(reply)
        if queue_id in self._owners:
            self._count(queue_id, owner, 1, size)
        elif queue_id:
            _, count, bytes_ = self._early.get(queue_id, (owner, 0, 0))
            self._early[queue_id] = (owner, count + 1, bytes_ + size)
            if len(self._early) > _MOST_HANDED:
                for old in list(self._early)[: _MOST_HANDED // 2]:
                    del self._early[old]

    def _count(self, queue_id: str, owner: str, deliveries: int, bytes_: int) -> None:
        """Count what ``owner`` delivered as ``queue_id``, unless it is its own queue ID."""
        if self._owners[queue_id] == owner:
            return
        self.deliveries += deliveries
        self.bytes_delivered += bytes_
        if queue_id not in self._handed:
            self._handed.add(queue_id)
            self.messages += 1
            self.bytes_received += self._sizes.get(queue_id, 0)


def _by_stage() -> tuple[Counter[str], ...]:
    return tuple(Counter() for _ in STAGES)


@dataclass
class Totals:
    """What the log of the instance in ``owner`` adds up to."""

    owner: str = ""
    handovers: Handovers = field(default_factory=Handovers)
    received: int = 0
    delivered: int = 0
    forwarded: int = 0
    deferred: int = 0
    deferrals: int = 0
    bounced: int = 0
    rejected: int = 0
    reject_warnings: int = 0
    held: int = 0
    discarded: int = 0
    bytes_received: int = 0
    bytes_delivered: int = 0
    senders: set[str] = field(default_factory=set)
    recipients: set[str] = field(default_factory=set)
    from_domains: dict[str, DomainTotals] = field(default_factory=dict)
    to_domains: dict[str, DomainTotals] = field(default_factory=dict)
    deferral_reasons: Tally = field(default_factory=Tally)
    bounce_reasons: Tally = field(default_factory=Tally)
    reject_reasons: Tally = field(default_factory=Tally)
    _stages: tuple[Counter[str], ...] = field(default_factory=_by_stage)
    _clients: dict[str, str] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _delayed: set[str] = field(default_factory=set)
    _timed: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._takers: dict[type[Record], Callable[[str, str, Any], None]] = {
            Delivery: self._delivery,
            Active: self._active,
            Client: self._client,
            Pickup: self._pickup,
            Removed: self._removed,
            AccessAction: self._reply,
            ContentAction: self._content,
        }

    def take(self, program: str, queue_id: str, text: str) -> None:
        """Take a line into account: what ``program`` says of the message ``queue_id``."""
        record = record_of(text)
        taker = self._takers.get(type(record)) if record is not None else None
        if taker:
            taker(program, queue_id, record)

    def delays(self) -> tuple[Counter[str], ...]:
        """Return, for each stage of delivery, how often it took which time, as it was logged."""
        for delays, count in self._timed.items():
            for stage, taken in zip(self._stages, delays.split("/"), strict=False):
                stage[taken] += count
        self._timed.clear()
        return self._stages

    def _client(self, program: str, queue_id: str, client: Client) -> None:
        self._received(queue_id, client.client)

    def _pickup(self, program: str, queue_id: str, pickup: Pickup) -> None:
        self._received(queue_id, _PICKUP)

    def _reply(self, program: str, queue_id: str, reply: AccessAction) -> None:
        if reply.action in _COUNTED.get(program, ()):
            self._refused(reply.action, before_envelope(reply.rest))

    def _content(self, program: str, queue_id: str, content: ContentAction) -> None:
        if content.action in _COUNTED.get(program, ()):
            self._refused(content.action, _FROM_REST.sub("", content.text))

    def _delivery(self, program: str, queue_id: str, delivery: Delivery) -> None:
        recipient, _, _, delay, delays, _, status, text = delivery
        if delays:
            self._timed[delays] = self._timed.get(delays, 0) + 1
            if len(self._timed) > _MOST_TIMED:
                self.delays()
        if status == "sent":
            self._sent(queue_id, recipient, delay, text or "")
        elif status == "deferred":
            self._deferred(queue_id, recipient, delay, text or "")
        elif status == "bounced":
            self.bounced += 1
            self.bounce_reasons.add(shared_reason(text or ""))

    def _received(self, queue_id: str, client: str) -> None:
        self.received += 1
        self._clients[queue_id] = client
        self.handovers.received(self.owner, queue_id)

    def _refused(self, how: str, reason: str) -> None:
        if how in {"reject", "milter-reject"}:
            self.rejected += 1
            self.reject_reasons.add(shared_reason(reason))
        elif how == "hold":
            self.held += 1
        elif how == "discard":
            self.discarded += 1
        else:
            self.reject_warnings += 1

    def _active(self, program: str, queue_id: str, active: Active) -> None:
        if self._sizes.get(queue_id):
            return  # made active once more
        size = int(active.size)
        self._sizes[queue_id] = size
        client = self._clients.pop(queue_id, None)
        if client is None:
            return  # a notice, or a message that was received before this log
        address = _lowered(active.sender) or "from=<>"
        self.senders.add(address)
        _, at, domain = address.partition("@")
        own = domain if at else address if client == _PICKUP else _domain_of(client)
        totals = self.from_domains.setdefault(own, DomainTotals())
        totals.messages += 1
        totals.bytes += size
        self.bytes_received += size
        self.handovers.measured(queue_id, size)

    def _sent(self, queue_id: str, recipient: str, delay: str, text: str) -> None:
        if "forwarded as " in text:
            self.forwarded += 1
            return
        size = self._sizes.get(queue_id, 0)
        local, at, domain = recipient.partition("@")
        domain = domain.lower() if at else local
        self.recipients.add(f"{local}@{domain}" if at else local)
        totals = self._to(domain)
        totals.messages += 1
        totals.bytes += size
        taken = seconds(delay)
        totals.delay += taken
        if taken > totals.longest:
            totals.longest = taken
        self.delivered += 1
        self.bytes_delivered += size
        if "queued as " in text:
            self.handovers.delivered(self.owner, text, size)

    def _deferred(self, queue_id: str, recipient: str, delay: str, text: str) -> None:
        self.deferrals += 1
        if queue_id not in self._delayed:
            self._delayed.add(queue_id)
            self.deferred += 1
        _, at, domain = recipient.partition("@")
        totals = self._to(domain.lower() if at else recipient)
        totals.deferrals += 1
        totals.longest = max(totals.longest, seconds(delay))
        self.deferral_reasons.add(shared_reason(text))

    def _to(self, domain: str) -> DomainTotals:
        totals = self.to_domains.get(domain)
        if totals is None:
            totals = self.to_domains[domain] = DomainTotals()
        return totals

    def _removed(self, program: str, queue_id: str, removed: Removed) -> None:
        self._sizes.pop(queue_id, None)
        self._clients.pop(queue_id, None)
        self._delayed.discard(queue_id)


SUMS = (
    *("received", "delivered", "forwarded", "deferred", "deferrals", "bounced", "rejected"),
    *("reject_warnings", "held", "discarded", "bytes_received", "bytes_delivered"),
)
"""The figures of Totals that can be added."""


def host_sums(every: Iterable[Totals], handovers: Handovers) -> dict[str, int]:
    """Return the sums of all instances; a message that one handed to another counts once."""
    found = list(every)
    sums = {name: sum(getattr(totals, name) for totals in found) for name in SUMS}
    sums["received"] -= handovers.messages
    sums["bytes_received"] -= handovers.bytes_received
    sums["delivered"] -= handovers.deliveries
    sums["bytes_delivered"] -= handovers.bytes_delivered
    return sums


def quantiles(delays: Counter[str], parts: Sequence[float]) -> list[float]:
    """Return the values below which these ``parts`` (0 to 1) of ``delays`` are, 0 for none."""
    ordered = sorted((seconds(text), count) for text, count in delays.items())
    ranks = list(accumulate(count for _, count in ordered))
    if not ranks:
        return [0.0] * len(parts)
    return [ordered[bisect_left(ranks, part * ranks[-1])][0] for part in parts]


def _lowered(address: str) -> str:
    """Return an address with its domain in lower case."""
    local, at, domain = address.partition("@")
    return f"{local}@{domain.lower()}" if at else address


def _domain_of(client: str) -> str:
    """Return the domain of a client ``host.example.com[192.0.2.1]``, or its address."""
    found = _HOST.match(client)
    if not found:
        return client
    host, address = found.groups()
    if host in {"", "unknown"}:
        return address
    parts = _TOP_LEVEL.fullmatch(host)
    return f"{parts[2]}.{parts[3]}".lower() if parts else host
