"""Hosts on which nothing is wrong."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    default,
    host,
    second,
)
from tests.unit.rules.fixture import Fixture

FIXTURES = [
    Fixture("the talk", host(default(), second())),
    Fixture("nothing", host()),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_sound(fixture: Fixture) -> None:
    fixture.verify()
