"""Hosts without Python or Postfix, or with both and no network: see tests.harness.fresh."""

from __future__ import annotations

import pytest
from tests.harness.need import need_root, need_tool


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    """What all hosts here are made with."""
    need_root()
    need_tool("unshare", "nsenter", "setpriv", "ip", "git")
