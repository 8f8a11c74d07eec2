"""Which messages of a queue are meant by ``postwrap queue --ids``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postwrap.queues.model import NULL_SENDER, Queued, Recipient


@dataclass(frozen=True, slots=True)
class Selection:
    """What a message must have; "" and None ask for nothing.

    ``to`` is a domain, or an address, of one of its recipients; ``sender`` its sender, <> for the
    null sender; ``older`` an age in seconds; ``reason`` a part of why one of its recipients was not
    delivered to. Case does not matter. Where ``to`` and ``reason`` are given, one recipient must
    have both. Messages in maildrop are never meant: they get their queue ID when they are picked
    up, and postsuper(1) does not look there unless it is told to.
    """

    to: str = ""
    sender: str = ""
    older: int | None = None
    reason: str = ""

    def of(self, messages: Iterable[Queued], now: float) -> Iterator[Queued]:
        """Yield those of ``messages`` that are meant."""
        return (message for message in messages if self._means(message, now))

    def _means(self, message: Queued, now: float) -> bool:
        if message.queue == "maildrop":
            return False
        if self.older is not None and now - message.arrival < self.older:
            return False
        if self.sender and message.sender.lower() != self._wanted_sender:
            return False
        if not (self.to or self.reason):
            return True
        return any(map(self._means_recipient, message.recipients))

    @property
    def _wanted_sender(self) -> str:
        sender = self.sender.removeprefix("<").removesuffix(">")
        return (sender or NULL_SENDER).lower()

    def _means_recipient(self, recipient: Recipient) -> bool:
        if self.reason.lower() not in recipient.reason.lower():
            return False
        to = self.to.removeprefix("@").lower()
        return not to or to == (recipient.address.lower() if "@" in to else recipient.domain)
