"""The model of a host: what it says by itself, and who hands mail to whom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hosts import (
    ALL_NETWORKS,
    OUT,
    PRIVATE,
    PUBLIC,
    SMTP,
    addresses,
    default,
    held,
    held_by,
    host,
    known,
    second,
    stopped,
    unreadable,
)

from postwrap.host.addresses import (
    Address,
    Endpoint,
    Scope,
    address_of,
    bracketed,
    network_of,
    scope_of,
    split_transport,
)
from postwrap.host.model import last_part
from postwrap.host.nexthops import edges, hops, source, virtual_address

# -- addresses

SCOPES = {
    "0.0.0.0": Scope.NONE,
    "224.0.0.1": Scope.NONE,
    "127.0.0.2": Scope.LOOPBACK,
    "::1": Scope.LOOPBACK,
    "169.254.1.1": Scope.LINK,
    "fe80::1": Scope.LINK,
    "10.0.0.1": Scope.PRIVATE,
    "100.64.0.1": Scope.PRIVATE,
    "fd00::1": Scope.PRIVATE,
    "192.0.2.1": Scope.PUBLIC,
    "2001:db8::1": Scope.PUBLIC,
    "88.198.105.204": Scope.PUBLIC,
}


@pytest.mark.parametrize(("text", "scope"), SCOPES.items())
def test_an_address_has_one_scope(text: str, scope: Scope) -> None:
    assert scope_of(ip_address(text)) is scope


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(ADDRESSES, st.integers(1, 65535))
def test_what_is_written_is_read_again(address: Address, port: int) -> None:
    assert address_of(bracketed(address)) == address
    assert str(Endpoint(address, port)) == f"{bracketed(address)}:{port}"
    assert network_of(address).startswith(bracketed(address))


def test_a_service_and_a_next_hop() -> None:
    assert split_transport(" smtp:[10.0.0.1]:25 ") == ("smtp", "[10.0.0.1]:25")
    assert split_transport("error") == ("error", "")


# -- instances and hosts


def test_an_instance_tells_what_it_has() -> None:
    out = second(queue_directory="/q/", data_directory="/d/", mydestination="a, b c")
    assert (out.directory, out.name, out.is_default) == (OUT, "out", False)
    assert (out.queue_directory, out.data_directory) == ("/q", "/d")
    assert out.words("mydestination") == ["a", "b", "c"]
    assert out.get("nosuch") == ""
    assert [s.key for s in out.inet_services] == [f"{PRIVATE}:smtp/inet"]
    assert out.is_chrooted
    assert out.unit == ""
    assert stopped(out).unit == ""
    (listener,) = out.servers()
    assert (str(listener), listener.address) == (f"{PRIVATE}:25", ip_address(PRIVATE))
    assert last_part(OUT) == "postfix-out"
    assert not second("smtp unix - - n - - smtp").is_chrooted


def test_an_instance_that_is_off_in_part() -> None:
    out = second(master_service_disable="inet")
    assert out.listeners == ()
    assert len(out.inet_services) == 1
    assert out.inet_services[0] not in out.enabled_services


def test_a_parameter_of_each_client() -> None:
    out = second(SMTP, "relay unix - - y - - smtp -o smtp_helo_name=b", smtp_helo_name="a")
    found = [(v.service, v.value) for v in out.seen_by_clients("smtp_helo_name")]
    assert found == [("", "a"), ("relay/unix", "b")]


def test_a_host_tells_whose_addresses_and_sockets_are_whose() -> None:
    first, out = default(), unreadable(second(), "fatal: x")
    foreign = held(PUBLIC)
    down = addresses("10.0.0.9", device="eth1", is_up=False)
    given_host = host(
        first,
        out,
        addresses=(*addresses(PUBLIC, PUBLIC), *down),
        sockets=(foreign, held_by(first, PUBLIC), held_by(out, PRIVATE)),
        names={"me": known(PUBLIC)},
        known={"far.example": known("192.0.2.1")},
    )
    assert given_host.default is first
    assert given_host.readable == [first]
    assert given_host.of(OUT) is out
    assert given_host.of("/etc/postfix-x") is None
    assert given_host.up_addresses == (ip_address(PUBLIC),)
    assert [given_host.is_own(ip_address(a)) for a in (PUBLIC, "127.0.0.9", "10.0.0.9")] == [
        *(True, True, False)
    ]
    assert given_host.resolve("ME") == known(PUBLIC)
    assert given_host.resolve("far.example") == known("192.0.2.1")
    assert given_host.resolve("[10.9.9.9]") == known("10.9.9.9")
    assert given_host.resolve("nosuch") == ()
    assert list(given_host.foreign_sockets()) == [foreign]
    assert not given_host.runs_systemd
    assert given_host.addresses[0].scope is Scope.PUBLIC


# -- who hands mail to whom


def test_every_parameter_that_names_a_next_hop() -> None:
    first = default(
        relayhost=f"[{PRIVATE}], far.example",
        smtp_fallback_relay="[192.0.2.1]",
        default_transport="smtp:[192.0.2.2]",
        content_filter="nosuch:[192.0.2.3]",
        local_transport="relay:",
    )
    found = [(hop.parameter, hop.destination.text, hop.client.name) for hop in hops(first)]
    assert found == [
        ("relayhost", f"[{PRIVATE}]", "smtp"),
        ("relayhost", "far.example", "smtp"),
        ("smtp_fallback_relay", "[192.0.2.1]", "smtp"),
        ("smtp_fallback_relay", "[192.0.2.1]", "relay"),
        ("default_transport", "[192.0.2.2]", "smtp"),
    ]


def test_an_instance_without_a_client_hands_mail_to_nobody() -> None:
    assert list(hops(second("pickup unix n - y 60 1 pickup", relayhost="[192.0.2.1]"))) == []


def test_a_next_hop_ends_at_an_instance_of_this_host_or_elsewhere() -> None:
    first = default(
        relayhost=f"[{PRIVATE}], [192.0.2.1], [{PRIVATE}]:x, [127.0.0.2]", **ALL_NETWORKS
    )
    (edge,) = edges(host(first, second()))
    assert (edge.sender.name, edge.receiver.name, str(edge.address)) == ("default", "out", PRIVATE)
    assert edge.listener.port == 25


SOURCES = [
    ({"smtp_bind_address": PUBLIC}, PUBLIC),
    ({"smtp_bind_address": "0.0.0.0"}, PRIVATE),
    ({"inet_interfaces": PUBLIC}, PUBLIC),
    ({"inet_interfaces": "127.0.0.1"}, PRIVATE),
    ({"inet_interfaces": "all"}, PRIVATE),
    ({"inet_interfaces": "loopback-only"}, PRIVATE),
    ({}, PRIVATE),
]


@pytest.mark.parametrize(("settings", "address"), SOURCES)
def test_the_address_that_a_client_sends_from(settings: dict[str, str], address: str) -> None:
    first = default(**settings)
    found = source(host(first), first, first.clients()[0], ip_address(PRIVATE))
    assert found == ip_address(address)


def test_the_address_that_a_client_sends_from_by_ipv6() -> None:
    first = default(smtp_bind_address6="2001:db8::9")
    six = ip_address("2001:db8::1")
    assert source(host(first), first, first.clients()[0], six) == ip_address("2001:db8::9")
    assert virtual_address(replace(first, interfaces={}), 6) is None
