"""Private hosts as fixtures.

bare_host   Postfix installed and set up, not started
host        the default instance running on 88.198.105.204; users alice and app
talk        host and the talk's second instance, made by hand, running on 10.0.0.1

The same with `module_` before the name lives as long as the module: for tests that only look.
`@pytest.mark.bases("here", "trixie")` runs a test on each of these roots, "here" being the
machine's own; without the mark a test runs here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "base" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("bases")
        names = mark.args if mark else ("here",)
        metafunc.parametrize("base", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def base(request: pytest.FixtureRequest) -> Path:
    """The root directory that the test's hosts overlay."""
    need_root()
    need_tool("unshare", "nsenter", "setpriv", "ip")
    if request.param != "here":
        return variant("host", request.param)
    need_tool("postfix")
    return Path("/")


@pytest.fixture
def bare_host(base: Path) -> Iterator[Host]:
    with Host(base) as host:
        yield host


@pytest.fixture
def host(bare_host: Host) -> Host:
    bare_host.start_default()
    return bare_host


@pytest.fixture
def talk(host: Host) -> Host:
    host.talk_instance()
    return host


@pytest.fixture(scope="module")
def module_host(base: Path) -> Iterator[Host]:
    with Host(base) as host:
        host.start_default()
        yield host


@pytest.fixture(scope="module")
def module_talk(base: Path) -> Iterator[Host]:
    with Host(base) as host:
        host.start_default()
        host.talk_instance()
        yield host
