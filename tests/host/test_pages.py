"""The how-to pages: each command is run on Debian 12 and 13 and prints what the page shows.

POSTWRAP_DOCS=write puts what a command printed into the page, where that differs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.harness import pages
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

if TYPE_CHECKING:
    from pathlib import Path

HOW_TO = sorted((CHECKOUT / "docs/how-to").glob("*.md"))
ROOTS = {"plain": "host", "filter": "syslog"}
"""The root of tests.harness.roots for each kind of host that a page names."""


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
@pytest.mark.parametrize(
    "path", [path for path in HOW_TO if pages.read(path).commands], ids=lambda path: path.stem
)
def test_a_page(path: Path, suite: str) -> None:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    page = pages.read(path)
    with Host(variant(ROOTS[page.host], suite)) as host:
        host.start_default()
        host.make_command()
        host.postwrap("install")
        with host.aging():
            pages.carry_out(page, host)
    if os.environ.get("POSTWRAP_DOCS") == "write":
        pages.rewrite(page)
    assert pages.differences(page) == ""
