"""What a test needs of the machine: a skip with its reason, but a failure in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def need(there: object, reason: str) -> None:
    """Skip the test unless `there`; in CI nothing is skipped, so fail."""
    if there:
        return
    if in_ci():
        pytest.fail(f"{reason} (tests/run installs what is missing)", pytrace=False)
    pytest.skip(reason)


def campaign(reason: str) -> pytest.MarkDecorator:
    """A mark for what ``tests/run faults`` alone runs; ``reason`` is why not everybody does."""
    is_wanted = os.environ.get("POSTWRAP_FAULTS") == "all"
    return pytest.mark.skipif(not is_wanted, reason=f"{reason}: tests/run faults")


def need_root() -> None:
    need(os.geteuid() == 0, "private hosts and containers are made by root")


def need_tool(*names: str) -> None:
    """Each of these commands must be on the machine."""
    missing = [name for name in names if find_tool(name) is None]
    need(not missing, f"missing on this machine: {' '.join(missing)}")


def find_tool(name: str) -> str | None:
    """Like which(1), with the sbin directories that an ordinary user's PATH may lack."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path)
