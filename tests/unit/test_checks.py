"""The rules' table and the pure parts of check."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.boot import test_check_boot
from tests.host import test_check

from postwrap.checks import RULES, Severity, check
from postwrap.checks.addresses import (
    Address,
    destination,
    is_internal,
    is_internal_name,
    is_public,
    split_service,
)
from postwrap.checks.boot_facts import unescape
from postwrap.checks.facts import Facts, InstanceFacts, Listener, Service
from postwrap.checks.relaying import seconds
from postwrap.instance import Instance

SMTPD = Service("smtp", "inet", chroot=False, command="smtpd")


def test_codes_are_words_and_each_is_of_one_rule() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_every_rule_says_what_it_is_and_where_it_comes_from() -> None:
    for rule in RULES:
        assert rule.summary
        assert rule.source
        assert rule.theme
        assert rule.severity in Severity


def test_every_rule_has_a_host_that_breaks_it_and_a_remedy_that_is_pasted() -> None:
    shown = {case.code for case in test_check.CASES} | set(test_check.OTHERS)
    shown |= {code for code, *_ in test_check_boot.MISTAKES.values()}
    assert {rule.code for rule in RULES} == shown


def test_nothing_is_found_where_nothing_is() -> None:
    assert check(Facts(instances=())) == []


@pytest.mark.parametrize(
    ("text", "host", "port", "by_mx"),
    [
        ("example.com", "example.com", "", True),
        ("mail.example.com:2525", "mail.example.com", "2525", True),
        ("[mail.example.com]", "mail.example.com", "", False),
        ("[mail.example.com]:submission", "mail.example.com", "submission", False),
        ("[10.0.0.1]", "10.0.0.1", "", False),
        ("[10.0.0.1]:25", "10.0.0.1", "25", False),
        ("10.0.0.1", "10.0.0.1", "", True),
        ("[2001:db8::1]:25", "2001:db8::1", "25", False),
        ("[IPv6:2001:db8::1]", "IPv6:2001:db8::1", "", False),
        ("inet:[10.0.0.1]:10024", "10.0.0.1", "10024", False),
    ],
)
def test_every_form_of_a_next_hop(text: str, host: str, port: str, by_mx: bool) -> None:
    found = destination(text)
    assert found is not None
    assert (found.host, found.port, found.by_mx) == (host, port, by_mx)


@pytest.mark.parametrize("text", ["", "unix:/run/filter", "[10.0.0.1", "a:b:c"])
def test_what_is_no_next_hop(text: str) -> None:
    assert destination(text) is None


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("smtp", ("", "smtp")),
        ("10.0.0.1:smtp", ("10.0.0.1", "smtp")),
        ("[::1]:10025", ("::1", "10025")),
        ("localhost:10025", ("localhost", "10025")),
    ],
)
def test_names_of_inet_services(name: str, parts: tuple[str, str]) -> None:
    assert split_service(name) == parts


@pytest.mark.parametrize("text", ["10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "100.64.0.1"])
def test_internal_addresses(text: str) -> None:
    assert is_internal(ip_address(text))
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["88.198.105.204", "2a01:4f8::1", "172.32.0.1", "192.0.2.1"])
def test_public_addresses(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_neither(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not is_internal(ip_address(text))


def test_internal_names() -> None:
    assert is_internal_name("out")
    assert is_internal_name("out.example.LAN")
    assert not is_internal_name("out.example.com")


def test_times() -> None:
    assert [seconds(t) for t in ("30s", "600s", "10m", "1h", "5", "soon")] == [
        *(30, 600, 600, 3600, 5, 0)
    ]


def test_unit_names_unescape_as_systemd_does() -> None:
    assert unescape(r"a\x2db") == "a-b"
    assert unescape("etc-postfix") == "etc/postfix"


ADDRESSES = st.sampled_from(
    [ip_address(a) for a in ("0.0.0.0", "::", "10.0.0.1", "10.0.0.2", "2001:db8::1", "127.0.0.1")]
)


@given(ADDRESSES, ADDRESSES, st.sampled_from([25, 587]), st.sampled_from([25, 587]))
def test_overlapping_is_mutual_and_of_one_family_and_port(
    one: Address, other: Address, port: int, other_port: int
) -> None:
    a = Listener(one, port, SMTPD, by_interfaces=True)
    b = Listener(other, other_port, SMTPD, by_interfaces=True)
    assert a.overlaps(b.address, b.port) == b.overlaps(a.address, a.port)
    if a.overlaps(b.address, b.port):
        assert a.address.version == b.address.version
        assert port == other_port


def test_findings_come_by_instance_the_worst_first() -> None:
    first = InstanceFacts(Instance("/etc/postfix", "-default", is_default=True), error="broken")
    second = InstanceFacts(Instance("/etc/postfix-out", "-out"), error="broken")
    found = check(Facts(instances=(first, second), left=("/usr/local/bin/mailq-old",)))
    assert [f.instance for f in found] == ["", "/etc/postfix", "/etc/postfix-out"]
    assert all(f.remedy for f in found)
