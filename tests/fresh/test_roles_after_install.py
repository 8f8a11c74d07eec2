"""What the README begins with, and then each role: mail arrives at another host."""

from __future__ import annotations

import os

import pytest
from tests.harness.fresh import ReadyHost
from tests.harness.neighbour import ADDRESS as NEIGHBOUR
from tests.harness.neighbour import Neighbour
from tests.host.test_roles_elsewhere import (
    EVERY_PAIR,
    HERE,
    KINDS,
    OPTIONS,
    ROLES,
    Site,
    mail_flows,
)

WALK = EVERY_PAIR if os.environ.get("POSTWRAP_FAULTS") == "all" else ROLES
"""Each role; by tests/run faults each after each other one."""


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_each_role_behind_install_sh(suite: str) -> None:
    """On a host whose Postfix delivers here alone, as install.sh makes one."""
    kind = "local-only"
    with ReadyHost(suite) as host, Neighbour(host, {"example.net": NEIGHBOUR}) as neighbour:
        host.postconf(*KINDS[kind])
        host.start_default()
        with host.aging():
            site = Site(host, neighbour)
            before = site.settings()
            host.install("--create", "out", "--address", HERE, "--yes")
            for role in WALK:
                request = ("postwrap", "role", "out", role, *OPTIONS[role])
                host.run(*request)
                once = site.settings()
                mail_flows(site, kind, role)
                assert "nothing to change" in host.run(*request).stdout
                assert site.settings() == once
            host.run("postwrap", "remove", "out", "--purge", "--yes")
            assert site.settings() == before
