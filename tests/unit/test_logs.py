"""Lines of the mail log: whose they are, and which message they tell of."""

from __future__ import annotations

from datetime import datetime

import pytest

from postwrap.instance import Instance
from postwrap.logs.lines import parse, time_of
from postwrap.logs.tags import Tags
from postwrap.logs.way import trace

NOW = datetime(2026, 1, 2, 12, 0, 0)
DEFAULT = Instance("/etc/postfix", "-default", is_default=True)
OUT = Instance("/etc/postfix-out", "-out", parameters={"syslog_name": "postfix-out"})


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Jan  2 11:00:00 mail", datetime(2026, 1, 2, 11)),
        ("Jan  2 11:00:00 mail mail.info", datetime(2026, 1, 2, 11)),
        ("Jan  3 11:00:00 mail", datetime(2026, 1, 3, 11)),
        ("Jan  4 11:00:00 mail", datetime(2025, 1, 4, 11)),
        ("Dec 31 23:59:59 mail", datetime(2025, 12, 31, 23, 59, 59)),
        ("Feb 29 10:00:00 mail", datetime(2024, 2, 29, 10)),
        ("2026-01-02T11:00:00.5 mail", datetime(2026, 1, 2, 11, 0, 0, 500_000)),
    ],
)
def test_the_time(text: str, time: datetime) -> None:
    line = parse(f"{text} postfix/qmgr[7]: 4A5B6C: removed")
    assert line
    assert (line.tag, line.pid, line.queue_id) == ("postfix/qmgr", 7, "4A5B6C")
    assert time_of(line, NOW) == time


def test_a_time_elsewhere_is_told_in_local_time() -> None:
    ours = datetime(2026, 1, 2, 11).astimezone()
    line = parse(f"{ours.isoformat()} mail postfix/qmgr[7]: x")
    assert line
    assert time_of(line, NOW) == datetime(2026, 1, 2, 11)


@pytest.mark.parametrize(
    ("message", "queue_id"),
    [
        ("884C410FA: client=localhost[127.0.0.1]", "884C410FA"),
        ("4bX8nT0ckzz3Jq: from=<a@b>, size=1", "4bX8nT0ckzz3Jq"),
        ("warning: hostname x does not resolve", ""),
        ("NOQUEUE: reject: RCPT from unknown[10.0.0.9]", ""),
        ("disconnect from localhost[127.0.0.1] quit=1", ""),
        ("statistics: max cache size 1", ""),
    ],
)
def test_the_message_that_a_line_is_about(message: str, queue_id: str) -> None:
    line = parse(f"Jan  2 11:00:00 mail postfix/smtpd[7]: {message}")
    assert line
    assert (line.message, line.queue_id) == (message, queue_id)


@pytest.mark.parametrize("text", ["", "-- No entries --", "2 Jan 11:00:00 h t: m", "\udcff"])
def test_what_is_no_line(text: str) -> None:
    assert parse(text) is None


def test_whose_a_tag_is() -> None:
    odd = Instance("/etc/postfix-odd", "-odd", parameters={"multi_instance_name": "postfix-o"})
    overrides = {
        OUT.directory: ["postfix-out/submission", "back", "postfix/relay"],
        odd.directory: ["${multi_instance_name?{x}}/submission", "$syslog_name"],
    }
    tags = Tags([DEFAULT, OUT], overrides)
    owners = {tag: tags.owner(tag) for tag in ("postfix/smtpd", "postfix-out/relay/smtp", "back/x")}
    assert owners == {"postfix/smtpd": DEFAULT, "postfix-out/relay/smtp": OUT, "back/x": OUT}
    assert tags.owner("postfix-outer/smtpd") is None
    assert tags.owner("sshd") is None
    assert not tags.shared
    shared = Tags([DEFAULT, odd], overrides)
    assert shared.shared == [odd], "both are postfix"
    assert shared.owner("postfix-o/submission/smtpd") == odd


@pytest.mark.parametrize("stamp", ["Jan 99 11:00:00", "Xyz  2 11:00:00", "2026-13-01T11:00:00"])
def test_what_is_no_time_sorts_first(stamp: str) -> None:
    line = parse(f"{stamp} mail postfix/qmgr[7]: x")
    assert line
    assert time_of(line, NOW) == datetime.min


def stays(*texts: str) -> list[str]:
    """Such lines of a log; a line begins with its instance's tag."""
    return [f"Jan  2 11:00:0{n} mail {text}" for n, text in enumerate(texts)]


def found(texts: list[str], what: str) -> list[tuple[str, str, int]]:
    tags = Tags([DEFAULT, OUT], {})
    told = trace(lambda wanted: tags.owned(filter(wanted, texts)), what)
    return [(stay.instance.name, stay.queue_id, len(stay.lines)) for stay in told]


def test_a_message_is_followed_by_its_message_id() -> None:
    told = stays(
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m1@x>",
        "postfix/cleanup[1]: 1BBBBBB: message-id=<m2@x>",
        "postfix-out/cleanup[2]: 2CCCCCC: message-id=<m1@x>",
        "postfix/smtp[1]: 1AAAAAA: to=<Bob@far.example>, status=sent (queued as 2CCCCCC)",
        "postfix-out/smtp[2]: 2CCCCCC: to=<bob@far.example>, status=bounced (no)",
        "postfix-out/bounce[2]: 2CCCCCC: sender non-delivery notification: 2DDDDDD",
        "postfix-out/cleanup[2]: 2DDDDDD: message-id=<m3@x>",
        "postfix-out/qmgr[2]: 2DDDDDD: from=<>, size=1",
    )
    whole = [("default", "1AAAAAA", 2), ("out", "2CCCCCC", 3), ("out", "2DDDDDD", 2)]
    for what in ("1AAAAAA", "2CCCCCC", "m1@x", "<m1@x>", "bob@far.example", "<BOB@far.example>"):
        assert found(told, what) == whole, what
    assert found(told, "1BBBBBB") == [("default", "1BBBBBB", 1)]
    assert found(told, "2DDDDDD") == found(told, "<>") == [("out", "2DDDDDD", 2)]
    for what in ("", "nobody@x", "1AAAAA"):
        assert found(told, what) == [], what


def test_a_short_queue_id_comes_again() -> None:
    told = stays(
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m1@x>",
        "postfix/qmgr[1]: 1AAAAAA: removed",
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m2@x>",
    )
    assert found(told, "m1@x") == [("default", "1AAAAAA", 2)]
    assert found(told, "m2@x") == [("default", "1AAAAAA", 1)]
    assert found(told, "1AAAAAA") == [("default", "1AAAAAA", 2), ("default", "1AAAAAA", 1)]


def test_a_notice_is_the_one_of_that_time() -> None:
    """Its short queue ID was another message's before, and is again later."""
    told = stays(
        "postfix/cleanup[1]: 2DDDDDD: message-id=<m0@x>",
        "postfix/qmgr[1]: 2DDDDDD: removed",
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m1@x>",
        "postfix/bounce[1]: 1AAAAAA: sender non-delivery notification: 2DDDDDD",
        "postfix/cleanup[1]: 2DDDDDD: message-id=<m2@x>",
        "postfix/qmgr[1]: 2DDDDDD: removed",
        "postfix/cleanup[1]: 1BBBBBB: message-id=<m3@x>",
        "postfix/cleanup[1]: 2DDDDDD: message-id=<m4@x>",
    )
    assert found(told, "m1@x") == [("default", "1AAAAAA", 2), ("default", "2DDDDDD", 2)]


def test_what_was_refused_is_told() -> None:
    told = stays(
        "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[10.0.0.9]: 550; from=<a@x> to=<b@y>",
        "postfix-out/smtpd[1]: NOQUEUE: reject: RCPT from x[10.0.0.9]: 550; from=<a@x> to=<c@y>",
    )
    assert found(told, "b@y") == [("default", "", 1)]
    assert found(told, "a@x") == [("default", "", 1), ("out", "", 1)]
