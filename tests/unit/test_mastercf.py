"""How master.cf is read: by Postfix's rules, over many lines and parameters."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hosts import ADDRESSES, nowhere

from postwrap.host import mastercf
from postwrap.host.addresses import Address
from postwrap.host.model import Service

PORTS = {"smtp": 25, "submission": 587}


def read(*lines: str, **parameters: str) -> list[Service]:
    return list(mastercf.services("\n".join(lines), {}, {}, parameters, PORTS))


# -- chroot


@pytest.mark.parametrize(
    ("level", "is_jailed"),
    [("0", True), ("1", False), ("2", False), ("3.6", False), ("3.7.11", False), ("", True)],
)
def test_a_hyphen_for_chroot_hangs_on_the_compatibility_level(level: str, is_jailed: bool) -> None:
    (smtp,) = read("smtp unix - - - - - smtp", compatibility_level=level)
    assert smtp.chroot is is_jailed


@given(st.sampled_from(["y", "n", "-"]), st.integers(0, 4), st.integers(0, 9))
def test_chroot_is_the_column_or_the_level(column: str, major: int, minor: int) -> None:
    line = f"smtp unix - - {column} - - smtp"
    (smtp,) = read(line, compatibility_level=f"{major}.{minor}")
    assert smtp.chroot == (column == "y" or (column == "-" and major == 0))


# -- master_service_disable


@pytest.mark.parametrize(
    ("patterns", "off"),
    [
        ("", set()),
        ("inet", {"smtp/inet", "10.0.0.1:587/inet"}),
        ("INET", {"smtp/inet", "10.0.0.1:587/inet"}),
        ("smtp/inet", {"smtp/inet"}),
        ("SMTP/inet", {"smtp/inet"}),
        ("smtp.inet", {"smtp/inet"}),
        ("smtp", set()),
        ("!smtp/inet, inet", {"10.0.0.1:587/inet"}),
        ("inet, !smtp/inet", {"smtp/inet", "10.0.0.1:587/inet"}),
        ("!!smtp/inet", {"smtp/inet"}),
        ("10.0.0.1:587/inet unix", {"10.0.0.1:587/inet", "smtp/unix"}),
        ("*", set()),
    ],
)
def test_services_that_are_turned_off(patterns: str, off: set[str]) -> None:
    lines = (
        "smtp inet n - n - - smtpd",
        "10.0.0.1:587 inet n - n - - smtpd",
        "smtp unix - - n - - x",
    )
    found = read(*lines, master_service_disable=patterns)
    assert {s.key for s in found if s.is_disabled} == off


KEYS = st.sampled_from(["smtp/inet", "smtp/unix", "submission/inet", "a.b/inet"])
PATTERNS = st.lists(
    st.builds(
        lambda no, what: "!" * no + what,
        st.integers(0, 3),
        st.sampled_from(["inet", "unix", "smtp/inet", "Submission/INET", "a.b/inet", "pass"]),
    ),
    max_size=5,
)


@given(KEYS, PATTERNS)
def test_the_first_pattern_that_matches_decides(key: str, patterns: list[str]) -> None:
    def matches(pattern: str) -> bool:
        plain = pattern.lstrip("!").lower()
        return plain == (key if "/" in plain else key.split("/")[1])

    first = next((p for p in patterns if matches(p)), None)
    expected = first is not None and first.count("!") % 2 == 0
    assert mastercf.is_disabled(key, patterns) is expected
    # What comes behind the first match changes nothing.
    assert mastercf.is_disabled(key, [*patterns, "!inet", "inet"]) is expected or first is None


# -- ports


@pytest.mark.parametrize(
    ("name", "port"),
    [
        ("smtp", 2525),
        ("mysub", 2587),
        ("alias", 2587),
        ("587", 587),
        ("submission", 587),
        ("x", None),
    ],
)
def test_ports_by_known_tcp_ports_then_services(name: str, port: int | None) -> None:
    known = "smtp=2525, mysub=alias=2587 odd"
    assert mastercf.port_number(name, {"known_tcp_ports": known}, PORTS) == port


def test_the_ports_of_etc_services() -> None:
    text = "# comment\nsmtp 25/tcp mail # x\nsmtp\t25/udp\ndup 1/tcp\ndup 2/tcp\nodd\nbad x/tcp\n"
    assert mastercf.service_ports(text) == {"smtp": 25, "mail": 25, "dup": 1}


# -- lines, options


def test_a_line_with_its_options() -> None:
    expanded = {"smtp/inet/syslog_name": "postfix/smtpd", "smtp/unix/x": "1"}
    stated = {"smtp/inet/syslog_name": "postfix/$service_name"}
    line = "smtp inet n - y - - /usr/lib/postfix/smtpd -v -o a=b"
    (smtpd,) = mastercf.services(f"{line}\nshort line", expanded, stated, {}, PORTS)
    assert (smtpd.key, smtpd.command, smtpd.port, smtpd.line) == ("smtp/inet", "smtpd", 25, line)
    assert smtpd.options == {"syslog_name": "postfix/smtpd"}
    assert smtpd.stated == stated.__class__({"syslog_name": "postfix/$service_name"})
    assert smtpd.is_smtp_server


def test_a_server_that_begins_with_tls_speaks_no_smtp_at_first() -> None:
    wrapped = {"smtps/inet/smtpd_tls_wrappermode": "YES"}
    (smtps,) = mastercf.services("smtps inet n - y - - smtpd", wrapped, {}, {}, PORTS)
    assert not smtps.is_smtp_server
    assert smtps.port is None


# -- addresses


def addresses(*texts: str) -> tuple[Address, ...]:
    return tuple(ip_address(text) for text in texts)


@pytest.mark.parametrize(
    ("words", "protocols", "found"),
    [
        ("all", "ipv4", {"all": addresses("0.0.0.0")}),
        ("ALL", "all", {"ALL": addresses("0.0.0.0", "::")}),
        ("loopback-only", "all", {"loopback-only": addresses("127.0.0.1")}),
        ("10.0.0.1, [::1]", "ipv4", {"10.0.0.1": addresses("10.0.0.1"), "[::1]": ()}),
        ("10.0.0.1 [::1]", "", {"10.0.0.1": addresses("10.0.0.1"), "[::1]": addresses("::1")}),
        ("nosuch", "all", {"nosuch": ()}),
    ],
)
def test_the_addresses_of_inet_interfaces(
    words: str, protocols: str, found: dict[str, tuple[Address, ...]]
) -> None:
    parameters = {"inet_interfaces": words, "inet_protocols": protocols}
    assert mastercf.interfaces(parameters, ADDRESSES, nowhere) == found


HOSTS = st.sampled_from(["", "10.0.0.1:", "[::1]:", "name:", "0.0.0.0:"])
LINES = st.builds(
    lambda host, port, kind: f"{host}{port} {kind} n - - - - smtpd",
    HOSTS,
    st.sampled_from(["smtp", "submission", "2525", "nosuch"]),
    st.sampled_from(["inet", "unix", "pass"]),
)
INTERFACES = st.lists(
    st.sampled_from(["all", "loopback-only", "10.0.0.1", "88.198.105.204", "name"]), max_size=3
)


def resolve(name: str) -> tuple[Address, ...]:
    return addresses("10.0.0.7", "2001:db8::7") if name == "name" else ()


@given(
    st.lists(LINES, max_size=6),
    INTERFACES,
    st.sampled_from(["all", "ipv4", "ipv6", ""]),
    PATTERNS,
)
def test_listeners_are_the_inet_services_that_are_on_at_their_own_address_or_all_interfaces(
    lines: list[str], words: list[str], protocols: str, patterns: list[str]
) -> None:
    parameters = {
        "inet_interfaces": ", ".join(words),
        "inet_protocols": protocols,
        "master_service_disable": " ".join(patterns),
    }
    services = list(mastercf.services("\n".join(lines), {}, {}, parameters, PORTS))
    assert len(services) == len(lines)
    interfaces = mastercf.interfaces(parameters, ADDRESSES, resolve)
    usual = [a for found in interfaces.values() for a in found]
    found = list(mastercf.listeners(services, parameters, usual, resolve))
    families = mastercf.families_of(protocols)
    for listener in found:
        service = listener.service
        assert service.type == "inet"
        assert not service.is_disabled
        assert listener.port == service.port
        assert listener.address.version in families
        assert listener.by_interfaces is (service.host == "")
        if listener.by_interfaces:
            assert listener.address in usual
    served = {x.service.key for x in found}
    for service in services:
        if service.type == "inet" and service.port and not service.is_disabled:
            own = resolve(service.host) or (address_texts(service.host) if service.host else usual)
            assert (service.key in served) is any(a.version in families for a in own)


def address_texts(host: str) -> tuple[Address, ...]:
    return addresses(host) if host[0].isdigit() or ":" in host else ()
