"""Hosts that break a rule of the theme settings, and hosts that look so and are sound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import (
    OUT,
    blocked,
    default,
    host,
    second,
    unreadable,
    warned,
    written,
)
from tests.unit.rules.fixture import Expected, Fixture

FIXTURES = [
    Fixture(
        "unreadable main.cf",
        host(
            default(),
            written(
                unreadable(
                    second(),
                    f"{OUT}/main.cf, line 2: missing '=' after attribute name: \"nonsense\"",
                ),
                "a = b\nnonsense\n  more\n",
            ),
        ),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ("/etc/postfix-out/main.cf, line 2: missing '=' after attribute name: \"nonsense\""),
            ("sed -i '2,3s/^/#/' /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "unreadable for another reason",
        host(default(), unreadable(second(), "fatal: out of memory")),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ("fatal: out of memory"),
            ("postconf -c /etc/postfix-out -n"),
        ),
    ),
    Fixture(
        "unreadable, and nothing runs any more",
        host(
            default(),
            blocked(
                written(
                    unreadable(second(), "bad numerical configuration: message_size_limit = lots"),
                    "x = y\nmessage_size_limit = lots\n",
                )
            ),
        ),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            "bad numerical configuration: message_size_limit = lots",
            "sed -i '2s/^/#/' /etc/postfix-out/main.cf"
            " && rm -f /var/spool/postfix-out/public/postlog"
            " && { postfix -c /etc/postfix-out stop || true; }"
            " && postfix -c /etc/postfix-out start",
        ),
    ),
    Fixture(
        "unreadable for this user",
        host(
            default(),
            replace(unreadable(second(), "fatal: open"), unseen=frozenset({f"{OUT}/main.cf"})),
            is_root=False,
        ),
    ),
    Fixture(
        "unreadable value by its text",
        host(
            default(),
            written(
                unreadable(second(), "bad numerical configuration: message_size_limit = lots"),
                "x = y\nmessage_size_limit = lots\n",
            ),
        ),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ("bad numerical configuration: message_size_limit = lots"),
            ("sed -i '2s/^/#/' /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "unreadable fragment",
        host(
            default(),
            written(unreadable(second(), 'missing "}" in "...${x>>>"'), "mail_name = ${x\n"),
        ),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ('missing "}" in "...${x>>>"'),
            ("sed -i '1s/^/#/' /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "unreadable name",
        host(
            default(),
            written(
                unreadable(second(), 'unknown word in "ipx"'), "\tindented\ninet_protocols = ipx\n"
            ),
        ),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ('unknown word in "ipx"'),
            ("sed -i '2s/^/#/' /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "a line that nobody has",
        host(default(), written(unreadable(second(), f"{OUT}/main.cf, line 9: odd"), "a = b\n")),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ("/etc/postfix-out/main.cf, line 9: odd"),
            ("postconf -c /etc/postfix-out -n"),
        ),
    ),
    Fixture(
        "an unknown setting",
        host(
            default(), warned(second(), f"{OUT}/main.cf: unused parameter: smtp_conect_timeout=5s")
        ),
        Expected(
            "unknown-setting",
            "/etc/postfix-out",
            (
                "/etc/postfix-out/main.cf: no part of Postfix knows "
                "smtp_conect_timeout = 5s; smtp_connect_timeout is likely "
                "meant"
            ),
            (
                "postconf -c /etc/postfix-out -X smtp_conect_timeout && "
                "postconf -c /etc/postfix-out -e smtp_connect_timeout=5s && "
                "postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "an unknown setting in master.cf",
        host(
            default(),
            warned(
                written(second(), "", "smtp unix - - y - - smtp\n -o smtp_conect_timeout=5s\n"),
                f"{OUT}/master.cf: unused parameter: smtp_conect_timeout=5s",
            ),
        ),
        Expected(
            "unknown-setting",
            "/etc/postfix-out",
            ("/etc/postfix-out/master.cf: no part of Postfix knows smtp_conect_timeout = 5s"),
            ("postconf -c /etc/postfix-out -PX smtp/unix/smtp_conect_timeout"),
        ),
    ),
    Fixture(
        "an unknown setting with letters",
        host(
            default(),
            warned(
                written(second(), "mail_näme = x\n"),
                f"{OUT}/main.cf: unused parameter: mail_n??me=x",
            ),
        ),
        Expected(
            "unknown-setting",
            "/etc/postfix-out",
            ("/etc/postfix-out/main.cf: no part of Postfix knows mail_n??me = x"),
            ("sed -i '1s/^/#/' /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture(
        "an unknown setting with lost letters",
        host(
            default(),
            warned(
                written(second(), "other = x\n"), f"{OUT}/main.cf: unused parameter: mail_n??me=x"
            ),
        ),
        Expected(
            "unknown-setting",
            "/etc/postfix-out",
            ("/etc/postfix-out/main.cf: no part of Postfix knows mail_n??me = x"),
            ("postconf -c /etc/postfix-out -X 'mail_n??me'"),
        ),
    ),
    Fixture(
        "an undefined setting",
        host(default(), warned(second(), f"{OUT}/main.cf: undefined parameter: partners")),
        Expected(
            "undefined-setting",
            "/etc/postfix-out",
            ("$partners is used but not set anywhere: it expands to nothing"),
            ("postconf -c /etc/postfix-out -e partners="),
        ),
    ),
    Fixture(
        "a setting twice",
        host(
            default(),
            warned(second(), f"{OUT}/main.cf, line 9: overriding earlier entry: syslog_name=a"),
        ),
        Expected(
            "setting-twice",
            "/etc/postfix-out",
            ("syslog_name is set more than once in main.cf; the last one counts: postfix-out"),
            (
                "postconf -c /etc/postfix-out -X syslog_name && postconf -c /etc/postfix-out -e "
                "syslog_name=postfix-out"
            ),
        ),
    ),
    Fixture(
        "a read-only setting",
        host(
            default(),
            warned(second(), f"{OUT}/main.cf: read-only parameter assignment: process_name=x"),
        ),
        Expected(
            "postconf-warning",
            "/etc/postfix-out",
            ("/etc/postfix-out/main.cf: read-only parameter assignment: process_name=x"),
            ("postconf -c /etc/postfix-out -X process_name"),
        ),
    ),
    Fixture(
        "no IPv6",
        host(
            default(), warned(second(), "inet_protocols: disabling IPv6 name/address support: no")
        ),
        Expected(
            "postconf-warning",
            "/etc/postfix-out",
            ("inet_protocols: disabling IPv6 name/address support: no"),
            ("postconf -c /etc/postfix-out -e inet_protocols=ipv4"),
        ),
    ),
    Fixture(
        "an indented line",
        host(
            default(),
            warned(
                written(second(), "  foo = bar\nx = y\n"),
                f'{OUT}/main.cf, line 1: logical line must not start with whitespace: "foo = bar"',
            ),
        ),
        Expected(
            "postconf-warning",
            "/etc/postfix-out",
            (
                "/etc/postfix-out/main.cf, line 1: logical line must not start with whitespace: "
                '"foo = bar"'
            ),
            ("sed -i '1s/^/#/' /etc/postfix-out/main.cf"),
        ),
    ),
    Fixture("a warning of nothing", host(default(), warned(second(), "it is late"))),
    Fixture(
        "an unknown table setting",
        host(default(), warned(second(), "mysql:/etc/my.cf: unused parameter: foo=y")),
        Expected(
            "unknown-table-setting",
            "/etc/postfix-out",
            ("/etc/my.cf: no part of Postfix knows foo = y"),
            ("sed -i 's/^foo[[:space:]]*=/#&/' /etc/my.cf"),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_settings(fixture: Fixture) -> None:
    fixture.verify()
