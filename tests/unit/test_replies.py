"""What replies to a transaction tell of the instance."""

from __future__ import annotations

import pytest

from postwrap.provision.engine.replies import Reply, ReplyVerdict, verdict


@pytest.mark.parametrize(
    ("command", "code", "text", "public", "strict"),
    [
        ("EHLO", 250, "mail.example.com", ReplyVerdict.GOOD, ReplyVerdict.GOOD),
        ("RCPT", 250, "2.1.5 Ok", ReplyVerdict.GOOD, ReplyVerdict.GOOD),
        # What is broken is broken for everybody.
        ("MAIL", 451, "4.7.1 Service unavailable - try again later", ReplyVerdict.REFUSED, None),
        ("RCPT", 451, "4.3.0 Temporary lookup failure", ReplyVerdict.REFUSED, None),
        ("RCPT", 421, "4.3.0 error", ReplyVerdict.REFUSED, None),
        ("MAIL", 452, "4.3.1 Insufficient system storage", ReplyVerdict.REFUSED, None),
        ("STARTTLS", 454, "4.7.0 TLS not available", ReplyVerdict.REFUSED, None),
        ("EHLO", 550, "5.7.1 no", ReplyVerdict.REFUSED, None),
        ("RSET", 500, "5.5.2 what", ReplyVerdict.REFUSED, None),
        ("RCPT", 554, "5.7.1 <a@b>: Relay access denied", ReplyVerdict.REFUSED, None),
        ("RCPT", 454, "4.7.1 <a@b>: Relay access denied", ReplyVerdict.REFUSED, None),
        # Who takes mail from strangers may refuse this host's.
        ("RCPT", 450, "4.2.0 greylisted", ReplyVerdict.POLICY, None),
        ("MAIL", 530, "5.7.0 Authentication required", ReplyVerdict.POLICY, None),
        ("RCPT", 554, "5.7.1 <x[127.0.0.1]>: Client host rejected", ReplyVerdict.POLICY, None),
        ("RCPT", 550, "5.1.1 User unknown", ReplyVerdict.POLICY, None),
    ],
)
def test_each_reply_is_judged(
    command: str, code: int, text: str, public: ReplyVerdict, strict: ReplyVerdict | None
) -> None:
    reply = Reply(command, code, text)
    assert verdict(reply, must=False) is public
    assert verdict(reply, must=True) is (strict or ReplyVerdict.REFUSED)


def test_a_reply_is_told_with_its_command() -> None:
    reply = Reply("RCPT", 451, "4.3.0\nTemporary  failure")
    assert str(reply) == "451 4.3.0 Temporary failure (to RCPT)"


def test_tls_first() -> None:
    assert Reply("MAIL", 530, "5.7.0 Must issue a STARTTLS command first").wants_tls
    assert not Reply("MAIL", 530, "5.7.0 Authentication required").wants_tls
