"""How far a search through logs looks: all of them at first, then no further than a lifetime."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postwrap.host.naming import Instance
from postwrap.logs import search, sources
from postwrap.logs.moments import lifetime_of
from postwrap.logs.searching import Search
from postwrap.logs.sources import LogFile
from postwrap.logs.tags import Tags
from postwrap.logs.way import Links, Trail, trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postwrap.logs.way import Passage

DEFAULT = Instance("/etc/postfix", "-default", is_default=True)
OUT = Instance("/etc/postfix-out", "-out", parameters={"syslog_name": "postfix-out"})
NOW = datetime.now().replace(microsecond=0)
DAYS = 26
BOB = "to=<bob@far.example>, relay=mx[192.0.2.1]:25, delay=1, dsn=4.0.0, status=deferred (busy)"


def logged(place: Path, *told: tuple[float, str]) -> LogFile:
    """A log of a file a day, the older ones packed; ``told`` are days ago, and what was logged."""
    days: dict[int, list[tuple[datetime, str]]] = {
        day: [(NOW - timedelta(days=day + 0.9), "postfix/master[1]: daily")] for day in range(DAYS)
    }
    for ago, text in told:
        days[int(ago)].append((NOW - timedelta(days=ago), text))
    for day, lines in days.items():
        text = "".join(f"{at.isoformat()} mail {said}\n" for at, said in sorted(lines))
        path = place / ("log" if not day else f"log.{day}" if day == 1 else f"log.{day}.gz")
        packed = gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode()
        path.write_bytes(packed)
        last = max(lines)[0].timestamp()
        os.utime(path, (last, last))
    return LogFile(str(place / "log"))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The words of each search through a file."""
    asked: list[set[str]] = []
    found = search.found

    def recorded(
        text: int, words: Sequence[bytes], *, ignores_case: bool
    ) -> Iterator[tuple[int, bytes]]:
        asked.append({word.decode() for word in words})
        yield from found(text, words, ignores_case=ignores_case)

    monkeypatch.setattr(sources, "found", recorded)
    return asked


def story(log: LogFile, what: str) -> list[Passage]:
    look = Search([log], Tags([DEFAULT, OUT], {}), lifetime=timedelta(days=5))
    return trace(look, Trail(what, Links(lambda address: address.startswith("10."))))


BEGIN = "postfix/smtpd[1]: 1AAAAAA: client=x[192.0.2.1]"
NAME = "postfix/cleanup[1]: 1AAAAAA: message-id=<m@x>"
TRY = f"postfix/smtp[1]: 1AAAAAA: {BOB}"
END = "postfix/qmgr[1]: 1AAAAAA: removed"


def test_further_searches_look_where_the_message_can_be(
    tmp_path: Path, searched: list[set[str]]
) -> None:
    log = logged(tmp_path, (14.5, BEGIN), (14.49, NAME), (14.48, TRY), (14.4, END))
    (stay,) = story(log, "bob@far.example")
    assert len(stay.lines) == 4
    often = Counter(" ".join(sorted(words)) for words in searched)
    assert often.pop("bob@far.example") == DAYS
    assert set(often) == {"1AAAAAA", "m@x"}
    assert 12 <= min(often.values()) <= max(often.values()) <= 14, "six days before and after"


def test_what_was_deferred_for_days_is_told_whole(tmp_path: Path, searched: list[set[str]]) -> None:
    """Also through a second instance, which took as long again."""
    handed = TRY.replace("mx[192.0.2.1]", "out[10.0.0.1]").replace("deferred", "sent")
    log = logged(
        tmp_path,
        *((19.9, BEGIN), (19.9, NAME), (17.5, TRY), (15.1, TRY), (15.05, END)),
        (15.06, handed.replace("(busy)", "(250 2.0.0 Ok: queued as 2BBBBBB)")),
        (15.07, "postfix-out/smtpd[1]: 2BBBBBB: client=mail[10.0.0.1]"),
        (15.07, "postfix-out/cleanup[1]: 2BBBBBB: message-id=<changed@x>"),
        (12.0, TRY.replace("postfix/", "postfix-out/").replace("1AAAAAA", "2BBBBBB")),
        (10.2, END.replace("postfix/", "postfix-out/").replace("1AAAAAA", "2BBBBBB")),
    )
    for what in ("1AAAAAA", "2BBBBBB", "m@x", "changed@x", "bob@far.example"):
        found = {stay.queue_id: len(stay.lines) for stay in story(log, what)}
        assert found == {"1AAAAAA": 6, "2BBBBBB": 4}, what


@pytest.mark.parametrize("what", ["bob@far.example", "m@x"])
def test_what_was_on_hold_for_weeks_is_told_whole(tmp_path: Path, what: str) -> None:
    log = logged(tmp_path, (24.5, BEGIN), (24.4, NAME), (9.3, TRY), (1.2, END))
    (stay,) = story(log, what)
    assert len(stay.lines) == 4


def test_what_is_in_the_queue_still_costs_no_search_more(
    tmp_path: Path, searched: list[set[str]]
) -> None:
    log = logged(tmp_path, (0.5, BEGIN), (0.4, NAME), (0.3, TRY))
    (stay,) = story(log, "1AAAAAA")
    assert len(stay.lines) == 3
    assert Counter(" ".join(sorted(words)) for words in searched) == {"1AAAAAA": DAYS, "m@x": 6}


@pytest.mark.parametrize(
    ("value", "days"), [("5d", 5), ("5", 5), ("36h", 1.5), ("2w", 14), ("0", 0), ("", 0), ("x", 0)]
)
def test_a_lifetime(value: str, days: float) -> None:
    assert lifetime_of(value) == timedelta(days=days)
