"""Hosts that break a rule of the theme identity, and hosts that look so and are sound."""

from __future__ import annotations

import pytest
from tests.unit.hosts import (
    ADDRESSES,
    ALL_NETWORKS,
    LOOPBACK,
    OWN_NAMES,
    PRIVATE,
    PUBLIC,
    SECOND,
    SMTP,
    STOCK,
    addresses,
    default,
    host,
    known,
    second,
)
from tests.unit.rules.fixture import Expected, Fixture

SIX = "2001:db8::1"

FIXTURES = [
    Fixture(
        "one hostname",
        host(default(relayhost=f"[{PRIVATE}]:25"), second(**ALL_NETWORKS)),
        Expected(
            "same-hostname",
            "/etc/postfix-out",
            (
                "its myhostname mail.example.com is that of /etc/postfix, and relayhost of "
                "/etc/postfix makes them speak to each other"
            ),
            (
                "postconf -c /etc/postfix-out -e myhostname=out.example.com "
                "smtp_helo_name=mail.example.com && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "one hostname and a name in /etc/hosts",
        host(
            default(relayhost=f"[{PRIVATE}]:25"),
            second(**ALL_NETWORKS, smtp_helo_name="mail.example.com"),
            names={"two": known(PRIVATE), "two.example.net": known(PRIVATE)},
        ),
        Expected(
            "same-hostname",
            "/etc/postfix-out",
            (
                "its myhostname mail.example.com is that of /etc/postfix, and relayhost of "
                "/etc/postfix makes them speak to each other"
            ),
            (
                "postconf -c /etc/postfix-out -e myhostname=two.example.net && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "one hostname, the secondary sends",
        host(default(**ALL_NETWORKS), second(relayhost=f"[{PUBLIC}]", **ALL_NETWORKS)),
        Expected(
            "same-hostname",
            "/etc/postfix-out",
            (
                "its myhostname mail.example.com is that of /etc/postfix, and relayhost of "
                "/etc/postfix-out makes them speak to each other"
            ),
            (
                "postconf -c /etc/postfix-out -e myhostname=out.example.com "
                "smtp_helo_name=mail.example.com && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "one hostname at another port",
        host(
            default(relayhost=f"[{PRIVATE}]:2525"),
            second(f"{PRIVATE}:2525 inet n - y - - smtpd", SMTP, **ALL_NETWORKS),
        ),
    ),
    Fixture(
        "one hostname, both ways, told once",
        host(
            default(relayhost=f"[{PRIVATE}]:25", mydestination="example.com", **ALL_NETWORKS),
            second(relay_domains="example.com", relay_transport=f"smtp:[{PUBLIC}]", **ALL_NETWORKS),
        ),
        Expected(
            "same-hostname",
            "/etc/postfix-out",
            (
                "its myhostname mail.example.com is that of /etc/postfix, and relayhost of "
                "/etc/postfix makes them speak to each other"
            ),
            (
                "postconf -c /etc/postfix-out -e myhostname=out.example.com "
                "smtp_helo_name=mail.example.com && postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a HELO from inside",
        host(default(), second(smtp_helo_name="out.lan")),
        Expected(
            "helo-leak",
            "/etc/postfix-out",
            (
                "it greets the Internet as out.lan, which only this network knows: its mail may be "
                "refused"
            ),
            (
                "postconf -c /etc/postfix-out -e smtp_helo_name=mail.example.com && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a HELO that /etc/hosts knows inside",
        host(
            default(),
            second(smtp_helo_name="out.example.com"),
            names={"out.example.com": known(PRIVATE)},
        ),
        Expected(
            "helo-leak",
            "/etc/postfix-out",
            (
                "it greets the Internet as out.example.com, which only this network knows: its "
                "mail may be refused"
            ),
            (
                "postconf -c /etc/postfix-out -e smtp_helo_name=mail.example.com && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a HELO from inside in one service",
        host(default(), second(SECOND[0], f"{SMTP} -o smtp_helo_name=out")),
        Expected(
            "helo-leak",
            "/etc/postfix-out",
            (
                "it greets the Internet as out, which only this network knows: its mail may be "
                "refused"
            ),
            (
                "postconf -c /etc/postfix-out -P smtp/unix/smtp_helo_name=mail.example.com && "
                "postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "no public name anywhere",
        host(default(smtp_helo_name="mail"), second(smtp_helo_name="out.lan")),
    ),
    Fixture(
        "a HELO from inside by an inside relay",
        host(default(), second(smtp_helo_name="out.lan", relayhost="[10.9.9.9]")),
    ),
    Fixture(
        "no client at all",
        host(
            default(),
            second(
                SECOND[0],
                "pickup unix n - y 60 1 pickup",
                smtp_helo_name="out.lan",
                inet_interfaces=PRIVATE,
            ),
        ),
    ),
    Fixture(
        "a sender that mynetworks lacks",
        host(default(relayhost=f"[{PRIVATE}]:25"), second(**OWN_NAMES)),
        Expected(
            "mynetworks-lacks-sibling",
            "/etc/postfix-out",
            ("its mynetworks lack 10.0.0.1, from which /etc/postfix sends: Relay access denied"),
            (
                "postconf -c /etc/postfix-out -e 'mynetworks=127.0.0.0/8 10.0.0.1/32' && postfix "
                "-c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a sender that one service's mynetworks lacks",
        host(
            default(relayhost=f"[{PRIVATE}]:25"),
            second(
                f"{SECOND[0]} -o mynetworks=127.0.0.0/8", *STOCK[1:], **OWN_NAMES, **ALL_NETWORKS
            ),
        ),
        Expected(
            "mynetworks-lacks-sibling",
            "/etc/postfix-out",
            ("its mynetworks lack 10.0.0.1, from which /etc/postfix sends: Relay access denied"),
            (
                "postconf -c /etc/postfix-out -P "
                "10.0.0.1:smtp/inet/mynetworks=127.0.0.0/8,10.0.0.1/32 && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a sender with an address of its own",
        host(default(relayhost=f"[{PRIVATE}]:25", smtp_bind_address=PUBLIC), second(**OWN_NAMES)),
        Expected(
            "mynetworks-lacks-sibling",
            "/etc/postfix-out",
            (
                "its mynetworks lack 88.198.105.204, from which /etc/postfix sends: Relay access "
                "denied"
            ),
            (
                "postconf -c /etc/postfix-out -e 'mynetworks=127.0.0.0/8 88.198.105.204/32' && "
                "postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a sender of one address",
        host(default(relayhost=f"[{PRIVATE}]:25", inet_interfaces=PUBLIC), second(**OWN_NAMES)),
        Expected(
            "mynetworks-lacks-sibling",
            "/etc/postfix-out",
            (
                "its mynetworks lack 88.198.105.204, from which /etc/postfix sends: Relay access "
                "denied"
            ),
            (
                "postconf -c /etc/postfix-out -e 'mynetworks=127.0.0.0/8 88.198.105.204/32' && "
                "postfix -c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a sender bound to any address",
        host(
            default(relayhost=f"[{PRIVATE}]:25", smtp_bind_address="0.0.0.0"), second(**OWN_NAMES)
        ),
        Expected(
            "mynetworks-lacks-sibling",
            "/etc/postfix-out",
            ("its mynetworks lack 10.0.0.1, from which /etc/postfix sends: Relay access denied"),
            (
                "postconf -c /etc/postfix-out -e 'mynetworks=127.0.0.0/8 10.0.0.1/32' && postfix "
                "-c /etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "mynetworks in a table",
        host(default(relayhost=f"[{PRIVATE}]:25"), second(mynetworks="hash:/etc/n", **OWN_NAMES)),
    ),
    Fixture(
        "mynetworks in a file",
        host(default(relayhost=f"[{PRIVATE}]:25"), second(mynetworks="/etc/n", **OWN_NAMES)),
    ),
    Fixture(
        "mynetworks with an exception",
        host(
            default(relayhost=f"[{PRIVATE}]:25"),
            second(mynetworks="!10.0.0.9 127.0.0.0/8", **OWN_NAMES),
        ),
    ),
    Fixture(
        "relaying by other means",
        host(
            default(relayhost=f"[{PRIVATE}]:25"),
            second(
                smtpd_relay_restrictions="permit_mynetworks, check_client_access hash:/x, reject",
                **OWN_NAMES,
            ),
        ),
    ),
    Fixture(
        "a private address to send from",
        host(default(), second(inet_interfaces=PRIVATE)),
        Expected(
            "private-source",
            "/etc/postfix-out",
            (
                "10.0.0.1 is the one address of its inet_interfaces, so it also sends from there: "
                "the Internet cannot answer"
            ),
            (
                "postconf -c /etc/postfix-out -e smtp_bind_address=0.0.0.0 && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
    Fixture(
        "a private address and another to send from",
        host(default(), second(inet_interfaces=PRIVATE, smtp_bind_address="0.0.0.0")),
    ),
    Fixture(
        "a private address behind address translation",
        host(
            default(inet_interfaces=LOOPBACK),
            second(inet_interfaces=PRIVATE),
            addresses=addresses(LOOPBACK, PRIVATE),
        ),
    ),
    Fixture(
        "a private address of IPv6",
        host(
            default(),
            second(inet_interfaces="fd00::1", inet_protocols="all"),
            addresses=(*ADDRESSES, *addresses("fd00::1", SIX)),
        ),
        Expected(
            "private-source",
            "/etc/postfix-out",
            (
                "fd00::1 is the one address of its inet_interfaces, so it also sends from there: "
                "the Internet cannot answer"
            ),
            (
                "postconf -c /etc/postfix-out -e smtp_bind_address6=:: && postfix -c "
                "/etc/postfix-out reload"
            ),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_identity(fixture: Fixture) -> None:
    fixture.verify()
