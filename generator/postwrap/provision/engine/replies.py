"""What the replies of an SMTP server tell of the instance behind it. Pure.

RFC 5321, 4.2; the codes that smtpd(8) gives for its own troubles are those of smtpd_proto and
postconf(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

_BROKEN = frozenset({421, 451, 452, 454})
"""The server itself cannot: no milter, no table, no disk, no TLS."""
_FOR_STRANGERS = frozenset({450, 530, 535, 538, 550, 553, 554})
"""Policy: wait, log in or use TLS first, or this client or this recipient is refused."""
_NOBODY_RELAYED = "relay access denied"
"""What smtpd(8) says of a recipient that it is not to take from this client."""


class ReplyVerdict(Enum):
    """What a reply means for the proof."""

    GOOD = "good"
    POLICY = "policy"
    """It works, and takes no mail of this kind from this client."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to ``command``: EHLO, MAIL, RCPT, RSET."""

    command: str
    code: int
    text: str

    def __str__(self) -> str:
        """As it is told: ``451 4.7.1 Service unavailable (to MAIL)``."""
        return f"{self.code} {' '.join(self.text.split())} (to {self.command})"

    @property
    def wants_tls(self) -> bool:
        """Whether nothing is taken before STARTTLS: RFC 3207, 4."""
        return self.code == 530 and "starttls" in self.text.lower()


def verdict(reply: Reply, *, must: bool) -> ReplyVerdict:
    """Return what ``reply`` means; ``must``: the sender and the recipient may not be refused."""
    if 200 <= reply.code < 300:
        return ReplyVerdict.GOOD
    if must or reply.code in _BROKEN or reply.command not in {"MAIL", "RCPT"}:
        return ReplyVerdict.REFUSED
    is_closed = _NOBODY_RELAYED in reply.text.lower()
    is_policy = reply.code in _FOR_STRANGERS and not is_closed
    return ReplyVerdict.POLICY if is_policy else ReplyVerdict.REFUSED
