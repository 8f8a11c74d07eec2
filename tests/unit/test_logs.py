"""Lines of the mail log: whose they are, and which message they tell of."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postwrap.host.naming import Instance
from postwrap.logs.attempts import tell_attempts
from postwrap.logs.events import event_of
from postwrap.logs.filters import filtered
from postwrap.logs.lines import parse, time_of
from postwrap.logs.moments import moment_of
from postwrap.logs.records import Removed, record_of
from postwrap.logs.story import stories
from postwrap.logs.tags import Tags
from postwrap.logs.telling import period, sentence, verdicts
from postwrap.logs.way import Found, Key, Links, Passage, Trail, Words, trace

NOW = datetime(2026, 1, 2, 12, 0, 0)
DEFAULT = Instance("/etc/postfix", "-default", is_default=True)
OUT = Instance("/etc/postfix-out", "-out", parameters={"syslog_name": "postfix-out"})


@pytest.mark.parametrize(
    ("text", "moment"),
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
def test_the_time(text: str, moment: datetime) -> None:
    line = parse(f"{text} postfix/qmgr[7]: 4A5B6C: removed")
    assert line
    assert (line.tag, line.pid, line.queue_id) == ("postfix/qmgr", 7, "4A5B6C")
    assert time_of(line, NOW) == moment


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
    return [f"Jan  2 11:00:{n % 60:02} mail {text}" for n, text in enumerate(texts)]


def found(texts: list[str], what: str) -> list[tuple[str, str, int]]:
    """The stays that trace finds in a log: instance, queue ID, how many lines."""
    told, _ = searched(texts, what)
    return [(stay.instance.name, stay.queue_id, len(stay.lines)) for stay in told]


def searched(texts: list[str], what: str) -> tuple[list[Passage], Links]:
    """The stays, with the attempts before them; addresses 10.* are the host's."""
    tags = Tags([DEFAULT, OUT], {})

    def search(wanted: Words, known: Container[Key]) -> Iterator[Found]:
        assert all(wanted.words)
        for number, text in enumerate(texts):
            where = text.lower() if wanted.ignores_case else text
            words = {w.lower() for w in wanted.words} if wanted.ignores_case else wanted.words
            if any(word in where for word in words):
                for instance, line in tags.owned([text]):
                    if (0, 0, number) not in known:
                        yield Found((0, 0, number), 0, instance, line)

    links = Links(lambda address: address.startswith("10."))
    told = trace(search, Trail(what, links))
    tell_attempts(search, told)
    return told, links


def test_a_message_is_followed_by_its_message_id() -> None:
    told = stays(
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m1@x>",
        "postfix/cleanup[1]: 1BBBBBB: message-id=<m2@x>",
        "postfix-out/cleanup[2]: 2CCCCCC: message-id=<m1@x>",
        "postfix/smtp[1]: 1AAAAAA: to=<Bob@far.example>, "
        "relay=o[10.0.0.1]:25, delay=1, dsn=2.0.0, status=sent (250 Ok: queued as 2CCCCCC)",
        "postfix-out/smtp[2]: 2CCCCCC: to=<bob@far.example>, "
        "relay=none, delay=1, dsn=5.0.0, status=bounced (no)",
        "postfix-out/bounce[2]: 2CCCCCC: sender non-delivery notification: 2DDDDDD",
        "postfix-out/cleanup[2]: 2DDDDDD: message-id=<m3@x>",
        "postfix-out/qmgr[2]: 2DDDDDD: from=<>, size=1, nrcpt=1 (queue active)",
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


def delivered(queue_id: str, relay: str, other: str, tag: str = "postfix") -> str:
    return (
        f"{tag}/smtp[1]: {queue_id}: to=<b@y>, relay={relay}, delay=1, delays=0/0/0/1, "
        f"dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {other})"
    )


def test_what_was_handed_on_is_followed_where_the_message_id_changes() -> None:
    told = stays(
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m1@x>",
        "postfix-out/cleanup[2]: 2CCCCCC: message-id=<m2@x>",
        delivered("1AAAAAA", "out[10.0.0.1]:25", "2CCCCCC"),
        "postfix/local[1]: 2CCCCCC: to=<b@y>, relay=local, delay=1, dsn=2.0.0, "
        "status=sent (forwarded as 2DDDDDD)",
        "postfix/cleanup[1]: 2DDDDDD: message-id=<m3@x>",
    )
    whole = [("default", "1AAAAAA", 2), ("out", "2CCCCCC", 1)]
    for what in ("1AAAAAA", "2CCCCCC", "m1@x", "m2@x"):
        assert [stay for stay in found(told, what) if stay[1] != "2DDDDDD"][:2] == whole, what


def test_what_a_server_elsewhere_says_of_queue_ids_joins_nothing() -> None:
    told = stays(
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m1@x>",
        "postfix/cleanup[1]: 1BBBBBB: message-id=<victim@x>",
        delivered("1AAAAAA", "mx.evil.example[192.0.2.1]:25", "1BBBBBB"),
    )
    assert found(told, "victim@x") == found(told, "1BBBBBB") == [("default", "1BBBBBB", 1)]
    assert found(told, "1AAAAAA") == [("default", "1AAAAAA", 2)]


EVIL = 'from=<"message-id=<victim@x> 1BBBBBB: "@evil.example>'


@pytest.mark.parametrize(
    "forged",
    [
        f"qmgr[1]: 1AAAAAA: {EVIL}, size=1, nrcpt=1 (queue active)",
        "cleanup[1]: 1AAAAAA: message-id=<own@evil.example> message-id=<victim@x>",
        "cleanup[1]: 1AAAAAA: resent-message-id=<victim@x>",
        (
            "cleanup[1]: 1AAAAAA: hold: header Subject: message-id=<victim@x> from x[192.0.2.1]; "
            "from=<victim@x> to=<victim@x>: from y[192.0.2.2]; from=<a@b> to=<b@y> proto=ESMTP "
            "helo=<x>"
        ),
        (
            'smtp[1]: 1AAAAAA: to=<"a>, orig_to=<victim@x>, relay=10.0.0.1[10.0.0.1]:25, delay=1, '
            'dsn=2.0.0, status=sent (queued as 1BBBBBB)"@evil.example>, relay=evil[192.0.2.1]:25, '
            "delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (host evil[192.0.2.1] said: 450 "
            "to=<victim@x>, relay=local, delay=1, dsn=2.0.0, status=sent (forwarded as 1BBBBBB))"
        ),
        "smtp[1]: 1AAAAAA: host evil[192.0.2.1] said: sender non-delivery notification: 1BBBBBB",
        (
            f"smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 no; {EVIL} to=<b@y> "
            "proto=ESMTP helo=<; from=<victim@x> to=<victim@x>>"
        ),
        (
            "smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 <message-id=<victim@x>>: Helo "
            "command rejected: no; from=<a@x> to=<b@y> proto=ESMTP helo=<message-id=<victim@x>>"
        ),
        "smtpd[1]: 1AAAAAA: client=x[192.0.2.1], orig_queue_id=1BBBBBB, orig_client=x[192.0.2.1]",
    ],
)
def test_what_a_stranger_writes_joins_no_message_of_others(forged: str) -> None:
    told = stays(
        "postfix/cleanup[1]: 1BBBBBB: message-id=<victim@x>",
        "postfix/qmgr[1]: 1BBBBBB: from=<w@x>, size=1, nrcpt=1 (queue active)",
        f"postfix/{forged}",
    )
    for what in ("victim@x", "1BBBBBB", "w@x"):
        assert found(told, what) == [("default", "1BBBBBB", 2)], what


def test_a_chain_of_message_ids_is_no_chain_of_messages() -> None:
    told = stays(
        *(
            f"postfix/cleanup[1]: {n:07X}: message-id=<m{m}@x>"
            for n in range(200)
            for m in (n, n + 1)
        )
    )
    assert found(told, "m7@x") == [("default", "0000006", 2), ("default", "0000007", 2)]
    assert found(told, "0000007") == [("default", "0000007", 2)]


AMAVIS = (
    "(01234-05) Passed CLEAN {RelayedOutbound}, LOCAL [127.0.0.1]:40000 [192.0.2.9] <a@x> -> "
    "<b@y>, Queue-ID: 1AAAAAA, Message-ID: <m1@x>, mail_id: Ab-cd, Hits: -, size: 9, "
    "queued_as: 1CCCCCC, 120 ms"
)
EVIL_SENDER = '<"x, Queue-ID: 1BBBBBB, "@x>'
RSPAMD = (
    "<8c14e4>; task; rspamd_task_write_log: id: <m1@x>, qid: <1AAAAAA>, ip: 192.0.2.9, from: "
    "<a@x>, (default: F (no action): [1.10/15.00] [X]), len: 9, time: 12.0ms"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"amavis[9]: {AMAVIS.replace('Queue-ID: 1AAAAAA, ', '')}",
            ("amavis", "", "1CCCCCC", "m1@x", "Passed CLEAN"),
        ),
        (f"amavis[9]: {AMAVIS}", ("amavis", "1AAAAAA", "1CCCCCC", "m1@x", "Passed CLEAN")),
        (f"rspamd[9]: {RSPAMD}", ("rspamd", "1AAAAAA", "", "m1@x", "no action [1.10/15.00]")),
        (f"amavis[9]: {AMAVIS.replace('<a@x>', EVIL_SENDER)}", None),
        (f"rspamd[9]: {RSPAMD.replace('m1@x', 'm1@x>, qid: <1BBBBBB')}", None),
        (
            "rspamd[9]: " + RSPAMD.replace("<a@x>", '<"(x: F (greylist): [1/2])"@x>'),
            ("rspamd", "1AAAAAA", "", "m1@x", "no action [1.10/15.00]"),
        ),
        (f"postfix/smtp[9]: {AMAVIS}", None),
        ("amavis[9]: (01234-05) TIMING", None),
    ],
)
def test_what_a_filter_says(text: str, said: tuple[str, ...] | None) -> None:
    line = parse(f"Jan  2 11:00:00 mail {text}")
    assert line
    assert filtered(line) == said


def test_attempts_are_those_of_the_process_that_delivers() -> None:
    told = stays(
        "postfix/smtp[7]: connect to a[192.0.2.1]:25: Connection refused",
        "postfix/smtp[8]: connect to b[192.0.2.2]:25: Connection refused",
        delivered("1BBBBBB", "mx[192.0.2.3]:25", "X").replace("[1]", "[8]"),
        "postfix/smtp[8]: connect to c[192.0.2.4]:25: Connection timed out",
        delivered("1AAAAAA", "mx[192.0.2.3]:25", "X").replace("[1]", "[8]"),
        "postfix/smtp[8]: connect to d[192.0.2.5]:25: Connection timed out",
    )
    found, _ = searched(told, "1AAAAAA")
    assert [line.message[:12] for stay in found for line in stay.attempts] == ["connect to c"]


def test_what_a_process_has_logged_is_read_only_after_a_failure_to_connect() -> None:
    told = stays(*(delivered(f"1{n:06}", "mx[192.0.2.3]:25", "X") for n in range(20)))
    asked: list[Words] = []

    def search(wanted: Words, known: Container[Key]) -> Iterator[Found]:
        asked.append(wanted)
        return iter(())

    found, _ = searched(told, "1000003")
    tell_attempts(search, found)
    assert [wanted.words for wanted in asked] == [{"postfix/smtp[1]: connect to "}]


@pytest.mark.parametrize("words", ["removed", "removed (canceled)"])
def test_a_queue_file_that_is_gone(words: str) -> None:
    assert isinstance(record_of(words), Removed)


def test_a_story_is_told_of_each_message_that_came_from_outside() -> None:
    """Two messages with one Message-ID; a filter hands one back and does not say so."""
    told = stays(
        "postfix/smtpd[1]: 1AAAAAA: client=x[192.0.2.1]",
        "postfix/cleanup[1]: 1AAAAAA: message-id=<m@x>",
        delivered("1AAAAAA", "f[10.0.0.1]:10024", "?").replace("queued as ?", "kept"),
        "postfix/smtpd[1]: 1BBBBBB: client=f[10.0.0.1]",
        "postfix/cleanup[1]: 1BBBBBB: message-id=<m@x>",
        delivered("1BBBBBB", "mx[192.0.2.3]:25", "X"),
        "postfix/smtpd[1]: 1CCCCCC: client=x[192.0.2.2]",
        "postfix/cleanup[1]: 1CCCCCC: message-id=<m@x>",
    )
    found, links = searched(told, "m@x")
    made = stories(found, links)
    assert [[stay.queue_id for stay in story.stays] for story in made] == [
        ["1AAAAAA", "1BBBBBB"],
        ["1CCCCCC"],
    ]
    assert [(end.state, end.recipients) for end in verdicts(made[0])] == [("delivered", ("b@y",))]
    (still,) = verdicts(made[1])
    assert sentence(still) == "still in default's queue"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.123, "0.12 s"),
        (9.9, "9.9 s"),
        (12.4, "12 s"),
        (252, "4 min 12 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (3700, "1 h 1 min"),
        (432_000, "5 d"),
    ],
)
def test_a_span_of_time(seconds: float, said: str) -> None:
    assert period(seconds) == said


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01", datetime(2026, 1, 1)),
        ("2026-01-01 14:05", datetime(2026, 1, 1, 14, 5)),
        ("9:30", datetime(2026, 1, 2, 9, 30)),
        ("today", datetime(2026, 1, 2)),
        ("yesterday", datetime(2026, 1, 1)),
        ("2h", datetime(2026, 1, 2, 10)),
        ("90 min ago", datetime(2026, 1, 2, 10, 30)),
        *((text, None) for text in ("", "soon", "25:00", "2026-13-01", "h", "-1h")),
        ("999999d", None),
    ],
)
def test_a_time_as_a_person_writes_it(text: str, moment: datetime | None) -> None:
    assert moment_of(text, NOW) == moment


WORDS = [*'<>"\\,;:= @[]()1Aax', "to=<", ">, ", "relay=", "from=<", "message-id=<"]
LINES = st.lists(st.sampled_from(WORDS), max_size=60).map("".join)


@settings(deadline=None)
@given(LINES)
def test_no_line_is_too_odd(text: str) -> None:
    for program in ("smtpd", "smtp", "cleanup", "qmgr", "amavis"):
        for before in ("1AAAAAA: ", "1AAAAAA: to=<", "NOQUEUE: reject: RCPT from x[1]: ", ""):
            line = parse(f"Jan  2 11:00:00 mail postfix/{program}[1]: {before}{text}")
            if line:
                event_of(line)
                filtered(line)


UNITS = (
    '"a',
    "\\",
    "; from=<",
    '"; from=<',
    "to=<>, ",
    " -> <a>",
    "<a>,",
    "(",
    "- ",
    ". from a[1]",
)
STARTS = ("1AAAAAA: to=<", "NOQUEUE: reject: RCPT from x[1]: ", "1AAAAAA: hold: header ", "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_line_costs_linear_time(unit: str) -> None:
    """No pattern goes back again and again over what a stranger wrote: that would take hours."""
    for before in STARTS:
        for head in ("postfix/smtpd[1]: ", "amavis[1]: (1-1) Passed CLEAN ", "rspamd[1]: ; "):
            line = parse(f"Jan  2 11:00:00 mail {head}{before}{unit * (60_000 // len(unit))}")
            assert line
            began = time.process_time()
            event_of(line)
            filtered(line)
            assert time.process_time() - began < 5, (head, before)
