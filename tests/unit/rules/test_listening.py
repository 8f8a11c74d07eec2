"""Hosts that break a rule of the theme listening, and hosts that look so and are sound."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.unit.hosts import (
    ADDRESSES,
    LOOPBACK,
    PRIVATE,
    PUBLIC,
    SECOND,
    SMTP,
    SMTPD,
    addresses,
    booted,
    default,
    held,
    held_by,
    host,
    second,
    stopped,
    unit,
)
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.host.addresses import Endpoint
from postwrap.host.model import HeldSocket

SIX = "2001:db8::1"

FIXTURES = [
    Fixture(
        "the default everywhere",
        host(default(inet_interfaces="all"), second()),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 10.0.0.1:25 too: connections go to either"),
            (
                "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204' && "
                "postfix stop && postfix start"
            ),
        ),
    ),
    Fixture(
        "both everywhere",
        host(default(inet_interfaces="all"), second(SMTPD, inet_interfaces="all")),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 0.0.0.0:25 too: connections go to either"),
            "",
            (
                (
                    "/etc/postfix is to take the mail there",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "master_service_disable=smtp/inet && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
                (
                    "/etc/postfix-out is to take the mail there",
                    (
                        "postconf -e master_service_disable=smtp/inet && postfix "
                        "stop && postfix start"
                    ),
                ),
                (
                    "/etc/postfix-out is to listen at 10.0.0.1 instead",
                    (
                        "postconf -c /etc/postfix-out -F "
                        "smtp/inet/service=10.0.0.1:smtp && postconf -e "
                        "'inet_interfaces=127.0.0.1, 88.198.105.204' && postfix stop "
                        "&& postfix start && postfix -c /etc/postfix-out stop && "
                        "postfix -c /etc/postfix-out start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "both by inet_interfaces",
        host(default(), second(SMTPD)),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            (
                "/etc/postfix listens at 88.198.105.204:25, 127.0.0.1:25 "
                "too: connections go to either"
            ),
            "",
            (
                (
                    "/etc/postfix is to take the mail there",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "master_service_disable=smtp/inet && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
                (
                    "/etc/postfix-out is to take the mail there",
                    (
                        "postconf -e master_service_disable=smtp/inet && postfix "
                        "stop && postfix start"
                    ),
                ),
                (
                    "/etc/postfix-out is to listen at 10.0.0.1 instead",
                    (
                        "postconf -c /etc/postfix-out -F "
                        "smtp/inet/service=10.0.0.1:smtp && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "nothing to move to",
        host(
            default(inet_interfaces="all"),
            second(SMTPD, inet_interfaces="all"),
            addresses=addresses(LOOPBACK, PUBLIC),
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 0.0.0.0:25 too: connections go to either"),
            "",
            (
                (
                    "/etc/postfix is to take the mail there",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "master_service_disable=smtp/inet && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
                (
                    "/etc/postfix-out is to take the mail there",
                    (
                        "postconf -e master_service_disable=smtp/inet && postfix "
                        "stop && postfix start"
                    ),
                ),
            ),
        ),
    ),
    Fixture("an idle default instance", host(stopped(default(inet_interfaces="all")), second())),
    Fixture(
        "an idle one that the boot starts",
        booted(stopped(default(inet_interfaces="all")), second(), units=(unit("x@out.service"),)),
        Expected(
            "listener-overlap",
            "/etc/postfix",
            (
                "from the next boot on, it and /etc/postfix-out both listen "
                "at 10.0.0.1:25, and the kernel splits the connections"
            ),
            "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204'",
        ),
    ),
    Fixture(
        "an idle one that the boot starts, and the running one everywhere",
        booted(
            stopped(default()), second(SMTPD, inet_interfaces="all"), units=(unit("x@out.service"),)
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix",
            (
                "from the next boot on, it and /etc/postfix-out both listen "
                "at 88.198.105.204:25, 127.0.0.1:25, and the kernel splits "
                "the connections"
            ),
            "postconf -e master_service_disable=inet",
        ),
    ),
    Fixture(
        "an idle one that has nowhere else to listen",
        booted(
            stopped(default(inet_interfaces=PRIVATE, smtp_bind_address="0.0.0.0")),
            second(),
            units=(unit("x@out.service"),),
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix",
            (
                "from the next boot on, it and /etc/postfix-out both listen "
                "at 10.0.0.1:25, and the kernel splits the connections"
            ),
            "postconf -e master_service_disable=inet",
        ),
    ),
    Fixture(
        "an idle secondary that the boot starts",
        booted(default(inet_interfaces="all"), stopped(second()), units=(unit("x@out.service"),)),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            (
                "from the next boot on, it and /etc/postfix both listen at "
                "10.0.0.1:25, and the kernel splits the connections"
            ),
            "",
            (
                (
                    "/etc/postfix is to take the mail there",
                    ("postconf -c /etc/postfix-out -e master_service_disable=10.0.0.1:smtp/inet"),
                ),
                (
                    "/etc/postfix-out is to take the mail there",
                    (
                        "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204' && "
                        "postfix stop && systemctl restart postfix.service && "
                        "systemctl restart x@out.service"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "two idle ones that the boot starts",
        booted(
            stopped(default(inet_interfaces="all")),
            stopped(second()),
            units=(unit("x@out.service"),),
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            (
                "from the next boot on, it and /etc/postfix both listen at "
                "10.0.0.1:25, and the kernel splits the connections"
            ),
            "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204'",
        ),
    ),
    Fixture(
        "who runs is unknown",
        host(
            replace(default(inet_interfaces="all"), running=None, master=None),
            replace(second(), running=None, master=None),
            is_root=False,
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 10.0.0.1:25 too: if both run, they share it"),
            (
                "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204' && "
                "postfix stop && postfix start"
            ),
        ),
    ),
    Fixture(
        "two bound by master.cf",
        host(default(f"{PRIVATE}:smtp inet n - y - - smtpd"), second()),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 10.0.0.1:25 too: connections go to either"),
            "",
            (
                (
                    "/etc/postfix is to take the mail there",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "master_service_disable=10.0.0.1:smtp/inet && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
                (
                    "/etc/postfix-out is to take the mail there",
                    (
                        "postconf -e master_service_disable=10.0.0.1:smtp/inet && "
                        "postfix stop && postfix start"
                    ),
                ),
                (
                    "/etc/postfix-out is to listen at 88.198.105.204 instead",
                    (
                        "postconf -c /etc/postfix-out -F "
                        "10.0.0.1:smtp/inet/service=88.198.105.204:smtp && postconf "
                        "-e inet_interfaces=127.0.0.1 && postfix stop && postfix "
                        "start && postfix -c /etc/postfix-out stop && postfix -c "
                        "/etc/postfix-out start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "the secondary everywhere",
        host(default(), second(SMTPD, inet_interfaces="all")),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            (
                "/etc/postfix listens at 88.198.105.204:25, 127.0.0.1:25 "
                "too: connections go to either"
            ),
            (
                "postconf -c /etc/postfix-out -e inet_interfaces=10.0.0.1 && "
                "postfix -c /etc/postfix-out stop && postfix -c "
                "/etc/postfix-out start"
            ),
        ),
    ),
    Fixture(
        "IPv6 too",
        host(
            default(inet_interfaces="all", inet_protocols="all"),
            second(f"[{SIX}]:smtp inet n - y - - smtpd", inet_protocols="all"),
            addresses=(*ADDRESSES, *addresses(SIX, "2001:db8::2")),
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at [2001:db8::1]:25 too: connections go to either"),
            (
                "postconf -e 'inet_interfaces=127.0.0.1, 88.198.105.204, "
                "10.0.0.1, 2001:db8::2' smtp_bind_address6=:: && postfix "
                "stop && postfix start"
            ),
        ),
    ),
    Fixture(
        "no address but one for the default",
        host(
            default(inet_interfaces="all"),
            second(f"{PUBLIC}:smtp inet n - y - - smtpd"),
            addresses=addresses(LOOPBACK, PUBLIC),
        ),
        Expected(
            "listener-overlap",
            "/etc/postfix-out",
            ("/etc/postfix listens at 88.198.105.204:25 too: connections go to either"),
            "",
            (
                (
                    "/etc/postfix is to take the mail there",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "master_service_disable=88.198.105.204:smtp/inet && postfix "
                        "-c /etc/postfix-out stop && postfix -c /etc/postfix-out "
                        "start"
                    ),
                ),
                (
                    "/etc/postfix-out is to take the mail there",
                    (
                        "postconf -e master_service_disable=smtp/inet && postfix "
                        "stop && postfix start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "another program",
        host(default(), stopped(second()), sockets=(held(PRIVATE),)),
        Expected(
            "listener-taken",
            "/etc/postfix-out",
            ("10.0.0.1:25 is taken by nc (process 4711): the instance cannot start"),
            "",
            (
                (
                    "/etc/postfix-out is to listen there",
                    "kill 4711 && postfix -c /etc/postfix-out start",
                ),
                (
                    "nc is to listen there",
                    ("postconf -c /etc/postfix-out -e master_service_disable=10.0.0.1:smtp/inet"),
                ),
            ),
        ),
    ),
    Fixture(
        "another program that is a unit",
        host(
            default(),
            stopped(second()),
            sockets=(held(PRIVATE, unit="exim.service", program="exim"),),
        ),
        Expected(
            "listener-taken",
            "/etc/postfix-out",
            ("10.0.0.1:25 is taken by exim (process 4711): the instance cannot start"),
            "",
            (
                (
                    "/etc/postfix-out is to listen there",
                    ("systemctl disable --now exim.service && postfix -c /etc/postfix-out start"),
                ),
                (
                    "exim is to listen there",
                    ("postconf -c /etc/postfix-out -e master_service_disable=10.0.0.1:smtp/inet"),
                ),
            ),
        ),
    ),
    Fixture(
        "another program at an address that can be left",
        host(stopped(default()), second(), sockets=(held(LOOPBACK),)),
        Expected(
            "listener-taken",
            "/etc/postfix",
            ("127.0.0.1:25 is taken by nc (process 4711): the instance cannot start"),
            ("postconf -e inet_interfaces=88.198.105.204 smtp_bind_address=0.0.0.0"),
        ),
    ),
    Fixture(
        "another program everywhere",
        host(stopped(default()), sockets=(held("0.0.0.0"),)),
        Expected(
            "listener-taken",
            "/etc/postfix",
            (
                "88.198.105.204:25, 127.0.0.1:25 is taken by nc (process "
                "4711): the instance cannot start"
            ),
            "",
            (
                ("/etc/postfix is to listen there", "kill 4711 && postfix start"),
                ("nc is to listen there", "postconf -e master_service_disable=smtp/inet"),
            ),
        ),
    ),
    Fixture(
        "another program at both families",
        host(stopped(default()), sockets=(held("::"),)),
        Expected(
            "listener-taken",
            "/etc/postfix",
            (
                "88.198.105.204:25, 127.0.0.1:25 is taken by nc (process "
                "4711): the instance cannot start"
            ),
            "",
            (
                ("/etc/postfix is to listen there", "kill 4711 && postfix start"),
                ("nc is to listen there", "postconf -e master_service_disable=smtp/inet"),
            ),
        ),
    ),
    Fixture(
        "another program at [::] beside us",
        host(default(), sockets=(held("::"), held_by(default(), PUBLIC))),
    ),
    Fixture(
        "a holder that is unknown",
        host(default(), sockets=(HeldSocket(Endpoint(ip_address(PUBLIC), 25)),)),
    ),
    Fixture(
        "an address that the host lacks",
        host(default(), second(), addresses=addresses(LOOPBACK, PUBLIC)),
        Expected(
            "address-missing",
            "/etc/postfix-out",
            (
                "10.0.0.1:smtp in master.cf names 10.0.0.1, which no "
                "interface has: the instance cannot start (fatal: bind: "
                "Cannot assign requested address)"
            ),
            "",
            (
                (
                    "this host is not to have 10.0.0.1",
                    (
                        "postconf -c /etc/postfix-out '-M#' 10.0.0.1:smtp/inet && "
                        "postfix -c /etc/postfix-out stop && postfix -c "
                        "/etc/postfix-out start"
                    ),
                ),
                (
                    "10.0.0.1 moves between hosts, and it is to start on either",
                    (
                        "printf '%s\\n' 'net.ipv4.ip_nonlocal_bind = 1' "
                        ">/etc/sysctl.d/50-nonlocal-bind.conf && sysctl -q -p "
                        "/etc/sysctl.d/50-nonlocal-bind.conf && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "an address of an interface that is down",
        host(
            default(),
            second(),
            addresses=(
                *addresses(LOOPBACK, PUBLIC),
                *addresses(PRIVATE, device="eth1", is_up=False),
            ),
        ),
        Expected(
            "address-missing",
            "/etc/postfix-out",
            (
                "10.0.0.1:smtp in master.cf names 10.0.0.1, which is of an "
                "interface that is down (eth1): the instance cannot start "
                "(fatal: bind: Cannot assign requested address)"
            ),
            "",
            (
                ("eth1 is to be up", "ip link set eth1 up"),
                (
                    "this host is not to have 10.0.0.1",
                    (
                        "postconf -c /etc/postfix-out '-M#' 10.0.0.1:smtp/inet && "
                        "postfix -c /etc/postfix-out stop && postfix -c "
                        "/etc/postfix-out start"
                    ),
                ),
                (
                    "10.0.0.1 moves between hosts, and it is to start on either",
                    (
                        "printf '%s\\n' 'net.ipv4.ip_nonlocal_bind = 1' "
                        ">/etc/sysctl.d/50-nonlocal-bind.conf && sysctl -q -p "
                        "/etc/sysctl.d/50-nonlocal-bind.conf && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "a loopback address that no interface has",
        host(default(), second(inet_interfaces="127.0.0.2")),
        Expected(
            "address-missing",
            "/etc/postfix-out",
            (
                "inet_interfaces names 127.0.0.2, which no interface has: "
                "the instance cannot start (fatal: parameter "
                "inet_interfaces: no local interface found for 127.0.0.2)"
            ),
            (
                "postconf -c /etc/postfix-out -e "
                "inet_interfaces=loopback-only && postfix -c "
                "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
            ),
        ),
    ),
    Fixture(
        "a loopback address in master.cf",
        host(default(), second("127.0.0.2:smtp inet n - y - - smtpd")),
    ),
    Fixture(
        "an address to send from that the host lacks",
        host(default(), second(smtp_bind_address="10.0.0.8")),
        Expected(
            "source-missing",
            "/etc/postfix-out",
            (
                "smtp_bind_address names 10.0.0.8, which no interface has: "
                "its mail leaves from another address"
            ),
            "",
            (
                (
                    "it may send from any address of this host",
                    (
                        "postconf -c /etc/postfix-out -X smtp_bind_address && "
                        "postfix -c /etc/postfix-out reload"
                    ),
                ),
                (
                    "it is to send from 88.198.105.204",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "smtp_bind_address=88.198.105.204 && postfix -c "
                        "/etc/postfix-out reload"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "one service sends from an address that the host lacks",
        host(default(), second(SECOND[0], f"{SMTP} -o smtp_bind_address=10.0.0.8")),
        Expected(
            "source-missing",
            "/etc/postfix-out",
            (
                "smtp_bind_address of smtp/unix names 10.0.0.8, which no "
                "interface has: its mail leaves from another address"
            ),
            "",
            (
                (
                    "it may send from any address of this host",
                    (
                        "postconf -c /etc/postfix-out -P "
                        "smtp/unix/smtp_bind_address=0.0.0.0 && postfix -c "
                        "/etc/postfix-out reload"
                    ),
                ),
                (
                    "it is to send from 88.198.105.204",
                    (
                        "postconf -c /etc/postfix-out -P "
                        "smtp/unix/smtp_bind_address=88.198.105.204 && postfix -c "
                        "/etc/postfix-out reload"
                    ),
                ),
            ),
        ),
    ),
    Fixture(
        "a standby host",
        host(default(), second(), addresses=addresses(LOOPBACK, PUBLIC), may_bind_any=True),
    ),
    Fixture(
        "a name without an address",
        host(
            default(),
            replace(
                second(inet_interfaces=f"{LOOPBACK}, nosuch.invalid"),
                unresolved=("nosuch.invalid",),
            ),
        ),
        Expected(
            "name-without-address",
            "/etc/postfix-out",
            "inet_interfaces names nosuch.invalid, which has no address",
            (
                "postconf -c /etc/postfix-out -e inet_interfaces=127.0.0.1 "
                "&& postfix -c /etc/postfix-out stop && postfix -c "
                "/etc/postfix-out start"
            ),
        ),
    ),
    Fixture(
        "a name without an address alone",
        host(
            default(),
            replace(second(inet_interfaces="nosuch.invalid"), unresolved=("nosuch.invalid",)),
        ),
        Expected(
            "name-without-address",
            "/etc/postfix-out",
            "inet_interfaces names nosuch.invalid, which has no address",
            "",
            (
                (
                    "it is to take no mail from the network",
                    (
                        "postconf -c /etc/postfix-out -e "
                        "inet_interfaces=loopback-only && postfix -c "
                        "/etc/postfix-out stop && postfix -c /etc/postfix-out start"
                    ),
                ),
                ("it is to listen at the address of nosuch.invalid", '"${EDITOR:-vi}" /etc/hosts'),
            ),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_listening(fixture: Fixture) -> None:
    fixture.verify()
