"""Logs as files: which are read, which are not, and what a search finds in them."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.need import need_tool

from postwrap.logs import search
from postwrap.logs.files import LONGEST, NotALogError, former, lines, open_log
from postwrap.logs.sources import LogFile

PACKERS = {".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2"}


def log_line(at: datetime, text: str) -> str:
    return f"{at:%b %e %H:%M:%S} mail postfix/qmgr[1]: {text}\n"


def found(
    log: LogFile, *words: str, since: datetime | None = None, folds: bool = False
) -> list[str]:
    encoded = [word.encode() for word in words]
    return [hit.text for hit in log.search(encoded, ignores_case=folds, since=since)]


@pytest.mark.parametrize(
    ("rest", "is_former"),
    [
        *((rest, True) for rest in (".1", ".2.gz", "-20240101", "-20240101-1700000000.zst", ".0")),
        *((rest, True) for rest in (".20240101-000000.gz", ".old", ".10.bz2", "-2024-01-01.xz")),
        *((rest, False) for rest in ("", "-of-out", ".swp", ".1.zip", ".offset", "2", ".1~")),
    ],
)
def test_what_was_put_aside(tmp_path: Path, rest: str, is_former: bool) -> None:
    (tmp_path / f"mail.log{rest}").write_text("x\n")
    assert bool(former(str(tmp_path / "mail.log"))) == is_former


def test_links_and_what_is_no_file_are_not_taken_for_former_logs(tmp_path: Path) -> None:
    (tmp_path / "mail.log.1").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "mail.log.2")
    (tmp_path / "mail.log.3").mkdir()
    assert former(str(tmp_path / "mail.log")) == []


def test_what_is_opened_as_a_log(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("x\n")
    (tmp_path / "beside").symlink_to("here")
    (tmp_path / "away").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "fifo")
    other = tmp_path / "other"
    other.symlink_to(tmp_path)
    for path in (tmp_path / "here", tmp_path / "beside", other / "here"):
        open_log(str(path)).close()
    for path in (tmp_path / "away", tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(NotALogError):
            open_log(str(path))


@pytest.mark.parametrize("suffix", PACKERS)
def test_rotated_files_are_searched_with_the_log(tmp_path: Path, suffix: str) -> None:
    need_tool("grep", PACKERS[suffix])
    now = datetime.now()
    (tmp_path / "log.2").write_text(log_line(now, "1AAAAAA: oldest"))
    packed = subprocess.run(
        [PACKERS[suffix], "-c"], input=log_line(now, "1AAAAAA: older").encode(), capture_output=True
    ).stdout
    (tmp_path / f"log.1{suffix}").write_bytes(packed)
    (tmp_path / "log").write_text(
        log_line(now, "1AAAAAA: new") + log_line(now, "1BBBBBB: other") + "being written 1AAAAAA"
    )
    for age, name in enumerate(("log", f"log.1{suffix}", "log.2")):
        os.utime(tmp_path / name, (0, now.timestamp() - 3600 * age))
    log = LogFile(str(tmp_path / "log"))
    told = found(log, "1AAAAAA")
    assert [text.partition("]: ")[2] for text in told] == [
        "1AAAAAA: oldest",
        "1AAAAAA: older",
        "1AAAAAA: new",
    ]
    assert len(found(log, "1aaaaaa", folds=True)) == 3
    assert found(log, "1aaaaaa") == []
    late = found(log, "1AAAAAA", since=now - timedelta(minutes=90))
    assert late == told[1:], "the oldest file was written to before"


def test_the_log_is_read_from_a_time_on(tmp_path: Path) -> None:
    begin = datetime.now().replace(microsecond=0) - timedelta(hours=9)
    times = [begin + timedelta(seconds=n) for n in range(9 * 3600)]
    path = tmp_path / "log"
    path.write_text("".join(log_line(at, f"1AAAAAA: {n}") for n, at in enumerate(times)))
    log = LogFile(str(path))
    for n in (0, 1, 777, 20_000, len(times) - 1):
        read = list(log.read_since(times[n]))
        assert read[-1].endswith(f": {len(times) - 1}")
        first = int(read[0].rpartition(" ")[2])
        assert n - 3000 < first <= n, "a little more at most"
        hits = found(log, "1AAAAAA", since=times[n])
        assert hits == read
    assert list(log.read(newest=5))[-1].endswith(f": {len(times) - 1}")


def test_a_former_log_is_searched_from_a_time_on(tmp_path: Path) -> None:
    """The search begins where a line begins, whatever was read before to find the place."""
    begin = datetime.now().replace(microsecond=0) - timedelta(hours=3)
    times = [begin + timedelta(seconds=n) for n in range(3 * 3600)]
    texts = [log_line(at, f"1AAAAAA: {n}") for n, at in enumerate(times)]
    (tmp_path / "log.1").write_text("".join(texts))
    (tmp_path / "log").write_text("")
    log = LogFile(str(tmp_path / "log"))
    for n in range(0, len(times), 397):
        hits = found(log, "1AAAAAA", since=times[n])
        assert hits[-1] == texts[-1].rstrip()
        assert hits == [text.rstrip() for text in texts[-len(hits) :]]
        assert len(times) - n <= len(hits) < len(times) - n + 3000


def test_a_long_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * (3 * LONGEST + 5) + b"\n" + b"b" * (LONGEST - 1) + b"\nlast\n")
    with path.open("rb") as file:
        assert list(map(len, lines(file))) == [LONGEST, LONGEST, 5]
    log = LogFile(str(path))
    assert [text[:4] for text in log.read()] == ["aaaa", "bbbb", "last"]
    assert log.follow()[-4:] == [f"+{path.stat().st_size + 1}", "-F", "--", str(path)]
    assert found(log, "last") == ["last"]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.text(st.sampled_from("abAB\0\xff."), max_size=6), max_size=20),
    st.lists(st.text(st.sampled_from("abAB."), min_size=1, max_size=3), min_size=1, max_size=4),
    st.booleans(),
)
def test_both_ways_of_searching_find_the_same(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], words: list[str], folds: bool
) -> None:
    """Where grep is not GNU's, Python looks through the lines."""
    need_tool("grep")
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes("".join(f"{text}\n" for text in texts).encode("latin-1"))
    encoded = [word.encode() for word in words]
    both = []
    for way in (search._by_grep, search._by_python):
        with path.open("rb") as file:
            both.append(list(way(file, encoded, ignores_case=folds)))
    assert both[0] == both[1]
