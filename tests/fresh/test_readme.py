"""The README's commands, on Debian 12 and 13 with Python and Postfix and no network."""

from __future__ import annotations

import os

import pytest
from tests.harness import pages
from tests.harness.fresh import SOURCE, ReadyHost
from tests.harness.paths import CHECKOUT


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_the_readme(suite: str) -> None:
    page = pages.read(CHECKOUT / "README.md")
    page.commands.insert(0, pages.Command("alice", f"cd {SOURCE}"))
    with ReadyHost(suite) as host:
        host.write("/etc/sudoers.d/alice", "alice ALL=(ALL) NOPASSWD: ALL\n", mode=0o440)
        host.start_default()
        with host.aging():
            pages.carry_out(page, host)
    page.commands.pop(0)
    if os.environ.get("POSTWRAP_DOCS") == "write":
        pages.rewrite(page)
    assert pages.differences(page) == ""
