"""Hosts that break a rule of the theme access, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    OUT,
    default,
    distrusted,
    host,
    moved,
    refusing,
    second,
    status,
    unreadable,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.rights import Fault

FIXTURES = [
    Fixture(
        "not registered",
        host(default(), second(), registered=()),
        Expected(
            "not-authorised",
            "/etc/postfix-out",
            (
                "postdrop and postqueue refuse it to ordinary users: the default main.cf names "
                "/etc/postfix-out in neither multi_instance_directories nor "
                "alternate_config_directories"
            ),
            ("postconf -e alternate_config_directories=/etc/postfix-out"),
        ),
    ),
    Fixture(
        "another spelling is registered",
        host(default(alternate_config_directories=f"{OUT}/"), second(), registered=(f"{OUT}/",)),
        Expected(
            "not-authorised",
            "/etc/postfix-out",
            (
                "postdrop and postqueue refuse it to ordinary users: the default main.cf names "
                "/etc/postfix-out/, and the spelling must be the same"
            ),
            ("postconf -e alternate_config_directories=/etc/postfix-out"),
        ),
    ),
    Fixture(
        "registered by a parameter",
        host(
            default(alternate_config_directories="$second"),
            second(),
            registered=("$second",),
            registered_expanded=(OUT,),
        ),
        Expected(
            "not-authorised",
            "/etc/postfix-out",
            (
                "postdrop and postqueue refuse it to ordinary users: the default main.cf names it "
                "by a $parameter, which is not expanded here"
            ),
            ("postconf -e 'alternate_config_directories=$second /etc/postfix-out'"),
        ),
    ),
    Fixture(
        "not registered beside others",
        host(default(alternate_config_directories="/srv/a"), second(), registered=("/srv/a",)),
        Expected(
            "not-authorised",
            "/etc/postfix-out",
            (
                "postdrop and postqueue refuse it to ordinary users: the default main.cf names "
                "/etc/postfix-out in neither multi_instance_directories nor "
                "alternate_config_directories"
            ),
            ("postconf -e 'alternate_config_directories=/srv/a /etc/postfix-out'"),
        ),
    ),
    Fixture("no default instance to register in", host(second(), registered=())),
    Fixture(
        "a default instance that cannot be read",
        host(unreadable(default(), "fatal: x"), second(), registered=()),
        Expected(
            "unreadable-settings",
            "/etc/postfix",
            ("fatal: x"),
            ("postconf -n"),
        ),
    ),
    Fixture(
        "main.cf is not for all",
        host(default(), status(second(), f"{OUT}/main.cf", mode=0o640)),
        Expected(
            "unreadable",
            "/etc/postfix-out",
            (
                "/etc/postfix-out/main.cf cannot be read by ordinary users: what they submit fails "
                "with status 75"
            ),
            ("chmod o+r /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "the directory is not for all",
        host(default(), status(second(), OUT, mode=0o750)),
        Expected(
            "unreadable",
            "/etc/postfix-out",
            (
                "/etc/postfix-out cannot be read by ordinary users: what they submit fails with "
                "status 75"
            ),
            ("chmod o+x /etc/postfix-out"),
        ),
    ),
    Fixture(
        "others can write to main.cf",
        host(
            default(),
            distrusted(
                second(),
                Fault(
                    f"{OUT}/main.cf",
                    "can be written to by group or others",
                    f"chmod go-w {OUT}/main.cf",
                ),
            ),
        ),
        Expected(
            "writable",
            "/etc/postfix-out",
            (
                "can be changed by others than root: /etc/postfix-out/main.cf can be written to by "
                "group or others"
            ),
            ("chmod go-w /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "others can write to two paths",
        host(
            default(),
            distrusted(
                second(),
                Fault(OUT, "belongs to user ID 1000", f"chown root:root {OUT}"),
                Fault(
                    f"{OUT}/main.cf", "belongs to user ID 1000", f"chown root:root {OUT}/main.cf"
                ),
            ),
        ),
        Expected(
            "writable",
            "/etc/postfix-out",
            (
                "can be changed by others than root: /etc/postfix-out belongs to user ID 1000, "
                "/etc/postfix-out/main.cf belongs to user ID 1000"
            ),
            ("chown root:root /etc/postfix-out && chown root:root /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "an instance in a home",
        host(
            default(alternate_config_directories="/home/a/mail"),
            moved(
                distrusted(
                    second(),
                    Fault("/home/a", "belongs to user ID 1000", ""),
                    Fault(
                        "/home/a/mail", "belongs to user ID 1000", "chown root:root /home/a/mail"
                    ),
                ),
                "/home/a/mail",
                "-mail",
            ),
            registered=("/home/a/mail",),
        ),
        Expected(
            "writable",
            "/home/a/mail",
            (
                "can be changed by others than root: /home/a belongs to user ID 1000, /home/a/mail "
                "belongs to user ID 1000"
            ),
            (
                "chown root:root /home/a/mail && mv /home/a/mail /etc/postfix-mail && postconf -e "
                "alternate_config_directories=/etc/postfix-mail && if postfix -c /etc/postfix-mail "
                "status; then postfix -c /etc/postfix-mail stop && postfix -c /etc/postfix-mail "
                "start; fi && postwrap install"
            ),
        ),
    ),
    Fixture(
        "an instance in /tmp without a default",
        host(
            moved(
                distrusted(second(), Fault("/tmp", "can be written to by group or others", "")),
                "/tmp/postfix-x",
                "-x",
            )
        ),
        Expected(
            "writable",
            "/tmp/postfix-x",
            ("can be changed by others than root: /tmp can be written to by group or others"),
            (
                "mv /tmp/postfix-x /etc/postfix-x && if postfix -c /etc/postfix-x status; then "
                "postfix -c /etc/postfix-x stop && postfix -c /etc/postfix-x start; fi && postwrap "
                "install"
            ),
        ),
    ),
    Fixture(
        "nobody may submit",
        host(default(), second(authorized_submit_users="")),
        Expected(
            "nobody-may-submit",
            "/etc/postfix-out",
            (
                "authorized_submit_users is empty: everyone's submission by sendmail fails with "
                "status 75"
            ),
            ("postconf -c /etc/postfix-out -X authorized_submit_users"),
        ),
    ),
    Fixture("root alone may submit", host(default(), second(authorized_submit_users="root"))),
    Fixture(
        "a registered directory is gone",
        host(default(multi_instance_directories=f"{OUT}, /etc/postfix-gone"), second()),
        Expected(
            "registered-missing",
            "/etc/postfix",
            (
                "multi_instance_directories names /etc/postfix-gone, which is not an instance: "
                "postmulti fails for all"
            ),
            ("postconf -e multi_instance_directories=/etc/postfix-out"),
        ),
    ),
    Fixture(
        "a registered directory is refused",
        refusing(host(default(multi_instance_directories="/srv/x"), second()), "/srv/x"),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_access(fixture: Fixture) -> None:
    fixture.verify()
