"""Looking up hosts, with one bound on time for all of them."""

from __future__ import annotations

import socket
import threading
import time
from ipaddress import ip_address
from typing import Any

import pytest

from postwrap.host.resolver import Resolver, host_names

HOSTS = "127.0.0.1 localhost Me # comment\n10.0.0.1 me\n::1 localhost\n\nodd line\n"


def test_the_names_of_etc_hosts() -> None:
    assert host_names(HOSTS) == {
        "localhost": (ip_address("127.0.0.1"), ip_address("::1")),
        "me": (ip_address("127.0.0.1"), ip_address("10.0.0.1")),
    }


def answering(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> list[str]:
    """Let getaddrinfo(3) know ``answers``: addresses, an error, or an event to wait for."""
    asked: list[str] = []

    def look(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        answer = answers[host.replace("-", "_").partition(".")[0]]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, threading.Event):
            answer.wait()
            return []
        return [(0, 0, 0, "", (address, 0)) for address in answer]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return asked


def test_a_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, mail=["192.0.2.1", "fe80::1%eth0", "192.0.2.1"])
    resolver = Resolver(host_names(HOSTS))
    found = (ip_address("192.0.2.1"), ip_address("fe80::1"))
    assert resolver.resolve("Mail.example.net") == found
    assert resolver.known(["mail.example.net", "ME", "10.0.0.9"]) == {
        "mail.example.net": found,
        "me": (ip_address("127.0.0.1"), ip_address("10.0.0.1")),
        "10.0.0.9": (ip_address("10.0.0.9"),),
    }
    assert asked == ["mail.example.net"]
    assert resolver.unanswered == frozenset()


def test_a_name_that_nobody_has_and_one_that_nobody_could_be_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(
        monkeypatch,
        none=socket.gaierror(socket.EAI_NONAME, "no"),
        later=socket.gaierror(socket.EAI_AGAIN, "later"),
        odd=UnicodeError(),
    )
    resolver = Resolver({})
    for name in ("none.example", "later.example", "odd.example"):
        assert resolver.resolve(name) == ()
    assert resolver.unanswered == {"later.example"}
    assert resolver.late == frozenset()


def test_all_look_ups_together_take_no_longer_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    answering(monkeypatch, **{f"n{i}": never for i in range(20)})
    resolver = Resolver({}, seconds=0.3)
    begun = time.monotonic()
    names = [f"n{i}.example" for i in range(20)]
    assert resolver.known(names) == {}
    assert time.monotonic() - begun < 3
    assert resolver.late == resolver.unanswered == set(names)
    never.set()
