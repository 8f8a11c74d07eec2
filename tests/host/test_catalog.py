"""The catalog against the manuals of each Debian's own Postfix."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.harness.manuals import flags, flags_of_manual, manual, version

from postwrap.catalog import CATALOG
from postwrap.catalog.usages import USAGES

BY_OTHER_NAMES = {"mailq", "newaliases"}
"""sendmail, as its manual says itself."""

WITH_A_MANUAL = [c.name for c in CATALOG if c.name not in BY_OTHER_NAMES]

pytestmark = pytest.mark.bases("bookworm", "trixie")


@pytest.mark.parametrize("name", WITH_A_MANUAL)
def test_options_are_those_of_the_manual(base: Path, name: str) -> None:
    assert flags(USAGES[name], version(base)) == flags_of_manual(name, base)


@pytest.mark.parametrize("name", sorted(BY_OTHER_NAMES))
def test_options_of_sendmail_by_other_names(base: Path, name: str) -> None:
    assert flags(USAGES[name], version(base)) <= flags_of_manual("sendmail", base)


@pytest.mark.parametrize("name", WITH_A_MANUAL)
def test_options_take_a_value_where_the_manual_says_so(base: Path, name: str) -> None:
    """The manuals write a value in italics, after the flag or against it."""
    text = manual(name, base)
    for option in USAGES[name].options:
        written = re.escape(option.flag.replace("-", r"\-"))
        heads = re.findall(rf'^\.IP "?\\fB{written}(.*)$', text, re.MULTILINE)
        with_value = [head for head in heads if re.match(r"(\\fR)? ?\\fI| \\fI", head)]
        if len(heads) == 1 and option.flag != "-XV":
            assert bool(with_value) == bool(option.value), (option, heads)


@pytest.mark.bases("trixie")
def test_postfix_of_trixie_is_newer(base: Path) -> None:
    assert version(base) >= (3, 10)
