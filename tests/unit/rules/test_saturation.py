"""Hosts whose processes are all in use, and hosts that look so and are well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import FAST, SMTPD, default, host, second
from tests.unit.rules.fixture import Expected, Fixture

LIMITED = "smtp unix - - y - 3 smtp"
FULL = {"smtp/unix": 3}


def sending(*master: str, active: int, processes: int = 3, is_fast: bool = False) -> Fixture:
    """A default instance with so many processes and messages."""
    own = default(SMTPD, *master, default_process_limit="3", **(FAST if is_fast else {}))
    busy = replace(own, processes={"smtp/unix": processes}, active=active)
    return Fixture("", host(busy, second()))


def expected(limit: str, timeout: str, rate: str, active: int = 4) -> Expected:
    """What is said of it."""
    return Expected(
        "saturated",
        "/etc/postfix",
        f"all 3 processes of smtp/unix are in use, and the active queue has {active} messages: "
        "servers that do not answer delay other mail if there are more than "
        f"{rate} a second ({limit} 3 / smtp_connect_timeout {timeout})",
        "postconf -F smtp/unix/process_limit=6 && postfix reload",
    )


FIXTURES = [
    replace(
        sending(LIMITED, active=4),
        name="all processes of a limit in master.cf",
        expected=expected("smtp/unix/process_limit", "30s", "0.1"),
    ),
    replace(
        sending("smtp unix - - y - - smtp", active=40, is_fast=True),
        name="all processes of the default limit",
        expected=expected("default_process_limit", "10s", "0.3", 40),
    ),
    replace(
        sending("smtp unix - - y - - smtp -o smtp_connect_timeout=1m", active=4, is_fast=True),
        name="a timeout of its own",
        expected=expected("default_process_limit", "60s", "0.05"),
    ),
    replace(sending(LIMITED, active=3), name="no message waits"),
    replace(sending(LIMITED, active=9, processes=2), name="a process is left"),
    replace(sending("smtp unix - - y - 0 smtp", active=99), name="no limit"),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_saturation(fixture: Fixture) -> None:
    fixture.verify()
