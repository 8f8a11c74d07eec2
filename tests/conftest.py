"""What all tests share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import hypothesis
import pytest
from tests.harness import order

if TYPE_CHECKING:
    from collections.abc import Iterator


# How long an example takes tells of the machine, and of what else runs on it.
hypothesis.settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    order.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    order.choose_seed(config)
    config.addinivalue_line(
        "markers",
        "bases(*names): the Debian suites whose roots a test's private host is made of: "
        "'bookworm' (the default), 'trixie'",
    )
    config.addinivalue_line(
        "markers",
        "suites(*names): the Debian suites that a test boots: 'bookworm', 'trixie'; default: both",
    )
    # pytest-xdist's; without that plugin it is nobody's.
    config.addinivalue_line("markers", "xdist_group(name): tests that share a host")


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.option.order_seed
    return f"order: {order.OPTION}={seed}" if seed else "order: as written"


# First: pytest then puts together what shares a parameter of a fixture, in any order.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.order_seed:
        order.shuffle(items, config.option.order_seed)
    order.keep_together(items)


@pytest.fixture(scope="session", autouse=True)
def signals_as_in_a_terminal() -> Iterator[None]:
    """Let the programs under test have each signal's default, whatever the tests inherited.

    nohup has SIGHUP ignored, and a script's `&` SIGINT and SIGQUIT, and a child inherits that. What
    is caught instead goes back to the default in a child, and here still does nothing.
    """
    ignored = [s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN]
    # Python ignores these two itself, and gives them back to its children.
    ignored = [s for s in ignored if s not in (signal.SIGPIPE, signal.SIGXFSZ)]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
