"""What all tests share."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "bases(*names): the Debian roots that a test on a private host runs on: "
        "'here' (the machine's own, the default), 'trixie'",
    )
    config.addinivalue_line(
        "markers",
        "suites(*names): the Debian suites that a test boots: 'bookworm', 'trixie'; default: both",
    )
