"""Hosts that break a rule of the themes routes and refusals, and hosts that look so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import (
    ALL_NETWORKS,
    FAST,
    OUT,
    OWN_NAMES,
    PRIVATE,
    SECOND,
    SMTPD,
    STOCK,
    blocked,
    booted,
    default,
    held,
    host,
    second,
    stopped,
    unit,
    warned,
    with_tables,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.checks.picture import Picture
from postwrap.checks.rules.nobody import next_hop_unheard
from postwrap.host.model import InstanceConfig, TableAnswer

RELOAD = " && postfix -c /etc/postfix-out reload"
NO_CLIENT = (SECOND[0], *SECOND[2:])
REFUSED = "/usr/lib/postfix/postfix-script: No such file or directory"


RESTART = "postfix -c /etc/postfix-out stop && postfix -c /etc/postfix-out start"
STOCK_AND_SCAN = (*STOCK, "scan unix - - n - 10 smtp")
WITHOUT_ENTRY = (
    "{ [ ! -e /etc/postfix/routes ] || sed -i 's|^example\\.org[[:space:]]|#&|I' "
    "/etc/postfix/routes; } && postmap -c /etc/postfix-out -d example.org "
    "hash:/etc/postfix/routes" + RELOAD
)


def found(
    code: str,
    message: str,
    remedy: str,
    where: str = OUT,
    choices: tuple[tuple[str, str], ...] = (),
) -> Expected:
    return Expected(code, where, message, remedy, choices)


def answering(instance: InstanceConfig, key: str, result: str, table: str) -> InstanceConfig:
    """The instance with a transport table that gives ``result`` for ``key``."""
    changed = {"transport_maps": table}
    return with_tables(
        replace(
            instance,
            parameters={**instance.parameters, **changed},
            settings={**instance.settings, **changed},
            answers=(TableAnswer("transport_maps", table, key, result),),
        )
    )


FIXTURES = [
    Fixture(
        "no client for the default transport",
        host(default(), second(*NO_CLIENT, default_transport="smtp")),
        found(
            "transport-missing",
            "default_transport = smtp: mail goes to the service smtp, which master.cf does not "
            "have; it stays in the queue",
            "postconf -c /etc/postfix-out -M 'smtp/unix=smtp unix - - n - - smtp'" + RELOAD,
        ),
    ),
    Fixture(
        "a client that is turned off",
        host(
            default(),
            second(default_transport="smtp:[192.0.2.1]", master_service_disable="inet smtp/unix"),
        ),
        found(
            "transport-missing",
            "default_transport = smtp:[192.0.2.1]: mail goes to the service smtp, which master.cf "
            "has turned off; it stays in the queue",
            "postconf -c /etc/postfix-out -e master_service_disable=inet" + RELOAD,
        ),
    ),
    Fixture(
        "a filter that only the default instance has",
        host(
            default(*STOCK, "scan unix - n n - 10 pipe flags=R"),
            second(content_filter="scan:dummy"),
        ),
        found(
            "transport-missing",
            "content_filter = scan:dummy: mail goes to the service scan, which master.cf does not "
            "have; it stays in the queue",
            "postconf -c /etc/postfix-out -M 'scan/unix=scan unix - n n - 10 pipe flags=R'"
            + RELOAD,
        ),
    ),
    Fixture(
        "a transport that no mail goes by",
        host(default(), second(virtual_transport="virtual", virtual_mailbox_domains="")),
    ),
    Fixture(
        "a fallback at another port than the one other instance has",
        host(default(smtp_fallback_relay=f"[{PRIVATE}]:26", **FAST), second()),
        found(
            "next-hop-unheard",
            "smtp_fallback_relay = [10.0.0.1]:26: nobody listens at 10.0.0.1:26, an address of "
            "this host",
            "",
            "/etc/postfix",
            (
                (
                    "/etc/postfix-out is to listen there",
                    "postconf -c /etc/postfix-out -M "
                    "'10.0.0.1:26/inet=10.0.0.1:26 inet n - y - - smtpd' && " + RESTART,
                ),
                (
                    "mail is to go to 10.0.0.1:25, where an instance listens",
                    "postconf -e 'smtp_fallback_relay=[10.0.0.1]:25' && postfix reload",
                ),
                ("another program is to listen there, and is down", "ss -ltnp"),
                (
                    "no mail is to go there",
                    "postconf -e smtp_fallback_relay= && postfix reload",
                ),
            ),
        ),
    ),
    Fixture(
        "a fallback at a port that a misspelt setting was to set",
        host(
            default(smtp_fallback_relay=f"[{PRIVATE}]:26", **FAST),
            warned(
                second(smtpd_port="26"),
                "/etc/postfix-out/main.cf: unused parameter: smtpd_port=26",
            ),
        ),
        (
            found(
                "next-hop-unheard",
                "smtp_fallback_relay = [10.0.0.1]:26: nobody listens at 10.0.0.1:26, an address "
                "of this host",
                "postconf -c /etc/postfix-out -M "
                "'10.0.0.1:26/inet=10.0.0.1:26 inet n - y - - smtpd' && " + RESTART,
                "/etc/postfix",
            ),
            found(
                "unknown-setting",
                "/etc/postfix-out/main.cf: no part of Postfix knows smtpd_port = 26",
                "postconf -c /etc/postfix-out -X smtpd_port",
            ),
        ),
    ),
    Fixture(
        "a fallback of a secondary at nobody",
        host(default(), second(smtp_fallback_relay="[127.0.0.1]:26, [192.0.2.1]", **FAST)),
        found(
            "next-hop-unheard",
            "smtp_fallback_relay = [127.0.0.1]:26: nobody listens at 127.0.0.1:26, an address of "
            "this host",
            "",
            OUT,
            (
                (
                    "/etc/postfix is to listen there",
                    (
                        "postconf -M '127.0.0.1:26/inet=127.0.0.1:26 inet n - y - - smtpd' && "
                        "postfix stop && postfix start"
                    ),
                ),
                ("another program is to listen there, and is down", "ss -ltnp"),
                (
                    "no mail is to go there",
                    "postconf -c /etc/postfix-out -e 'smtp_fallback_relay=[192.0.2.1]'" + RELOAD,
                ),
            ),
        ),
    ),
    Fixture(
        "a filter that is down",
        host(default(*STOCK_AND_SCAN, content_filter="scan:[127.0.0.1]:10024")),
        found(
            "next-hop-unheard",
            "content_filter = scan:[127.0.0.1]:10024: nobody listens at 127.0.0.1:10024, an "
            "address of this host",
            "",
            "/etc/postfix",
            (
                ("another program is to listen there, and is down", "ss -ltnp"),
                ("mail is not to be filtered", "postconf -e content_filter= && postfix reload"),
            ),
        ),
    ),
    Fixture(
        "a table that leads to nobody",
        host(
            default(),
            answering(second(), "example.org", "smtp:[127.0.0.1]:26", "hash:/etc/postfix/routes"),
        ),
        found(
            "next-hop-unheard",
            "transport_maps, hash:/etc/postfix/routes: example.org smtp:[127.0.0.1]:26: nobody "
            "listens at 127.0.0.1:26, an address of this host",
            "",
            OUT,
            (
                (
                    "/etc/postfix is to listen there",
                    (
                        "postconf -M '127.0.0.1:26/inet=127.0.0.1:26 inet n - y - - smtpd' && "
                        "postfix stop && postfix start"
                    ),
                ),
                ("another program is to listen there, and is down", "ss -ltnp"),
                ("no mail is to go there", WITHOUT_ENTRY),
            ),
        ),
    ),
    Fixture(
        "a table that leads back",
        host(
            default(),
            answering(second(), "example.org", "smtp:[10.0.0.1]", "hash:/etc/postfix/routes"),
        ),
        found(
            "route-loop",
            "mail for example.org goes in a circle: transport_maps, hash:/etc/postfix/routes: "
            "example.org smtp:[10.0.0.1] of /etc/postfix-out",
            WITHOUT_ENTRY,
        ),
    ),
    Fixture(
        "a table that leads to where the domain is local",
        host(
            default(mydestination="example.org", relayhost="[10.0.0.1]", **ALL_NETWORKS),
            answering(
                second(**OWN_NAMES, **ALL_NETWORKS),
                "example.org",
                "smtp:[127.0.0.1]",
                "hash:/etc/postfix/routes",
            ),
        ),
    ),
    Fixture(
        "tables that lead from one to the other and back",
        host(
            answering(
                default(**ALL_NETWORKS), "example.org", "smtp:[10.0.0.1]", "texthash:/etc/t1"
            ),
            answering(
                second(**OWN_NAMES, **ALL_NETWORKS), "*", "smtp:[127.0.0.1]", "texthash:/etc/t2"
            ),
        ),
        found(
            "route-loop",
            "mail for example.org goes in a circle: transport_maps, texthash:/etc/t1: example.org "
            "smtp:[10.0.0.1] of /etc/postfix, transport_maps, texthash:/etc/t2: * "
            "smtp:[127.0.0.1] of /etc/postfix-out",
            "",
            "/etc/postfix",
            (
                (
                    "/etc/postfix is not to hand it to /etc/postfix-out",
                    "sed -i 's|^example\\.org[[:space:]]|#&|I' /etc/t1 && postfix reload",
                ),
                (
                    "/etc/postfix-out is not to hand it to /etc/postfix",
                    "sed -i 's|^\\*[[:space:]]|#&|I' /etc/t2" + RELOAD,
                ),
            ),
        ),
    ),
    Fixture(
        "a table that names a service that is not there",
        host(
            default(),
            answering(second(), "example.org", "slow:[192.0.2.1]", "hash:/etc/postfix/routes"),
        ),
        found(
            "transport-missing",
            "transport_maps, hash:/etc/postfix/routes: example.org slow:[192.0.2.1]: mail goes to "
            "the service slow, which master.cf does not have; it stays in the queue",
            WITHOUT_ENTRY,
        ),
    ),
    Fixture(
        "a fallback at a program",
        host(
            default(),
            second(smtp_fallback_relay="[127.0.0.1]:26", **FAST),
            sockets=(held("127.0.0.1", 26),),
        ),
    ),
    Fixture(
        "programs of another distribution",
        host(
            default(),
            replace(second(daemon_directory="/usr/lib/postfix"), refusal=REFUSED),
        ),
        found(
            "postfix-refuses",
            f"postfix(1) refuses it: {REFUSED}",
            "postconf -c /etc/postfix-out -X daemon_directory",
        ),
    ),
    Fixture(
        "directories that postmulti refuses",
        host(
            default(SMTPD, daemon_directory="/usr/lib/x", shlib_directory="/usr/lib/x"),
            refusal="instance /etc/postfix, shlib_directory=/usr/lib/x conflicts with instance "
            "/etc/postfix, daemon_directory=/usr/lib/x",
        ),
        found(
            "postfix-refuses",
            "postfix(1) refuses it: instance /etc/postfix, shlib_directory=/usr/lib/x conflicts "
            "with instance /etc/postfix, daemon_directory=/usr/lib/x",
            "postconf -X daemon_directory shlib_directory",
            "/etc/postfix",
        ),
    ),
    Fixture(
        "a wrapper without -p",
        host(default(multi_instance_wrapper="/usr/sbin/postmulti")),
        found(
            "wrapper-refused",
            "multi_instance_wrapper = /usr/sbin/postmulti: postmulti wants -p -- before start and "
            "stop, so postfix(1) starts and stops nothing",
            "postconf -e 'multi_instance_wrapper=${command_directory}/postmulti -p --'",
            "/etc/postfix",
        ),
    ),
    Fixture("a wrapper of somebody's own", host(default(multi_instance_wrapper="/opt/all"))),
    Fixture(
        "one that is down and enabled",
        booted(default(), stopped(second()), units=(unit("postfix@postfix-out.service"),)),
        found(
            "not-running",
            "is enabled, and does not run: it takes no mail and passes none on",
            "systemctl restart postfix@postfix-out.service",
        ),
    ),
    Fixture("one that is down", host(default(), stopped(second()))),
    Fixture(
        "one whose master waits to write to its log",
        host(default(), blocked(second())),
        found(
            "master-blocked",
            "master(8) waits for postlogd(8), which it cannot start: mail stands still",
            "rm -f /var/spool/postfix-out/public/postlog"
            " && { postfix -c /etc/postfix-out stop || true; }"
            " && postfix -c /etc/postfix-out start",
        ),
    ),
    Fixture(
        "a program that dies",
        Picture(
            host(default(), second()),
            fatal={"/etc/postfix-out": ("smtpd: fatal: one", "smtpd: fatal: two")},
        ),
        found(
            "dies",
            "smtpd: fatal: two (in its log 2 times since it was started or changed)",
            "postfix -c /etc/postfix-out stop && postfix -c /etc/postfix-out start",
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_routes(fixture: Fixture) -> None:
    fixture.verify()


@pytest.mark.parametrize(("port", "is_meant"), [(25, True), (26, False)])
def test_an_instance_without_an_address_is_meant_by_its_own_port_alone(
    port: int, is_meant: bool
) -> None:
    """It is to keep the port at which clients know it: another one is a matter of intent."""
    model = host(default(relayhost=f"[{PRIVATE}]:{port}"), second(*STOCK))
    (hit,) = next_hop_unheard(Picture(model))
    assert bool(hit.remedy) == is_meant
    assert bool(hit.choices) != is_meant
