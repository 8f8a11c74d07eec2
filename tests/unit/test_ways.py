"""What cuts the way of mail by a role: found, and taken out of the way by its remedy."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.unit.hosts import FILE, PRIVATE, PUBLIC, SECOND, SMTPD, STOCK, default, host, second

from postwrap.host import reception
from postwrap.host.addresses import Endpoint, may_hold
from postwrap.host.model import InstanceConfig, TableAnswer
from postwrap.host.ways import Obstacle, Sides

PLACE = Endpoint(ip_address(PRIVATE), 25)
NETS = {"mynetworks": f"127.0.0.0/8 {PUBLIC}/32 {PRIVATE}/32"}
SENDS = {"default_transport": "smtp", "relay_transport": "relay"}
ROLES = {
    "outbound": reception.outbound,
    "fallback-relay": reception.fallback_relay,
    "content-filter": reception.content_filter,
    "backup-mx": reception.backup_mx,
}
SERVICES = (SMTPD, "smtp unix - - y - - smtp", "relay unix - - y - - smtp")
TABLE = "hash:/etc/postfix/transport"
POLICY = (
    "postconf -c /etc/postfix -e smtp_tls_policy_maps=inline:{{[10.0.0.1]:25={0}, [10.0.0.1]={0}}}"
)


def one(*lines: str, **settings: str) -> InstanceConfig:
    return default(*(lines or STOCK), **{**SENDS, **settings})


def other(*lines: str, **settings: str) -> InstanceConfig:
    return second(*(lines or SECOND), **{**SENDS, **NETS, **settings})


def secret() -> InstanceConfig:
    """The second instance where it takes nothing without TLS."""
    made = other(smtpd_tls_security_level="encrypt", smtpd_tls_cert_file="/etc/out.pem")
    return replace(made, files={**made.files, "/etc/out.pem": FILE})


def found(
    role: str,
    first: InstanceConfig,
    out: InstanceConfig,
    everywhere: dict[str, tuple[str, str]] | None = None,
) -> list[Obstacle]:
    """What is found where the tables of directories give results for all mail."""
    first, out = (_giving(config, everywhere or {}) for config in (first, out))
    sides = Sides(first, out, None if role == "backup-mx" else PLACE)
    return list(ROLES[role](host(first, out), sides))


def _giving(config: InstanceConfig, everywhere: dict[str, tuple[str, str]]) -> InstanceConfig:
    if config.directory not in everywhere:
        return config
    table, result = everywhere[config.directory]
    return replace(config, answers=(TableAnswer("transport_maps", table, "*", result),))


@pytest.mark.parametrize("role", ROLES)
def test_a_sound_pair_has_no_obstacle(role: str) -> None:
    assert found(role, one(), other(relay_domains="example.net")) == []


@pytest.mark.parametrize(
    ("role", "first", "out", "parameter", "remedy"),
    [
        (
            "outbound",
            one(default_transport="smtp:[192.0.2.25]"),
            other(),
            "default_transport",
            "postconf -c /etc/postfix -X default_transport",
        ),
        (
            "outbound",
            one(*SERVICES, "uucp unix - n n - - pipe", default_transport="uucp"),
            other(),
            "default_transport",
            "postconf -c /etc/postfix -X default_transport",
        ),
        (
            "outbound",
            one(default_transport="discard"),
            other(),
            "default_transport",
            "postconf -c /etc/postfix -X default_transport",
        ),
        (
            "outbound",
            one(SMTPD, SERVICES[2]),
            other(),
            "default_transport",
            "postconf -c /etc/postfix -M smtp/unix=smtp unix - - y - - smtp",
        ),
        (
            "outbound",
            one(),
            other(default_transport="error:5.1.1 no"),
            "default_transport",
            "postconf -c /etc/postfix-out -X default_transport",
        ),
        (
            "fallback-relay",
            one(),
            other(*SECOND, master_service_disable="smtp/unix"),
            "default_transport",
            "postconf -c /etc/postfix-out -e master_service_disable=",
        ),
        (
            "outbound",
            one(smtp_tls_security_level="encrypt"),
            other(),
            "smtp_tls_security_level",
            POLICY.format("none"),
        ),
        (
            "outbound",
            one(smtp_tls_security_level="verify"),
            other(smtpd_tls_security_level="may"),
            "smtp_tls_security_level",
            POLICY.format("none"),
        ),
        (
            "outbound",
            one(),
            secret(),
            "smtp_tls_security_level",
            POLICY.format("encrypt"),
        ),
        ("outbound", one(smtp_tls_security_level="may"), secret(), "", ""),
        (
            "outbound",
            one(smtp_tls_security_level="may"),
            other(smtpd_tls_security_level="encrypt", smtpd_tls_cert_file="/etc/gone"),
            "smtpd_tls_security_level",
            "postconf -c /etc/postfix-out -e smtpd_tls_security_level=may",
        ),
        (
            "outbound",
            one(),
            other(smtpd_relay_restrictions="permit_sasl_authenticated, reject"),
            "smtpd_relay_restrictions",
            (
                "postconf -c /etc/postfix-out -e smtpd_relay_restrictions=permit_mynetworks, "
                "permit_sasl_authenticated, reject"
            ),
        ),
        (
            "fallback-relay",
            one(),
            other(f"{SECOND[0]} -o smtpd_client_restrictions=reject", *SECOND[1:]),
            "smtpd_client_restrictions",
            (
                f"postconf -c /etc/postfix-out -P {PRIVATE}:smtp/inet/smtpd_client_restrictions="
                "permit_mynetworks,reject"
            ),
        ),
        (
            "outbound",
            one(),
            other(smtpd_recipient_restrictions="check_client_access hash:/x, reject"),
            "",
            "",
        ),
        (
            "content-filter",
            one(),
            other(mynetworks="10.9.0.0/16"),
            "mynetworks",
            f"postconf -c /etc/postfix-out -e mynetworks=10.9.0.0/16 {PRIVATE}/32",
        ),
        (
            "content-filter",
            one(),
            other(smtpd_tls_security_level="encrypt"),
            "smtpd_tls_security_level",
            f"postconf -c /etc/postfix-out -P {PRIVATE}:smtp/inet/smtpd_tls_security_level=may",
        ),
        (
            "outbound",
            one(smtp_bind_address=PUBLIC),
            other(mynetworks="127.0.0.0/8"),
            "mynetworks",
            f"postconf -c /etc/postfix-out -e mynetworks=127.0.0.0/8 {PUBLIC}/32",
        ),
        (
            "outbound",
            one(),
            other(relayhost=f"[{PUBLIC}]:25"),
            "relayhost",
            "postconf -c /etc/postfix-out -X relayhost",
        ),
        (
            "content-filter",
            one(),
            other(*SECOND[:1], f"{SECOND[1]} -o smtp_fallback_relay=[{PUBLIC}]", *SECOND[2:]),
            "smtp_fallback_relay",
            "postconf -c /etc/postfix-out -PX smtp/unix/smtp_fallback_relay",
        ),
        (
            "fallback-relay",
            one(SMTPD, f"{SERVICES[1]} -o smtp_fallback_relay=", SERVICES[2]),
            other(),
            "smtp_fallback_relay",
            "",
        ),
        (
            "fallback-relay",
            one(
                SMTPD,
                f"{SERVICES[1]} -o smtp_fallback_relay=[192.0.2.9]",
                SERVICES[2],
                smtp_fallback_relay=f"[{PRIVATE}]:25",
            ),
            other(),
            "smtp_fallback_relay",
            "postconf -c /etc/postfix -PX smtp/unix/smtp_fallback_relay",
        ),
        (
            "content-filter",
            one(
                f"{SMTPD} -o content_filter=",
                *SERVICES[1:],
                content_filter="out-filter:[127.0.0.1]:10024",
            ),
            other(),
            "content_filter",
            "postconf -c /etc/postfix -PX smtp/inet/content_filter",
        ),
        (
            "backup-mx",
            one(),
            other(),
            "relay_domains",
            "postwrap role out backup-mx --relay-domains DOMAIN",
        ),
        (
            "backup-mx",
            one(),
            other(relay_domains="example.net", mydestination="localhost, example.net"),
            "mydestination",
            "postconf -c /etc/postfix-out -e mydestination=localhost",
        ),
        (
            "backup-mx",
            one(),
            other(relay_domains="example.net", relay_transport="error"),
            "relay_transport",
            "postconf -c /etc/postfix-out -X relay_transport",
        ),
    ],
)
def test_what_cuts_the_way_is_found(
    role: str, first: InstanceConfig, out: InstanceConfig, parameter: str, remedy: str
) -> None:
    obstacles = found(role, first, out)
    if not remedy:
        assert obstacles == []  # an empty one is what main.cf has too
        return
    (obstacle,) = obstacles
    assert obstacle.parameter == parameter
    assert " && ".join(map(" ".join, obstacle.remedy)) == remedy


@pytest.mark.parametrize(
    ("role", "side", "result", "parameter"),
    [
        ("outbound", "/etc/postfix", "smtp:[192.0.2.25]", "transport_maps"),
        ("outbound", "/etc/postfix", "error:no", "transport_maps"),
        ("outbound", "/etc/postfix-out", f"smtp:[{PUBLIC}]", "transport_maps"),
        ("outbound", "/etc/postfix-out", "discard:", "transport_maps"),
        ("fallback-relay", "/etc/postfix-out", f"smtp:[{PUBLIC}]:25", "transport_maps"),
        ("outbound", "/etc/postfix", f"smtp:[{PRIVATE}]", ""),
        ("outbound", "/etc/postfix-out", "smtp:[192.0.2.25]", ""),
        ("fallback-relay", "/etc/postfix", "smtp:[192.0.2.25]", ""),
    ],
)
def test_a_table_that_is_for_all_mail(role: str, side: str, result: str, parameter: str) -> None:
    first, out = one(transport_maps=TABLE), other(transport_maps=TABLE)
    obstacles = found(role, first, out, {side: (TABLE, result)})
    assert [o.parameter for o in obstacles] == ([parameter] if parameter else [])


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        (TABLE, f"sed -i /^\\*[[:space:]]/d /etc/postfix/transport && postmap {TABLE}"),
        (f"proxy:{TABLE}", f"sed -i /^\\*[[:space:]]/d /etc/postfix/transport && postmap {TABLE}"),
        ("texthash:/etc/t", "sed -i /^\\*[[:space:]]/d /etc/t"),
        ("pcre:/etc/t", "postconf -c /etc/postfix -e transport_maps=hash:/etc/a"),
    ],
)
def test_what_takes_all_mail_out_of_a_table(table: str, remedy: str) -> None:
    first = one(transport_maps=f"hash:/etc/a {table}")
    (obstacle,) = found("outbound", first, other(), {"/etc/postfix": (table, "error:no")})
    assert " && ".join(map(" ".join, obstacle.remedy)) == remedy


def test_a_policy_for_tls_may_be_meant_for_this_next_hop() -> None:
    first = one(smtp_tls_security_level="encrypt", smtp_tls_policy_maps="hash:/etc/p")
    assert found("outbound", first, other()) == []
    with_tls = other(smtpd_tls_security_level="may")
    assert found("outbound", one(smtp_tls_security_level="encrypt"), with_tls) == []


def test_networks() -> None:
    address = ip_address("10.0.0.1")
    assert may_hold("127.0.0.0/8 10.0.0.0/8", address)
    assert may_hold("hash:/etc/networks", address)
    assert may_hold("/etc/networks", address)
    assert not may_hold("127.0.0.0/8 [::1]/128", address)


def test_what_nobody_listens_at_is_no_circle() -> None:
    out = other(relayhost="[10.0.0.9]:25")
    assert found("outbound", one(), out) == []
    assert found("outbound", replace(one(), listeners=()), other(relayhost=f"[{PUBLIC}]")) == []
