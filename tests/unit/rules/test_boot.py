"""Hosts that break a rule of the theme boot, and hosts that look so and are sound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import (
    LOOPBACK,
    OUT,
    booted,
    default,
    host,
    place,
    second,
    stopped,
    unit,
    unreadable,
)
from tests.unit.rules.fixture import Expected, Fixture

FIXTURES = [
    Fixture(
        "an idle default instance beside one that serves",
        host(stopped(default()), second(), units=(unit("x@out.service"),)),
    ),
    Fixture(
        "a default instance that is idle alone",
        host(stopped(default()), units=()),
        Expected(
            "not-at-boot",
            "/etc/postfix",
            "nothing starts it at boot",
            "systemctl enable postfix.service",
        ),
    ),
    Fixture(
        "nothing starts it",
        booted(default(), second()),
        Expected(
            "not-at-boot",
            "/etc/postfix-out",
            ("nothing starts it at boot"),
            ("postwrap install"),
        ),
    ),
    Fixture(
        "masked",
        booted(default(), second(), places=(place(starts=False, why="x@out.service is masked"),)),
        Expected(
            "not-at-boot",
            "/etc/postfix-out",
            ("nothing starts it at boot: x@out.service is masked"),
            ("systemctl unmask x@out.service"),
        ),
    ),
    Fixture(
        "switched off and running",
        booted(
            default(), second(), places=(place(starts=False, why="multi_instance_enable = no"),)
        ),
        Expected(
            "not-at-boot",
            "/etc/postfix-out",
            ("nothing starts it at boot: multi_instance_enable = no"),
            ("postconf -c /etc/postfix-out -e multi_instance_enable=yes"),
        ),
    ),
    Fixture(
        "switched off and stopped", booted(default(), stopped(second(multi_instance_enable="no")))
    ),
    Fixture(
        "known to postmulti, not enabled and stopped",
        booted(default(multi_instance_directories=OUT), stopped(second())),
    ),
    Fixture(
        "nothing starts one that cannot",
        booted(default(), stopped(second(data_directory="/var/lib/postfix"))),
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
        "nothing starts one that cannot be read",
        booted(default(), unreadable(second(), "fatal: x")),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ("fatal: x"),
            ("postconf -c /etc/postfix-out -n"),
        ),
    ),
    Fixture(
        "the default is disabled",
        host(default(), units=()),
        Expected(
            "not-at-boot",
            "/etc/postfix",
            ("nothing starts it at boot"),
            ("systemctl enable postfix.service"),
        ),
    ),
    Fixture(
        "a unit starts it",
        booted(default(), second(), units=(unit("postfix-instance@out.service"),)),
    ),
    Fixture(
        "no default, and switched off", host(stopped(second(multi_instance_enable="no")), units=())
    ),
    Fixture("the generator will start it", booted(default(), second(), places=(place(),))),
    Fixture(
        "two units",
        booted(
            default(),
            second(),
            units=(unit("a@out.service"), unit("postfix-instance@out.service")),
            places=(place(),),
        ),
        Expected(
            "two-units",
            "/etc/postfix-out",
            ("a@out.service and postfix-instance@out.service both start it: the second fails"),
            ("systemctl disable a@out.service"),
        ),
    ),
    Fixture(
        "two units, one the administrator's",
        booted(
            default(),
            second(),
            units=(unit("a@out.service"), unit("mail-out.service", is_packaged=False)),
        ),
        Expected(
            "two-units",
            "/etc/postfix-out",
            ("a@out.service and mail-out.service both start it: the second fails"),
            ("systemctl disable mail-out.service"),
        ),
    ),
    Fixture(
        "another name",
        host(default(), second(multi_instance_name="postfix-second")),
        Expected(
            "name-mismatch",
            "/etc/postfix-out",
            ("its multi_instance_name postfix-second is not that of its directory postfix-out"),
            ("postconf -c /etc/postfix-out -e multi_instance_name=postfix-out"),
        ),
    ),
    Fixture(
        "another name under systemd",
        booted(default(), second(multi_instance_name="second"), units=(unit("x@out.service"),)),
        Expected(
            "name-mismatch",
            "/etc/postfix-out",
            ("its multi_instance_name second is not that of its directory postfix-out"),
            (
                "postconf -c /etc/postfix-out -e multi_instance_name=postfix-out && systemctl "
                "daemon-reload"
            ),
        ),
    ),
    Fixture("its directory's name", host(default(), second(multi_instance_name="postfix-out"))),
    Fixture("its directory's short name", host(default(), second(multi_instance_name="out"))),
    Fixture("another name that is none", host(default(), second(multi_instance_name="ä"))),
    Fixture(
        "a unit for nobody",
        booted(default(), units=(unit("postfix@gone.service", "/etc/postfix-gone"),)),
        Expected(
            "orphaned-unit",
            "",
            (
                "postfix@gone.service is started at boot for /etc/postfix-gone, which is not an "
                "instance"
            ),
            ("systemctl disable postfix@gone.service"),
        ),
    ),
    Fixture(
        "an overlap under systemd",
        booted(default(inet_interfaces="all"), second(), units=(unit("mail-out.service"),)),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 10.0.0.1:25 too: connections go to either"),
            (
                "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204' && "
                "postfix stop && systemctl restart postfix.service"
            ),
        ),
    ),
    Fixture(
        "an overlap under systemd, by places",
        booted(default(inet_interfaces="all"), second(), places=(place(),)),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 10.0.0.1:25 too: connections go to either"),
            (
                "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204' && "
                "postfix stop && systemctl restart postfix.service"
            ),
        ),
    ),
    Fixture(
        "commas where the generator splits at blanks",
        host(
            default(multi_instance_directories=f"{OUT}, /etc/postfix-b"),
            second(),
            second(name="b", inet_interfaces=LOOPBACK, master_service_disable="inet"),
            splits_at_blanks=True,
        ),
        Expected(
            "registered-with-commas",
            "/etc/postfix",
            (
                "multi_instance_directories has commas: the distribution's "
                "postfix-instance-generator splits it at blanks alone, and does not start those "
                "instances at boot"
            ),
            ("postconf -e 'multi_instance_directories=/etc/postfix-out /etc/postfix-b'"),
        ),
    ),
    Fixture(
        "commas under systemd",
        replace(
            booted(
                default(multi_instance_directories=f"{OUT},{OUT}"),
                second(),
                units=(unit("postfix@out.service"),),
            ),
            splits_at_blanks=True,
        ),
        Expected(
            "registered-with-commas",
            "/etc/postfix",
            (
                "multi_instance_directories has commas: the distribution's "
                "postfix-instance-generator splits it at blanks alone, and does not start those "
                "instances at boot"
            ),
            (
                "postconf -e 'multi_instance_directories=/etc/postfix-out /etc/postfix-out' && "
                "systemctl daemon-reload"
            ),
        ),
    ),
    Fixture(
        "blanks where the generator splits at blanks",
        host(default(multi_instance_directories=OUT), second(), splits_at_blanks=True),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_boot(fixture: Fixture) -> None:
    fixture.verify()
