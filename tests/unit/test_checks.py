"""The rules' table and the pure parts of check."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.boot import test_check_boot
from tests.harness.faults import CASES, EXCEPTIONS, FAULTS, MORE
from tests.host import test_check, test_made_by_hand, test_roles_cut, test_saturation

from postwrap.checks import RULES, Severity, check
from postwrap.checks.defects import failed
from postwrap.checks.model import Hit, Rule, findings
from postwrap.checks.picture import InstalledCommands, Picture
from postwrap.host.addresses import (
    Address,
    Endpoint,
    destination,
    is_internal,
    is_internal_name,
    is_public,
    split_service,
)
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.host.naming import Instance
from postwrap.host.units import unescape
from postwrap.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    shown = {case.code for case in (*CASES, *MORE)} | set(test_check.OTHERS)
    shown |= {code for code, *_ in test_check_boot.MISTAKES.values()}
    shown |= test_roles_cut.CODES | {test_saturation.CODE, test_made_by_hand.CODE}
    # A rule that fails is a defect: no host is known to make one fail.
    assert {rule.code for rule in RULES} == shown | {"rule-failed"}


def test_every_rule_that_can_change_mail_has_an_outcome() -> None:
    planted = {case.code for case in FAULTS}
    assert {rule.code for rule in RULES} == planted | set(EXCEPTIONS)
    assert not planted & set(EXCEPTIONS)


def _broken(picture: Picture) -> Iterator[Hit]:
    """A rule that finds something of every instance, and stumbles over the odd."""
    for instance in picture.host.instances:
        if "odd" in instance.directory:
            raise ValueError(f"stumbled over\n{instance.directory}")
        yield Hit(instance.directory, "found", "true")


def _clumsy(picture: Picture) -> Iterator[Hit]:
    """A rule that stumbles over any two secondaries."""
    if len(picture.host.instances) > 2:
        raise KeyError("two")
    yield Hit("", "never", "true")


def _whole(picture: Picture) -> Iterator[Hit]:
    yield Hit(picture.host.instances[-1].directory, "w", "")


@pytest.mark.parametrize("odd", [["odd1"], ["odd1", "odd2"], []])
def test_a_rule_that_fails_is_told_and_hides_nothing(odd: list[str]) -> None:
    default = InstanceConfig(Instance("/etc/postfix", "-default", is_default=True))
    names = [*odd, "a", "b"]
    others = [InstanceConfig(Instance(f"/etc/postfix-{n}", f"-{n}")) for n in names]
    rules = [
        Rule("broken", "x", Severity.ERROR, "", "", _broken),
        Rule("clumsy", "x", Severity.ERROR, "", "", _clumsy),
        Rule("whole", "x", Severity.NOTE, "", "", _whole),
    ]
    found = findings(rules, Picture(HostModel((default, *others))), failed)
    told = {(f.code, f.instance) for f in found}
    assert told == {
        *(("broken", d) for d in ("/etc/postfix", "/etc/postfix-a", "/etc/postfix-b")),
        *(("rule-failed", f"/etc/postfix-{n}") for n in odd),
        ("rule-failed", ""),
        ("whole", "/etc/postfix-b"),
    }
    for finding in found:
        if finding.code == "rule-failed":
            rule = "broken" if finding.instance else "clumsy"
            assert f"the rule {rule} failed" in finding.message
            assert finding.instance in finding.message
            assert "a defect of postwrap: report it" in finding.message
            assert "\n" not in finding.message


def test_a_rule_that_fails_for_the_default_instance_looks_at_the_others() -> None:
    default = InstanceConfig(Instance("/etc/postfix-odd", "-default", is_default=True))
    second = InstanceConfig(Instance("/etc/postfix-a", "-a"))
    rules = [Rule("broken", "x", Severity.ERROR, "", "", _broken)]
    found = findings(rules, Picture(HostModel((default, second))), failed)
    assert {(f.code, f.instance) for f in found} == {
        ("broken", "/etc/postfix-a"),
        ("rule-failed", "/etc/postfix-odd"),
    }


def test_nothing_is_found_where_nothing_is() -> None:
    assert check(Picture(HostModel(instances=()))) == []


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
    assert [seconds_of(t) for t in ("30s", "600s", "10m", "1h", "5", "soon")] == [
        *(30, 600, 600, 3600, 5, None)
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
    a, b = Endpoint(one, port), Endpoint(other, other_port)
    assert a.overlaps(b) == b.overlaps(a)
    if a.overlaps(b):
        assert a.address.version == b.address.version
        assert port == other_port


def test_findings_come_by_instance_the_worst_first() -> None:
    first = InstanceConfig(Instance("/etc/postfix", "-default", is_default=True), error="broken")
    second = InstanceConfig(Instance("/etc/postfix-out", "-out"), error="broken")
    left = InstalledCommands(left=("/usr/local/bin/mailq-old",))
    found = check(Picture(HostModel(instances=(first, second)), left))
    assert [f.instance for f in found] == ["", "/etc/postfix", "/etc/postfix-out"]
    assert all(f.remedy for f in found)
