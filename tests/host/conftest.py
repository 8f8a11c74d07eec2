"""Private hosts as fixtures.

bare_host   Postfix installed and set up, not started
host        the default instance running on 88.198.105.204; users alice and app
talk        host and the talk's second instance, made by hand, running on 10.0.0.1

The same with `module_` before the name lives as long as the module: for tests that only look. A
test that changes its host has one of its own; where that takes long to make, a module prepares one
and has `layers` copy it, which takes a quarter of a second.
`@pytest.mark.bases("bookworm", "trixie")` runs a test on the roots of these Debian suites; without
the mark a test runs on bookworm. The machine's own root is none of them: what the machine is, and
what runs on it, decides nothing.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.layers import Layers
from tests.harness.need import need_root, need_tool
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    own = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")]
    if "base" in metafunc.fixturenames and not any("base" in names for names in own):
        mark = metafunc.definition.get_closest_marker("bases")
        names = mark.args if mark else ("bookworm",)
        metafunc.parametrize("base", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def base(request: pytest.FixtureRequest) -> Path:
    """The root directory that the test's hosts overlay."""
    need_root()
    need_tool("unshare", "nsenter", "setpriv", "ip", "debootstrap")
    return variant("host", request.param)


@pytest.fixture(scope="session")
def layers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """Prepared hosts, to copy: those of the workers of one run are the same."""
    directory = tmp_path_factory.getbasetemp()
    # A worker's directory is inside that of the run.
    is_worker = hasattr(request.config, "workerinput")
    return Layers((directory.parent if is_worker else directory) / "layers")


@pytest.fixture
def bare_host(base: Path) -> Iterator[Host]:
    with Host(base) as host:
        yield host


@contextmanager
def started(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "host", Host.start_default) as host:
        host.start("/etc/postfix")
        yield host


def prepare_talk(host: Host) -> None:
    host.start_default()
    host.talk_instance()


@contextmanager
def started_talk(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "talk", prepare_talk) as host:
        host.start("/etc/postfix", "/etc/postfix-out")
        yield host


@pytest.fixture
def host(layers: Layers, base: Path) -> Iterator[Host]:
    with started(layers, base) as host:
        yield host


@pytest.fixture
def talk(layers: Layers, base: Path) -> Iterator[Host]:
    with started_talk(layers, base) as host:
        yield host


@pytest.fixture(scope="module")
def module_host(layers: Layers, base: Path) -> Iterator[Host]:
    with started(layers, base) as host:
        yield host


@pytest.fixture(scope="module")
def module_talk(layers: Layers, base: Path) -> Iterator[Host]:
    with started_talk(layers, base) as host:
        yield host
