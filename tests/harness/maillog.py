"""A mail log of any length, as Postfix writes it: messages of several instances, mixed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYbcdfghjklmnpqrstvwxy"
DEFERRALS = (
    "connect to mx{}.far.example[192.0.2.{}]:25: Connection timed out",
    "host mx{}.far.example[192.0.2.{}] said: 450 4.2.0 Greylisted (in reply to RCPT TO command)",
)
REFUSALS = (
    "reject: RCPT from unknown[192.0.2.9]: 454 4.7.1 <x@far.example>: Relay access denied; from=<>",
    "reject_warning: RCPT from a.example[192.0.2.8]: 550 5.1.1 <y@c.example>: unknown; from=<>",
    "hold: RCPT from a.example[192.0.2.8]: <z>: triggers HOLD action; from=<a@b.example>",
    "discard: RCPT from a.example[192.0.2.8]: <z>: triggers DISCARD action; from=<a@b.example>",
)
CONTENT = (
    "reject: header Subject: x from a.example[192.0.2.8]; from=<a@b.example> to=<c@d.example>",
    "milter-reject: END-OF-MESSAGE from a.example[192.0.2.8]: 5.7.1 no; from=<a@b.example>",
    "warning: body y from local; from=<a@b.example> to=<c@d.example>",
    "hold: header X-A: b from local; from=<a@b.example> to=<c@d.example>",
    "discard: body z from local; from=<a@b.example> to=<c@d.example>",
)


def lines(number: int, tags: Sequence[str], *, seed: int = 1) -> Iterator[str]:
    """So many lines of instances that log under these names; the same for one seed."""
    chance = random.Random(seed)
    clock = datetime(2026, 3, 1, 8)
    numbers = count(1)
    pending = [_life(chance, numbers) for _ in range(4 * len(tags))]
    owners = [tags[n % len(tags)] for n in range(len(pending))]
    for _ in range(number):
        turn = chance.randrange(len(pending))
        said = next(pending[turn], None)
        if said is None:
            pending[turn] = _life(chance, numbers)
            said = next(pending[turn])
        clock += timedelta(seconds=chance.random() * 0.05)
        program, message = said
        stamp = f"{clock:%b} {clock.day:2d} {clock:%H:%M:%S}"
        yield f"{stamp} mail {owners[turn]}/{program}[{1000 + turn}]: {message}"


def queue_id(number: int) -> str:
    """A long queue ID; each number has its own."""
    digits = ""
    while number:
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return f"4b{digits.rjust(8, '0')}z2v"


def _life(chance: random.Random, numbers: Iterator[int]) -> Iterator[tuple[str, str]]:
    """What a message's life says, or that of a client without one."""
    own = queue_id(next(numbers))
    size, domain = chance.randrange(300, 90_000), f"D{chance.randrange(200)}.Example"
    kind = chance.random()
    sender = "" if kind < 0.05 else f"u{chance.randrange(500)}@{domain}"
    client = f"host{chance.randrange(50)}.{domain}[192.0.2.{chance.randrange(200)}]"
    if kind < 0.15:
        yield "smtpd", f"connect from {client}"
        yield "smtpd", f"NOQUEUE: {chance.choice(REFUSALS)}"
        yield "smtpd", "warning: hostname x.example does not resolve to address 192.0.2.1"
        yield "smtpd", f"disconnect from {client} ehlo=1 mail=1 rcpt=0/1 commands=2/3"
        return
    if kind < 0.3:
        yield "pickup", f"{own}: uid=1000 from=<app>"
    else:
        yield "smtpd", f"connect from {client}"
        yield "smtpd", f"{own}: client={client}"
    yield "cleanup", f"{own}: message-id=<{own}@{domain}>"
    if kind < 0.33:
        yield "cleanup", f"{own}: {chance.choice(CONTENT)}"
    yield "qmgr", f"{own}: from=<{sender}>, size={size}, nrcpt=1 (queue active)"
    for number in range(chance.randrange(1, 4)):
        yield from _recipient(chance, own, sender, size, f"R{number}@D{chance.randrange(300)}.Net")
    yield "qmgr", f"{own}: removed"
    yield "smtpd", f"disconnect from {client} ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"


def _recipient(
    chance: random.Random, own: str, sender: str, size: int, to: str
) -> Iterator[tuple[str, str]]:
    """How one recipient fares."""
    delay = f"{chance.random() * 9:.2f}"
    begin = (
        f"{own}: to=<{to}>, relay=mx.x[192.0.2.1]:25, delay={delay}, delays=0.1/0.02/1/{delay}, "
    )
    kind = chance.random()
    if kind < 0.1:
        said = chance.choice(DEFERRALS).format(chance.randrange(9), chance.randrange(200))
        yield "smtp", f"{begin}dsn=4.4.1, status=deferred ({said})"
        yield "qmgr", f"{own}: from=<{sender}>, size={size}, nrcpt=1 (queue active)"
    if kind < 0.15:
        said = "host mx.x[192.0.2.1] said: 550 5.1.1 <x>: unknown (in reply to RCPT TO command)"
        yield "smtp", f"{begin}dsn=5.1.1, status=bounced ({said})"
    elif kind < 0.2:
        words = f"{begin}dsn=2.0.0, status=sent (forwarded as {own})"
        yield "local", words.replace("relay=mx.x[192.0.2.1]:25", "relay=local")
    else:
        yield "smtp", f"{begin}dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as X{own})"
