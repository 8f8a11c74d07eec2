"""Hosts that break a rule of the theme jails, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    default,
    host,
    jailed,
    second,
    without,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.model import JailMethod

FIXTURES = [
    Fixture(
        "a jail lacks a file",
        host(default(), jailed(second(), hosts="same", resolv_conf="missing")),
        Expected(
            "jail-missing",
            "/etc/postfix-out",
            (
                "chrooted services lack /var/spool/postfix-out/etc/resolv.conf: they cannot look "
                "up hosts"
            ),
            (
                "mkdir -p /var/spool/postfix-out/etc && cp -pL /etc/hosts /etc/resolv.conf "
                "/var/spool/postfix-out/etc/"
            ),
        ),
    ),
    Fixture(
        "a jail that check fills",
        host(
            default(),
            jailed(second(), hosts="same", resolv_conf="missing"),
            jail_method=JailMethod("check"),
        ),
        Expected(
            "jail-missing",
            "/etc/postfix-out",
            (
                "chrooted services lack /var/spool/postfix-out/etc/resolv.conf: they cannot look "
                "up hosts"
            ),
            ("postfix -c /etc/postfix-out check"),
        ),
    ),
    Fixture(
        "a jail that a script fills",
        host(
            default(),
            jailed(second(), hosts="stale", resolv_conf="unseen"),
            jail_method=JailMethod("/usr/lib/postfix/configure-instance.sh"),
        ),
        Expected(
            "jail-stale",
            "/etc/postfix-out",
            (
                "/var/spool/postfix-out/etc/hosts differs from the host's own: chrooted services "
                "use old data"
            ),
            (
                "MAIL_CONFIG=/etc/postfix-out /usr/lib/postfix/configure-instance.sh - && postfix "
                "-c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a jail of a queue that is missing",
        host(default(), jailed(without(second(), "/var/spool/postfix-out"), hosts="missing")),
        Expected(
            "queue-parts-missing",
            "/etc/postfix-out",
            (
                "its queue_directory /var/spool/postfix-out is missing: submission fails with "
                "status 75"
            ),
            (
                "mkdir -p /var/spool/postfix-out && postfix -c /etc/postfix-out check && mkdir -p "
                "/var/spool/postfix-out/etc && cp -pL /etc/hosts /var/spool/postfix-out/etc/"
            ),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_jails(fixture: Fixture) -> None:
    fixture.verify()
