"""The catalog against the manuals and the version of each Debian's own Postfix."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.harness.manuals import flags, flags_of_manual, version

from postwrap.catalog import CATALOG
from postwrap.catalog.usages import USAGES

WITH_A_MANUAL = [c.name for c in CATALOG if c.name not in {"mailq", "newaliases"}]


@pytest.mark.bases("trixie")
@pytest.mark.parametrize("name", WITH_A_MANUAL)
def test_options_are_those_of_the_manual(base: Path, name: str) -> None:
    assert flags(USAGES[name], version(base)) == flags_of_manual(name, base)


@pytest.mark.bases("trixie")
def test_this_root_has_another_postfix(base: Path) -> None:
    assert version(base) >= (3, 10)
