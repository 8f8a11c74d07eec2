"""Reading a queue's listing, and the views of it: pure, from bytes to figures."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwrap.cli import display
from postwrap.queues.listing import Listing, PostqueueListing, ShowqListing
from postwrap.queues.model import QUEUES, Queued, Recipient
from postwrap.queues.reader import QueuePlace, read
from postwrap.queues.reasons import shared_reason
from postwrap.queues.selection import Selection
from postwrap.queues.tally import Tally
from postwrap.queues.views import AGES, Causes, Counts, Shape, Spread

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
TEXT = st.text(CHARACTERS, min_size=1, max_size=8)
MESSAGES = st.lists(
    st.builds(
        Queued,
        st.sampled_from(QUEUES),
        TEXT,
        st.integers(0, 2**31),
        st.integers(0, 2**40),
        st.text(CHARACTERS, max_size=8),
        st.lists(st.builds(Recipient, TEXT, st.one_of(st.just(""), TEXT)), max_size=3).map(tuple),
    ),
    max_size=6,
)


def as_showq(messages: list[Queued], *, reason: str = "reason", protocol: bool = True) -> bytes:
    """What showq(8) sends, as it was seen on Postfix 3.7 and 3.10."""
    out = b"protocol\0mail_queue_list_protocol\0\0" if protocol else b""
    for m in messages:
        words = ["queue_name", m.queue, "queue_id", m.queue_id, "time", str(m.arrival)]
        words += ["size", str(m.size), "forced_expire", "0", "sender", m.sender]
        for r in m.recipients:
            words += ["recipient", r.address]
            words += [reason, r.reason] if r.reason else []
        out += b"".join(w.encode() + b"\0" for w in words) + b"\0"
    return out + b"\0"


def as_postqueue(messages: list[Queued]) -> bytes:
    """What ``postqueue -j`` prints."""
    lines = []
    for m in messages:
        recipients = [
            {"address": r.address, **({"delay_reason": r.reason} if r.reason else {})}
            for r in m.recipients
        ]
        told = {
            "queue_name": m.queue,
            "queue_id": m.queue_id,
            "arrival_time": m.arrival,
            "message_size": m.size,
            "forced_expire": False,
            "sender": m.sender,
            "recipients": recipients,
        }
        lines.append(json.dumps(told, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def fed(listing: Listing, data: bytes, cuts: list[int]) -> list[Queued]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [m for start, end in pairwise(places) for m in listing.feed(data[start:end])]


@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=8), st.booleans())
def test_showq_is_read_wherever_it_is_cut(
    messages: list[Queued], cuts: list[int], protocol: bool
) -> None:
    data = as_showq(messages, protocol=protocol)
    listing = ShowqListing()
    assert fed(listing, data, cuts) == messages
    assert listing.is_complete


@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=8))
def test_postqueue_is_read_wherever_it_is_cut(messages: list[Queued], cuts: list[int]) -> None:
    listing = PostqueueListing()
    assert fed(listing, as_postqueue(messages), cuts) == messages
    assert listing.is_complete


def test_a_listing_that_ends_early_is_not_complete() -> None:
    message = Queued("deferred", "4jb42w5SCnz2v", 1, 2, "a@b", (Recipient("c@d", "why"),))
    data = as_showq([message, message])
    for end in range(len(data)):
        listing = ShowqListing()
        assert len(listing.feed(data[:end])) <= 2
        assert not listing.is_complete, data[:end]
    torn = PostqueueListing()
    torn.feed(as_postqueue([message])[:-1])
    assert not torn.is_complete


def test_the_reasons_of_bounces_are_reasons() -> None:
    message = Queued("active", "4jb42w5SCnz2v", 1, 2, "", (Recipient("c@d", "user unknown"),))
    assert ShowqListing().feed(as_showq([message], reason="bounce_reason")) == [message]


SERVER = "mx.example.net[192.0.2.7]"
NOT_FOUND = "Host or domain name not found. Name service error for name={} type=MX: Host not found"


@pytest.mark.parametrize(
    ("said", "shared"),
    [
        (f"connect to {SERVER}:25: Connection timed out", "Connection timed out"),
        ("connect to a[2001:db8::1]:25: Connection refused", "Connection refused"),
        (f"delivery temporarily suspended: connect to {SERVER}:25: No route", "No route"),
        (
            f"host {SERVER} said: 450 4.2.0 <b@a>: Greylisted for 283 s (in reply to RCPT TO)",
            "450 4.2.0 …: Greylisted for N s",
        ),
        (f"host {SERVER} refused to talk to me: 421 try later", "421 try later"),
        (f"lost connection with {SERVER} while in EHLO", "lost connection while in EHLO"),
        (
            f"conversation with {SERVER} timed out while sending RCPT TO",
            "conversation timed out while sending RCPT TO",
        ),
        (NOT_FOUND.format("x.example"), NOT_FOUND.format("…")),
        ("deferred transport", "deferred transport"),
        ("mail transport unavailable", "mail transport unavailable"),
        ("", ""),
    ],
)
def test_reasons_are_shared(said: str, shared: str) -> None:
    assert shared_reason(said) == shared


@given(st.text(max_size=300))
def test_every_reason_has_a_bounded_form(text: str) -> None:
    assert len(shared_reason(text)) <= 120


def test_strangers_do_not_make_a_tally_grow() -> None:
    tally = Tally(100)
    for number in range(10_000):
        tally.add(f"d{number}.example")
        tally.add("common.example")
        assert len(tally) <= 101
    assert tally.top(1) == [("common.example", 10_000)]
    assert not tally.is_exact
    small = Tally(100)
    for _ in range(3):
        small.add("b")
        small.add("a")
    assert small.top() == [("a", 3), ("b", 3)]
    assert small.is_exact


def one(
    queue: str = "deferred", arrival: int = 0, size: int = 1, sender: str = "a@b", *to: Recipient
) -> Queued:
    return Queued(queue, "4jb42w5SCnz2v", arrival, size, sender, to)


def test_counts_and_causes() -> None:
    counts, causes = Counts(), Causes()
    far = Recipient("X@Far.Example", "connect to a[192.0.2.1]:25: Connection refused")
    messages = [
        one("deferred", 100, 10, "a@b", far, far),
        one("hold", 50, 20, "a@b", Recipient("local", "")),
    ]
    for view in (counts, causes):
        view.add(messages)
    assert counts.by_queue == {**dict.fromkeys(QUEUES, 0), "deferred": 1, "hold": 1}
    assert (counts.messages, counts.size, counts.oldest) == (2, 30, 50)
    assert counts.age(150.9) == 100
    assert counts.age(40) == 0, "clocks differ"
    assert Counts().age(1) is None
    assert causes.domains.top() == [("far.example", 2), ("local", 1)]
    assert causes.reasons.top() == [("Connection refused", 2)]


@given(st.lists(st.integers(0, 100_000), max_size=20))
def test_a_shape_has_every_recipient_once(ages: list[int]) -> None:
    now = 1_000_000.0
    shape = Shape(now)
    shape.add(one("deferred", int(now) - age, 1, "", Recipient("a@x", "")) for age in ages)
    expected = Counter(sum(age >= 60 * minutes for minutes in AGES) for age in ages)
    assert shape.total == [expected[n] for n in range(len(AGES) + 1)]
    assert shape.rows() == ([("x", shape.total)] if ages else [])


def test_the_spread_has_prometheus_bounds() -> None:
    spread = Spread(1000.0)
    spread.add([one("active", 990, 1000), one("active", 989, 1001), one("unknown", 0, 1)])
    assert spread.sizes["active"][:2] == [1, 1]
    assert spread.ages["active"][:2] == [1, 1]
    assert spread.size_sums["active"] == 2001
    assert spread.age_sums["active"] == 21.0
    assert sum(map(sum, spread.sizes.values())) == 2


def test_selection() -> None:
    far, near = Recipient("Bob@Far.example", "greylisted"), Recipient("x@near.example", "refused")
    message = one("deferred", 100, 1, "App@Here.example", far, near)
    null = one("deferred", 100, 1, "MAILER-DAEMON", near)

    def means(selection: Selection, now: float = 200.0) -> list[Queued]:
        return list(selection.of([message, null], now))

    assert means(Selection()) == [message, null]
    assert list(Selection().of([one("maildrop")], 200.0)) == []
    assert means(Selection(to="far.EXAMPLE")) == [message]
    assert means(Selection(to="@far.example")) == [message]
    assert means(Selection(to="bob@far.example")) == [message]
    assert means(Selection(to="example")) == []
    assert means(Selection(sender="app@here.example")) == [message]
    assert means(Selection(sender="<>")) == [null]
    assert means(Selection(older=100)) == [message, null]
    assert means(Selection(older=101)) == []
    assert means(Selection(reason="GREY")) == [message]
    assert means(Selection(to="far.example", reason="refused")) == [], "one recipient has both"


@given(st.text(max_size=40), st.integers(2, 30))
def test_a_clipped_text_is_safe_and_fits(text: str, most: int) -> None:
    clipped = display.clip(text, most)
    assert clipped.isprintable()
    assert display.columns(clipped) <= most


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0, "0s"), (59, "59s"), (60, "1m"), (3600, "1h0m"), (90061, "1d1h")],
)
def test_a_duration(seconds: int | None, shown: str) -> None:
    assert display.duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (1023, "1023"),
        (1024, "1.0K"),
        (10240, "10K"),
        (1048575, "1.0M"),
        (5 << 40, "5.0T"),
    ],
)
def test_a_size(count: int, shown: str) -> None:
    assert display.size(count) == shown


@contextmanager
def listening(place: Path, sends: bytes) -> Iterator[QueuePlace]:
    """A queue directory where somebody answers with these bytes, whoever that is."""
    (place / "public").mkdir(parents=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(place / "public/showq"))
    server.listen()

    def answer() -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                connection.sendall(sends)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield QueuePlace(f"/etc/{place.name}", str(place))
    finally:
        server.close()
        thread.join()


WAITING = [one("deferred", 1, 2, "a@b", Recipient("c@d", "why")), one("hold")]


@pytest.mark.parametrize(
    "wrong",
    [
        *(b"", b"queue_id\0x\0time\0soon\0\0", b"x" * (1 << 25), b"a\0b\0\0", b"\xff\0\xfe\0"),
        as_showq(WAITING)[:-1],
    ],
)
def test_who_sends_something_else_does_not_stop_the_others(tmp_path: Path, wrong: bytes) -> None:
    taken: dict[str, list[Queued]] = {"/etc/good": [], "/etc/bad": []}

    def take(directory: str, messages: Sequence[Queued]) -> None:
        taken[directory] += messages

    sends = as_showq(WAITING)
    with listening(tmp_path / "bad", wrong) as bad, listening(tmp_path / "good", sends) as good:
        found = read([bad, good], take, "/usr/sbin/postqueue")
    assert found["/etc/good"].is_complete
    assert taken["/etc/good"] == WAITING
    assert not found["/etc/bad"].is_complete
    assert found["/etc/bad"].problem
