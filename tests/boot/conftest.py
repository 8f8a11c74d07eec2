"""Booted containers as fixtures.

boot    a private host on a root with systemd, not yet booted; `with boot.up() as machine:`

`@pytest.mark.suites("trixie")` narrows the Debian suites; without the mark a test runs on each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITES = ("bookworm", "trixie")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "suite" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("suites")
        metafunc.parametrize("suite", mark.args if mark else SUITES, scope="session")


@pytest.fixture
def boot(suite: str) -> Iterator[Boot]:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Boot(suite) as boot:
        yield boot
