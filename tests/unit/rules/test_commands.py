"""Hosts that break a rule of the theme commands, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    OUT,
    default,
    host,
    second,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.checks.picture import InstalledCommands, OtherInstallation, Picture
from postwrap.install.state import Installed

FIXTURES = [
    Fixture(
        "a second installation",
        Picture(host(default()), InstalledCommands(others=(OtherInstallation("/usr/local"),))),
        Expected(
            "installed-twice",
            "",
            "/usr/local: commands of the instances are installed there too",
            "postwrap uninstall --prefix=/usr/local",
        ),
    ),
    Fixture(
        "a second installation by a package",
        Picture(
            host(default()),
            InstalledCommands(
                named=("--prefix=/opt",), others=(OtherInstallation("/usr", "acme"),)
            ),
        ),
        Expected(
            "installed-twice",
            "",
            "/usr: commands of the instances are installed there too, by the package acme",
            "postwrap uninstall --prefix=/opt",
        ),
    ),
    Fixture(
        "no commands",
        Picture(host(default(), second()), InstalledCommands({OUT: Installed.MISSING})),
        Expected(
            "commands-missing",
            "/etc/postfix-out",
            ("its commands (mailq-out, …) are not installed"),
            ("postwrap install /etc/postfix-out"),
        ),
    ),
    Fixture(
        "old commands",
        Picture(
            host(default(), second()),
            InstalledCommands({OUT: Installed.OUTDATED}, options=("--prefix=/opt",)),
        ),
        Expected(
            "commands-outdated",
            "/etc/postfix-out",
            ("some of its commands (mailq-out, …) are out of date"),
            ("postwrap install --prefix=/opt /etc/postfix-out"),
        ),
    ),
    Fixture(
        "edited commands",
        Picture(
            host(default(), second()),
            InstalledCommands({OUT: Installed.OUTDATED}, edited=frozenset({OUT})),
        ),
        Expected(
            "commands-outdated",
            "/etc/postfix-out",
            ("some of its commands (mailq-out, …) are out of date"),
            ("postwrap install --force /etc/postfix-out"),
        ),
    ),
    Fixture(
        "old shared files",
        Picture(
            host(default(), second()), InstalledCommands(shared=("/usr/share/a", "/usr/share/b"))
        ),
        Expected(
            "commands-outdated",
            "",
            ("/usr/share/a and 1 more, for all instances: missing or out of date"),
            ("postwrap install"),
        ),
    ),
    Fixture(
        "one old shared file",
        Picture(host(default(), second()), InstalledCommands(shared=("/usr/share/a",))),
        Expected(
            "commands-outdated",
            "",
            ("/usr/share/a, for all instances: missing or out of date"),
            ("postwrap install"),
        ),
    ),
    Fixture(
        "commands left",
        Picture(
            host(default(), second()),
            InstalledCommands(left=("/usr/share/man/a", "/usr/bin/mailq-old")),
        ),
        Expected(
            "commands-left",
            "",
            ("/usr/bin/mailq-old and 1 more: belongs to an instance that does not exist"),
            ("postwrap install"),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_commands(fixture: Fixture) -> None:
    fixture.verify()
