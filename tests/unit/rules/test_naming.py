"""Hosts that break a rule of the theme naming, and hosts that look so and are sound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import (
    LOOPBACK,
    OUT,
    default,
    distrusted,
    host,
    moved,
    refusing,
    second,
    stopped,
    unreadable,
    written,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.model import Alias, Master
from postwrap.host.rights import Fault

FIXTURES = [
    Fixture(
        "a directory with a space",
        refusing(
            host(
                default(alternate_config_directories="/etc/postfix-a b"),
                moved(second(), "/etc/postfix-a b", "-a b"),
                registered=("/etc/postfix-a b",),
            ),
            "/etc/postfix-a b",
        ),
        Expected(
            "not-served",
            "/etc/postfix-a b",
            ("has odd characters"),
            (
                "postfix -c '/etc/postfix-a b' stop && mv '/etc/postfix-a b' /etc/postfix-a-b && "
                "postconf -e 'alternate_config_directories=/etc/postfix-a b /etc/postfix-a-b' && "
                "postfix -c /etc/postfix-a-b start && postwrap install"
            ),
        ),
    ),
    Fixture(
        "a stopped one with a name and a table in it",
        refusing(
            host(
                default(),
                written(
                    moved(
                        stopped(second(multi_instance_name="a b", name="out")),
                        "/etc/postfix-ä",
                        "-ä",
                    ),
                    "transport_maps = texthash:/etc/postfix-ä/t",
                ),
                registered=("/etc/postfix-ä",),
            ),
            "/etc/postfix-ä",
        ),
        Expected(
            "not-served",
            "/etc/postfix-ä",
            ("has odd characters"),
            (
                'mv "$(printf \'/etc/postfix-\\303\\244\')" /etc/postfix-2 && sed -i "$(printf '
                "'s|/etc/postfix-\\303\\244/|/etc/postfix-2/|g')\" /etc/postfix-2/main.cf "
                "/etc/postfix-2/master.cf && postconf -c /etc/postfix-2 -e "
                "multi_instance_name=postfix-2 && postconf -e "
                "alternate_config_directories=/etc/postfix-2 && postwrap install"
            ),
        ),
    ),
    Fixture(
        "a multi_instance_name that is no name",
        refusing(
            host(
                default(),
                moved(second(multi_instance_name="ä"), "/srv/mail", "-ä"),
                registered=("/srv/mail",),
            ),
            "/srv/mail",
        ),
        Expected(
            "not-served",
            "/srv/mail",
            ("has odd characters"),
            ("postconf -c /srv/mail -e multi_instance_name=mail && postwrap install"),
        ),
    ),
    Fixture(
        "two with one suffix",
        refusing(
            host(
                default(),
                second(),
                moved(
                    second(name="twin", inet_interfaces=LOOPBACK, master_service_disable="inet"),
                    "/srv/postfix-out",
                    "-out",
                ),
                registered=(OUT, "/srv/postfix-out"),
            ),
            "/srv/postfix-out",
            "would have the same commands",
        ),
        Expected(
            "not-served",
            "/srv/postfix-out",
            ("would have the same commands"),
            (
                "postfix -c /srv/postfix-out stop && mv /srv/postfix-out /srv/postfix-out-2 && "
                "postconf -e alternate_config_directories=/srv/postfix-out-2 && postfix -c "
                "/srv/postfix-out-2 start && postwrap install"
            ),
        ),
    ),
    Fixture(
        "the first of two with one suffix",
        refusing(
            host(
                default(),
                second(),
                moved(
                    second(name="twin", inet_interfaces=LOOPBACK, master_service_disable="inet"),
                    "/srv/postfix-out",
                    "-out",
                ),
                registered=(OUT, "/srv/postfix-out"),
            ),
            OUT,
            "would have the same commands",
        ),
    ),
    Fixture(
        "refused for a reason that another rule tells",
        refusing(
            host(
                default(),
                distrusted(
                    second(),
                    Fault(OUT, "can be written to by group or others", f"chmod go-w {OUT}"),
                ),
            ),
            OUT,
            "can be changed",
        ),
        Expected(
            "writable",
            "/etc/postfix-out",
            (
                "can be changed by others than root: /etc/postfix-out can be written to by group "
                "or others"
            ),
            ("chmod go-w /etc/postfix-out"),
        ),
    ),
    Fixture("refused and no instance", refusing(host(default(), second()), "/etc/postfix-file")),
    Fixture(
        "refused and dark",
        refusing(host(default(), unreadable(second(), "fatal: x")), OUT),
        Expected(
            "unreadable-settings",
            "/etc/postfix-out",
            ("fatal: x"),
            ("postconf -c /etc/postfix-out -n"),
        ),
    ),
    Fixture(
        "a directory called postfix elsewhere",
        refusing(
            host(
                default(),
                moved(second(), "/srv/ä/postfix", "-postfix"),
                registered=("/srv/ä/postfix",),
            ),
            "/srv/ä/postfix",
        ),
        Expected(
            "not-served",
            "/srv/ä/postfix",
            ("has odd characters"),
            (
                'postfix -c "$(printf \'/srv/\\303\\244/postfix\')" stop && mv "$(printf '
                "'/srv/\\303\\244/postfix')\" \"$(printf '/srv/\\303\\244/postfix-2')\" && post"
                "conf -e \"$(printf 'alternate_config_directories=/srv/\\303\\244/postfix-2')\" && "
                "postfix -c \"$(printf '/srv/\\303\\244/postfix-2')\" start && postwrap install"
            ),
        ),
    ),
    Fixture(
        "a link to an instance",
        host(default(), second(), aliases={"/etc/postfix-alias": Alias(OUT, is_link=True)}),
        Expected(
            "two-names",
            "/etc/postfix-alias",
            ("/etc/postfix-alias is another name of /etc/postfix-out, which alone has commands"),
            ("rm /etc/postfix-alias"),
        ),
    ),
    Fixture(
        "a registered link that was started",
        host(
            default(alternate_config_directories="/srv/alias"),
            replace(second(), master=Master(9, "/srv/alias", "/var/spool/postfix-out")),
            registered=("/srv/alias", OUT),
            aliases={"/srv/alias": Alias(OUT, is_link=False)},
        ),
        Expected(
            "two-names",
            "/srv/alias",
            ("/srv/alias is another name of /etc/postfix-out, which alone has commands"),
            (
                "postconf -e alternate_config_directories=/etc/postfix-out && postfix -c "
                "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
            ),
        ),
    ),
    Fixture(
        "a second name of what is no instance",
        host(default(), aliases={"/srv/alias": Alias("/srv/x", is_link=True)}),
        Expected(
            "two-names",
            "/srv/alias",
            ("/srv/alias is another name of /srv/x, which alone has commands"),
            ("rm /srv/alias"),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_naming(fixture: Fixture) -> None:
    fixture.verify()
