"""Totals of a log beside what pflogsumm counts, line by line, and messages between instances."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.harness import maillog

from postwrap.cli import stats_text
from postwrap.host.naming import Instance
from postwrap.logs.events import event_of
from postwrap.logs.fast import blocks_of, feed, from_on
from postwrap.logs.lines import parse
from postwrap.logs.tags import Tags
from postwrap.logs.totals import SUMS, Handovers, Totals, host_sums, quantiles
from postwrap.metrics import log
from postwrap.metrics.values import Values

NOW = datetime(2026, 6, 1, 12)


def totals(*said: tuple[str, str]) -> Totals:
    own = Totals()
    for program, message in said:
        take(own, program, message)
    return own


def take(own: Totals, program: str, message: str) -> None:
    """Have ``own`` take a line of ``program``, as feed does."""
    line = parse(f"Mar  1 08:00:00 mail postfix/{program}[1]: {message}")
    if line and line.about:
        own.take(program, line.about, line.told)


def sent(queue_id: str, to: str, rest: str = "(250 2.0.0 Ok)") -> tuple[str, str]:
    words = "relay=mx[192.0.2.1]:25, delay=3, delays=1/0.5/0.5/1, dsn=2.0.0, status=sent"
    return "smtp", f"{queue_id}: to=<{to}>, {words} {rest}"


def test_a_message_from_beginning_to_end() -> None:
    own = totals(
        ("smtpd", "4A000001: client=host.Example.com[192.0.2.1], sasl_method=PLAIN"),
        ("qmgr", "4A000001: from=<U@Example.COM>, size=100, nrcpt=2 (queue active)"),
        sent("4A000001", "x@Far.Example"),
        ("qmgr", "4A000001: from=<U@Example.COM>, size=100, nrcpt=2 (queue active)"),
        sent("4A000001", "y@far.example"),
        ("qmgr", "4A000001: removed"),
    )
    assert (own.received, own.delivered) == (1, 2)
    assert (own.bytes_received, own.bytes_delivered) == (100, 200)
    assert own.senders == {"U@example.com"}
    assert own.to_domains["far.example"].messages == 2
    assert own.from_domains["example.com"].messages == 1
    assert quantiles(own.delays()[0], (0.5, 1.0)) == [1.0, 1.0]


def test_a_queue_id_that_comes_again_is_another_message() -> None:
    message = (
        ("pickup", "4A000001: uid=0 from=<root>"),
        ("qmgr", "4A000001: from=<root@a>, size=10, nrcpt=1 (queue active)"),
        ("qmgr", "4A000001: removed"),
    )
    assert totals(*message, *message).bytes_received == 20


@pytest.mark.parametrize(
    ("program", "message", "figure"),
    [
        ("smtpd", "NOQUEUE: reject: RCPT from a[192.0.2.1]: 554 no; from=<>", "rejected"),
        ("smtpd", "4A000001: hold: RCPT from a[192.0.2.1]: <x>: hold; from=<>", "held"),
        ("postscreen", "NOQUEUE: reject: RCPT from [192.0.2.1]:1: 550 no", "rejected"),
        ("cleanup", "4A000001: milter-reject: END-OF-MESSAGE from a[::1]: x; from=<>", "rejected"),
        ("cleanup", "4A000001: warning: header Subject: x from local; from=<>", "reject_warnings"),
        ("cleanup", "4A000001: discard: body x from local; from=<>", "discarded"),
        ("smtpd", "warning: 4A000001: client=x", None),
        ("anvil", "statistics: max connection rate 1/60s", None),
        ("smtpd", "NOQUEUE: filter: RCPT from a[192.0.2.1]: <x>: y", None),
    ],
)
def test_what_is_refused(program: str, message: str, figure: str | None) -> None:
    own = totals((program, message))
    assert {n: getattr(own, n) for n in SUMS if getattr(own, n)} == ({figure: 1} if figure else {})


@pytest.mark.parametrize("early", [False, True])
def test_a_message_between_instances_is_one_of_the_host(early: bool) -> None:
    """Also where the log of the receiving one is read later."""
    handovers = Handovers()
    one, other = Totals("/etc/postfix", handovers), Totals("/etc/postfix-out", handovers)
    first = [
        ("pickup", "4A000001: uid=0 from=<root>"),
        ("qmgr", "4A000001: from=<root@a>, size=10, nrcpt=2 (queue active)"),
        sent("4A000001", "x@b", "(250 2.0.0 Ok: queued as 4B000001)"),
        sent("4A000001", "y@b", "(250 2.0.0 Ok: queued as 4B000001)"),
        sent("4A000001", "z@c", "(250 2.0.0 Ok: queued as 4F000001)"),
    ]
    second = [
        ("smtpd", "4B000001: client=localhost[127.0.0.1]"),
        ("qmgr", "4B000001: from=<root@a>, size=12, nrcpt=2 (queue active)"),
        sent("4B000001", "x@b", "(250 2.0.0 Ok: queued as 4B000001)"),
        sent("4B000001", "y@b"),
        ("qmgr", "4B000001: removed"),
    ]
    for own, said in ((one, first), (other, second)) if early else ((other, second), (one, first)):
        for program, message in said:
            take(own, program, message)
    sums = host_sums((one, other), handovers)
    assert (sums["received"], sums["bytes_received"]) == (1, 10)
    assert (sums["delivered"], sums["bytes_delivered"]) == (3, 10 * 3 - 20 + 12 * 2)


def test_what_a_stranger_writes_in_an_address_is_not_counted() -> None:
    forged = (
        '"a>, relay=x[192.0.2.9]:25, delay=1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1B"'
    )
    words = "relay=mx[192.0.2.1]:25, delay=3, delays=1/0.5/0.5/1, dsn=4.0.0, status=deferred (busy)"
    own = totals(
        ("smtp", f"4A000001: to=<{forged}@far.example>, {words}"),
        ("smtpd", "improper command pipelining after DATA from x[192.0.2.1]: client=y[192.0.2.2]"),
        (
            "qmgr",
            '4A000001: from=<"b>, size=9, nrcpt=1 (queue active)"@x>, size=7, nrcpt=1 (queue a',
        ),
    )
    assert {n: getattr(own, n) for n in SUMS if getattr(own, n)} == {"deferred": 1, "deferrals": 1}


def test_a_line_that_was_cut_is_counted() -> None:
    """postlogd(8) cuts lines at 2000 bytes, and a server may say as much."""
    own = totals(sent("4A000001", "x@far.example", f"(250 {'x' * 1900}"))
    assert own.delivered == 1
    assert own.to_domains["far.example"].messages == 1


HUGE = "9" * 6000


@pytest.mark.parametrize(
    "message",
    [
        f"4A000001: from=<a@b>, size={HUGE}, nrcpt=1 (queue active)",
        f"4A000001: from=<a@b>, size=1, nrcpt={HUGE} (queue active)",
        f"4A000001: to=<a@b>, relay=x, delay={HUGE}, dsn=2.0.0, status=sent (x)",
        f"4A000001: to=<a@b>, relay=x, delay=1, delays=1/1/1/{HUGE}, dsn=2.0.0, status=sent (x)",
    ],
)
def test_a_number_of_any_length_stops_nobody(message: str) -> None:
    """Any user can write such a line by logger(1)."""
    assert parse(f"Mar  1 08:00:00 mail postfix/smtp[{HUGE}]: {message}") is None
    own = totals(("qmgr", message))
    assert host_sums([own], Handovers())["bytes_received"] == 0
    values = Values()
    line = parse(f"Mar  1 08:00:00 mail postfix/qmgr[1]: {message}")
    assert line
    log.count(values, "qmgr", line.about, line.told)
    log.count(values, "smtp", line.about, line.told)
    json.dumps(values.as_json(), allow_nan=False)
    assert event_of(line).delay in {None, 1.0}


@given(st.sampled_from(["smtpd", "cleanup", "qmgr", "smtp", "pickup"]), st.text(max_size=80))
def test_any_line_may_come(program: str, message: str) -> None:
    totals((program, message), (program, f"4A000001: {message}"), sent("4A000001", message))


def test_blocks_say_the_same_as_lines() -> None:
    names = ("postfix", "postfix-out")
    instances = [
        Instance("/etc/postfix", "-default", is_default=True),
        Instance("/etc/postfix-out", "-out", parameters={"syslog_name": "postfix-out"}),
    ]
    tags = Tags(instances, {})
    texts = [
        *maillog.lines(3000, names),
        "Mar  1 08:00:00 mail postfix/submission/smtpd[7]: 4bB1C2D3F4z5: client=x[192.0.2.1]",
        "Mar  1 08:00:00 mail postfix-out[7]: something of a script",
        "2026-03-01T08:00:00.123+01:00 mail postfix-out/relay/smtp[7]: x",
        "Mar  1 08:00:00 mail mail.info postfix/qmgr[7]: 4bB1C2D3F4z5: removed",
        "-- Journal begins --",
        "Mar  1 08:00:00 mail sshd[7]: x",
    ]
    fast: list[tuple[str, ...]] = []
    for instance in instances:
        feed(
            blocks_of(texts),
            lambda head, own=instance: (  # type: ignore[misc]
                (lambda *said: fast.append((own.name, *said))) if tags.owner(head) == own else None
            ),
        )
    slow = [
        (owner.name, line.tag.partition("/")[2].rpartition("/")[2], line.about, line.told)
        for text in texts
        if (line := parse(text)) and (owner := tags.owner(line.tag)) and line.about
        if not line.told.startswith("message-id=")
    ]
    assert Counter(fast) == Counter(slow)


def test_from_a_time_on() -> None:
    later = from_on(datetime(2026, 3, 1, 8, 30, 20), NOW)
    assert [later(f"Mar  1 08:30:{s}") for s in ("19", "20", "21")] == [False, True, True]
    assert not later("Mar  1 08:29:59")
    assert later("Mar  1 08:31:00")
    assert not later("2026-02-28T23:00:00")
    assert later("2026-03-01T08:31:00.5")


@pytest.mark.parametrize(
    ("parts", "values"),
    [((0.5,), [2.0]), ((0.95,), [9.0]), ((0.0, 1.0), [1.0, 9.0])],
)
def test_quantiles(parts: tuple[float, ...], values: list[float]) -> None:
    assert quantiles(Counter({"1": 4, "2": 4, "9": 2}), parts) == values
    assert quantiles(Counter(), (0.5,)) == [0.0]


def test_a_report_is_safe_for_a_terminal() -> None:
    own = totals(
        sent("4A000001", "x@evil\x1b[31m.example"),
        ("smtpd", "4A000001: client=\x1b]0;x\x07[192.0.2.1]"),
    )
    take(own, "qmgr", "4A000001: from=<a@\x1b[2J>, size=1, nrcpt=1 (queue active)")
    instance = Instance("/etc/postfix", "-default", is_default=True)
    lines = list(stats_text.lines([(instance, own)], None, None))
    assert all(line.isprintable() for line in lines)
    assert any("\\x1b[31m" in line for line in lines)
