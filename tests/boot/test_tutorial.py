"""The tutorial, command by command, on Debian as it boots."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.harness import pages
from tests.harness.boot import Boot
from tests.harness.fresh import vendored
from tests.harness.paths import CHECKOUT


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that the tutorial installs."""
    place = tmp_path_factory.mktemp("deb")
    command = [str(CHECKOUT / "packaging/self-contained"), str(vendored()), str(place)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (made,) = place.iterdir()
    return made


STOCK = (
    *("inet_interfaces=all", "inet_protocols=all"),
    "mynetworks=127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128",
)
"""As Debian's package sets them, where the tests' hosts know better."""


def test_the_tutorial(boot: Boot, package: Path) -> None:
    boot.postconf(*STOCK)
    boot.run("postconf", "-X", "maillog_file")
    boot.write(f"/root/{package.name}", package.read_bytes())
    page = pages.read(CHECKOUT / "docs/tutorial/fallback-relay.md")
    with boot.up() as machine:
        pages.carry_out(page, machine)
    if os.environ.get("POSTWRAP_DOCS") == "write":
        pages.rewrite(page)
    assert pages.differences(page) == ""
