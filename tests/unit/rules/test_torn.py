"""Hosts that break a rule of the theme torn, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    OUT,
    default,
    host,
    second,
    unreadable,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.checks.picture import Keeps, Picture, Torn

FIXTURES = [
    Fixture(
        "a torn record",
        Picture(
            host(default(), second()), torn=(Torn("/var/lib/postwrap/out.json", Keeps.RECORD, OUT),)
        ),
        Expected(
            "torn-file",
            "/etc/postfix-out",
            (
                "/var/lib/postwrap/out.json is empty or cut off: what role and remove put back in "
                "other instances is not known"
            ),
            ("mv /var/lib/postwrap/out.json /var/lib/postwrap/out.json.torn"),
        ),
    ),
    Fixture(
        "a torn record of an instance that is gone",
        Picture(
            host(default()),
            torn=(Torn("/var/lib/postwrap/x.json", Keeps.RECORD, "/etc/postfix-x"),),
        ),
        Expected(
            "torn-file",
            "",
            (
                "/var/lib/postwrap/x.json is empty or cut off: what role and remove put back in "
                "other instances is not known"
            ),
            ("mv /var/lib/postwrap/x.json /var/lib/postwrap/x.json.torn"),
        ),
    ),
    Fixture(
        "a torn manifest",
        Picture(
            host(default()), torn=(Torn("/usr/local/lib/postwrap/manifest.json", Keeps.MANIFEST),)
        ),
        Expected(
            "torn-file",
            "",
            (
                "/usr/local/lib/postwrap/manifest.json is empty or cut off: which files postwrap "
                "wrote is not known"
            ),
            ("postwrap install"),
        ),
    ),
    Fixture(
        "a torn cache",
        Picture(host(default()), torn=(Torn("/usr/local/lib/postwrap/facts.json", Keeps.CACHE),)),
        Expected(
            "torn-file",
            "",
            (
                "/usr/local/lib/postwrap/facts.json is empty or cut off: it is only a cache, and "
                "passed over"
            ),
            ("rm /usr/local/lib/postwrap/facts.json"),
        ),
    ),
    Fixture(
        "an instance that could not be looked at",
        host(
            default(),
            unreadable(second(), "cannot be looked at: x"),
            failures={OUT: "ValueError: x"},
        ),
        Expected(
            "rule-failed",
            "/etc/postfix-out",
            (
                "looking at the instance failed for /etc/postfix-out, a defect of postwrap: report "
                "it with this line: ValueError: x"
            ),
            ("postwrap --version"),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_torn(fixture: Fixture) -> None:
    fixture.verify()
