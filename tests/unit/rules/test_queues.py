"""Hosts that break a rule of the theme queues, and hosts that look so and are sound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import (
    default,
    host,
    jailed,
    moved,
    second,
    status,
    stopped,
    without,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.checks.picture import InstalledCommands, Picture
from postwrap.install.state import Installed

FIXTURES = [
    Fixture(
        "one queue directory",
        host(default(), stopped(second(queue_directory="/var/spool/postfix"))),
        Expected(
            "shared-queue-directory",
            "/etc/postfix-out",
            ("its queue_directory /var/spool/postfix is that of /etc/postfix"),
            (
                "postconf -c /etc/postfix-out -e queue_directory=/var/spool/postfix-out && mkdir "
                "-p /var/spool/postfix-out && postfix -c /etc/postfix-out check"
            ),
        ),
    ),
    Fixture(
        "one queue directory with a jail",
        host(
            default(), jailed(stopped(second(queue_directory="/var/spool/postfix")), hosts="same")
        ),
        Expected(
            "shared-queue-directory",
            "/etc/postfix-out",
            ("its queue_directory /var/spool/postfix is that of /etc/postfix"),
            (
                "postconf -c /etc/postfix-out -e queue_directory=/var/spool/postfix-out && mkdir "
                "-p /var/spool/postfix-out && postfix -c /etc/postfix-out check && mkdir -p "
                "/var/spool/postfix-out/etc && cp -pL /etc/hosts /var/spool/postfix-out/etc/"
            ),
        ),
    ),
    Fixture(
        "one queue directory, the next name taken",
        host(
            default(),
            second(
                name="x", queue_directory="/var/spool/postfix-out", master_service_disable="inet"
            ),
            stopped(second(queue_directory="/var/spool/postfix")),
        ),
        Expected(
            "shared-queue-directory",
            "/etc/postfix-out",
            ("its queue_directory /var/spool/postfix is that of /etc/postfix"),
            (
                "postconf -c /etc/postfix-out -e queue_directory=/var/spool/postfix-out-1 && mkdir "
                "-p /var/spool/postfix-out-1 && postfix -c /etc/postfix-out check"
            ),
        ),
    ),
    Fixture(
        "one data directory",
        host(default(), stopped(second(data_directory="/var/lib/postfix"))),
        Expected(
            "shared-data-directory",
            "/etc/postfix-out",
            (
                "its data_directory /var/lib/postfix is that of /etc/postfix: only one of the two "
                "can run (master.lock)"
            ),
            (
                "install -d -o postfix -m 700 /var/lib/postfix-out && postconf -c /etc/postfix-out "
                "-e data_directory=/var/lib/postfix-out"
            ),
        ),
    ),
    Fixture(
        "one data directory by a link",
        host(
            default(),
            stopped(
                status(
                    second(),
                    "/var/lib/postfix-out",
                    identity=default().files["/var/lib/postfix"].identity,
                )
            ),
        ),
        Expected(
            "shared-data-directory",
            "/etc/postfix-out",
            (
                "its data_directory /var/lib/postfix-out is that of /etc/postfix: only one of the "
                "two can run (master.lock)"
            ),
            (
                "install -d -o postfix -m 700 /var/lib/postfix-out-1 && postconf -c "
                "/etc/postfix-out -e data_directory=/var/lib/postfix-out-1"
            ),
        ),
    ),
    Fixture(
        "a copy",
        host(default(), second(), copies=(moved(default(), "/etc/postfix.bak", ".bak"),)),
        Expected(
            "copy",
            "/etc/postfix.bak",
            (
                "it is registered nowhere and has the queue and data directories of another "
                "instance: probably a copy, whose commands would act on the other instance's queue"
            ),
            (
                "mkdir -p /var/backups && mv /etc/postfix.bak /var/backups/postfix.bak && postwrap "
                "install"
            ),
        ),
    ),
    Fixture(
        "a copy with commands",
        Picture(
            host(default(), second(), copies=(moved(default(), "/etc/postfix.bak", ".bak"),)),
            InstalledCommands(states={"/etc/postfix.bak": Installed.MISSING}),
        ),
        Expected(
            "copy",
            "/etc/postfix.bak",
            (
                "it is registered nowhere and has the queue and data directories of another "
                "instance: probably a copy, whose commands would act on the other instance's queue"
            ),
            ("mkdir -p /var/backups && mv /etc/postfix.bak /var/backups/postfix.bak"),
        ),
    ),
    Fixture(
        "maildrop is missing",
        host(default(), without(second(), "/var/spool/postfix-out/maildrop")),
        Expected(
            "queue-parts-missing",
            "/etc/postfix-out",
            ("/var/spool/postfix-out/maildrop missing (submission hangs)"),
            ("postfix -c /etc/postfix-out check"),
        ),
    ),
    Fixture(
        "the queue is missing",
        host(default(), without(second(), "/var/spool/postfix-out")),
        Expected(
            "queue-parts-missing",
            "/etc/postfix-out",
            (
                "its queue_directory /var/spool/postfix-out is missing: submission fails with "
                "status 75"
            ),
            ("mkdir -p /var/spool/postfix-out && postfix -c /etc/postfix-out check"),
        ),
    ),
    Fixture(
        "the queue is a file",
        host(
            default(),
            status(
                without(second(), "/var/spool/postfix-out"),
                "/var/spool/postfix-out",
                is_directory=False,
            ),
        ),
        Expected(
            "queue-parts-missing",
            "/etc/postfix-out",
            ("/var/spool/postfix-out is not a directory: submission fails"),
            (
                "mv /var/spool/postfix-out /var/spool/postfix-out.not-a-directory && mkdir -p "
                "/var/spool/postfix-out && postfix -c /etc/postfix-out check"
            ),
        ),
    ),
    Fixture(
        "active is missing and the jail is poor",
        host(
            default(), jailed(without(second(), "/var/spool/postfix-out/active"), hosts="missing")
        ),
        Expected(
            "queue-parts-missing",
            "/etc/postfix-out",
            ("/var/spool/postfix-out/active missing"),
            (
                "postfix -c /etc/postfix-out check && mkdir -p /var/spool/postfix-out/etc && cp "
                "-pL /etc/hosts /var/spool/postfix-out/etc/"
            ),
        ),
    ),
    Fixture(
        "a part that may not be seen",
        host(
            default(),
            replace(
                without(second(), "/var/spool/postfix-out/active"),
                unseen=frozenset({"/var/spool/postfix-out/active"}),
            ),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_queues(fixture: Fixture) -> None:
    fixture.verify()
