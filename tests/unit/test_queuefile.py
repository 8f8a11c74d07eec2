"""What a queue file says, and what copies of it make check say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import OUT, default, host, second, stopped

from postwrap.checks import check
from postwrap.checks.picture import Picture
from postwrap.host import queuefile
from postwrap.host.model import CopiedMessage, Master


def _record(kind: str, text: str) -> bytes:
    data, length, spelt = text.encode(), len(text.encode()), b""
    while True:
        length, group = length >> 7, length & 0x7F
        spelt += bytes([group | (0x80 if length else 0)])
        if not length:
            return kind.encode() + spelt + data


HEAD = (
    _record("C", f"{321:15d} {400:15d} {1:15d}")
    + _record("T", "1700000000 123456")
    + _record("A", "log_ident=" + "x" * 300)
    + _record("S", "a@example.net")
    + _record("R", "b@example.net")
)


def test_an_envelope() -> None:
    found = queuefile.envelope(HEAD)
    assert found == queuefile.Envelope("1700000000 123456", 321, "a@example.net", 400)


@pytest.mark.parametrize("data", [b"", b"C", HEAD[:40], b"\xff" * 100, _record("S", "a")])
def test_what_is_no_queue_file(data: bytes) -> None:
    assert queuefile.envelope(data) is None


def test_the_message_id_of_the_header_alone() -> None:
    lines = ("From: a", "MESSAGE-Id:", "\t<1@example.net>", "", "Message-ID: <2@example.net>")
    data = _record("M", "") + b"".join(_record("N", line) for line in lines)
    assert queuefile.message_id(data) == "<1@example.net>"
    assert queuefile.message_id(data[:9]) == ""


COPIES = (
    CopiedMessage("/etc/postfix", OUT, "A1", "B1"),
    CopiedMessage("/etc/postfix", OUT, "A2", "B2"),
)


def test_the_one_that_runs_keeps_the_messages() -> None:
    (found,) = check(Picture(host(default(), stopped(second())), copied=COPIES))
    assert (found.code, found.instance) == ("copied-queue", OUT)
    assert found.remedy == "postsuper -c /etc/postfix-out -h B1 -h B2"
    (found,) = check(Picture(host(stopped(default()), second()), copied=COPIES))
    assert (found.instance, found.remedy) == ("/etc/postfix", "postsuper -h A1 -h A2")


def test_which_copy_goes_is_the_administrators() -> None:
    held = (replace(COPIES[0], second_held=True),)
    (found,) = check(Picture(host(default(), second()), copied=held))
    assert (found.code, found.remedy) == ("held-copy", "")
    here, there = found.choices
    assert "postsuper -c /etc/postfix-out -d" in here.remedy
    assert "-H" not in here.remedy
    assert there.remedy.endswith("postsuper -c /etc/postfix-out -H B1")


def test_the_idle_one_of_two_with_one_queue_gets_another() -> None:
    shared = second(queue_directory="/var/spool/postfix")
    (found,) = check(Picture(host(stopped(default()), shared)))
    assert (found.code, found.instance) == ("shared-queue-directory", "/etc/postfix")
    assert found.remedy.startswith("postconf -e queue_directory=/var/spool/postfix-default && ")
    (found,) = check(Picture(host(default(), stopped(shared))))
    assert found.instance == OUT


def test_a_queue_with_a_running_master_keeps_it() -> None:
    shared = stopped(second(queue_directory="/var/spool/postfix"))
    master = Master(4712, OUT, "/var/spool/postfix-out")
    (found,) = check(Picture(host(default(), shared, masters=(master,))))
    back = "postconf -c /etc/postfix-out -e queue_directory=/var/spool/postfix-out"
    assert found.remedy == back


def test_a_data_directory_that_a_master_holds_comes_back() -> None:
    shared = second(data_directory="/var/lib/postfix")
    assert shared.master
    running = replace(shared, master=replace(shared.master, data_directory="/var/lib/postfix-out"))
    (found,) = check(Picture(host(default(), running)))
    assert found.remedy == ("postconf -c /etc/postfix-out -e data_directory=/var/lib/postfix-out")
