"""What the README begins with, and then each role: mail arrives at another host."""

from __future__ import annotations

import pytest
from tests.harness.fresh import ReadyHost
from tests.harness.neighbour import ADDRESS as NEIGHBOUR
from tests.harness.neighbour import Neighbour
from tests.host.test_roles_elsewhere import HERE, KINDS, OPTIONS, ROLES, Site, mail_flows


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
            for role in ROLES:
                host.run("postwrap", "role", "out", role, *OPTIONS[role])
                mail_flows(site, kind, role)
            host.run("postwrap", "remove", "out", "--purge", "--yes")
            assert site.settings() == before
