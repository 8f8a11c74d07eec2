"""Servers that do not answer hold all processes of an instance: postwrap says so, and helps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.neighbour import ADDRESS, Neighbour

if TYPE_CHECKING:
    from tests.harness.host import Host

CODE = "saturated"
DEAD = "198.18.0.0/24"
"""Nobody answers there: what the neighbour gets for others, it drops."""


def active(host: Host) -> int:
    """How many messages are in the active queue."""
    return sum(message["queue_name"] == "active" for message in host.queue())


@pytest.mark.bases("bookworm", "trixie")
def test_a_wider_limit_lets_other_mail_through(bare_host: Host) -> None:
    host = bare_host
    with Neighbour(host, {}) as neighbour:
        host.run("postconf", "-F", "smtp/unix/process_limit=3")
        host.age()
        host.start_default()
        host.add_route(DEAD, ADDRESS)
        sink = neighbour.sink()
        for number in range(1, 6):
            host.send(f"user@[198.18.0.{number}]", address="127.0.0.1")
        assert host.wait_for(lambda: active(host) == 5)
        good = host.send(f"user@[{ADDRESS}]", address="127.0.0.1")
        assert host.wait_for(lambda: active(host) == 6)

        found = json.loads(host.postwrap("check", "--json", check=False).stdout)["findings"]
        [saturated] = [f for f in found if f["code"] == CODE]
        assert "3 processes of smtp/unix" in saturated["message"]
        [shown] = json.loads(host.postwrap("queue", "--json").stdout)["instances"]
        assert shown["saturated"] == ["smtp/unix"]
        assert "all 3 smtp/unix in use" in host.postwrap("queue").stdout
        assert not sink.messages, "the good message waits for a process"

        host.sh(saturated["remedy"])
        assert [message.message_id for message in sink.wait()] == [good]
        assert CODE not in host.postwrap("check", check=False).stdout
        assert "in use" not in host.postwrap("queue").stdout


@pytest.mark.bases("bookworm")
def test_create_and_role_tell_what_the_default_instance_bears(bare_host: Host) -> None:
    host = bare_host
    host.start_default()
    role = ("--role", "fallback-relay", "--address", "10.0.0.1", "--json")
    told = json.loads(host.postwrap("create", "relay", *role).stdout)["settled"]
    borne = (
        "other mail is not delayed by up to 10 a second "
        "(default_process_limit 100 / smtp_connect_timeout 10s)"
    )
    assert told["dead servers"] == borne
    for role_name, expected in (("outbound", None), ("fallback-relay", borne)):
        told = json.loads(host.postwrap("role", "relay", role_name, "--json").stdout)["settled"]
        assert told.get("dead servers") == expected
