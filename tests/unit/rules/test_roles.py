"""Hosts with a role that a setting cuts, roles made by hand among them, and sound ones."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.hosts import (
    ALL_NETWORKS,
    LOOPBACK,
    OUT,
    OWN_NAMES,
    PRIVATE,
    SMTP,
    SMTPD,
    STOCK,
    default,
    held,
    second,
)
from tests.unit.hosts import host as bare_host
from tests.unit.rules.fixture import Expected, Fixture

from postwrap.checks import check
from postwrap.checks.picture import Picture
from postwrap.host.addresses import Destination
from postwrap.host.model import HostModel, InstanceConfig

FILTER = {"content_filter": "smtp:[127.0.0.1]:10024"}
BEHIND = f"{LOOPBACK}:10025 inet n - y - - smtpd"
REMOTE = {"mynetworks": "10.9.0.0/16", **OWN_NAMES}
ASKED = {"smtpd_authorized_xforward_hosts": "127.0.0.0/8"}


def host(*instances: InstanceConfig, arguments: tuple[str, ...] = (), **facts: Any) -> HostModel:
    """A host whose content filter was started with ``arguments``."""
    sockets = (held(LOOPBACK, 10024, program="spampd", arguments=arguments),)
    return bare_host(*instances, **{"sockets": sockets, **facts})


STARTED = ("spampd", "--host=127.0.0.1:10024", "--relayhost=127.0.0.1:10025")
REFUSED = Expected(
    "role-cut",
    OUT,
    "mynetworks = 10.9.0.0/16: lacks 127.0.0.1, from which the content filter sends; so out has no "
    "part in it",
    f"postconf -c {OUT} -e 'mynetworks=10.9.0.0/16 127.0.0.1/32' && postfix -c {OUT} reload",
)
BACK = (Destination("[127.0.0.1]:10025", LOOPBACK, "10025"),)

FIXTURES = [
    Fixture(
        "a filter pair by its command line",
        host(default(**FILTER), second(BEHIND, SMTP, **REMOTE), arguments=STARTED),
        REFUSED,
    ),
    Fixture(
        "a filter pair by the configuration of amavisd",
        host(default(**FILTER), second(BEHIND, SMTP, **REMOTE), filter_returns=BACK),
        REFUSED,
    ),
    Fixture(
        "a filter pair by what the instance is set up for",
        host(default(**FILTER), second(BEHIND, SMTP, **REMOTE, **ASKED)),
        REFUSED,
    ),
    Fixture(
        "nothing tells of a pair",
        host(default(**FILTER), second(BEHIND, SMTP, **REMOTE)),
    ),
    Fixture(
        "a sound pair",
        host(default(**FILTER), second(BEHIND, SMTP, **OWN_NAMES), arguments=STARTED),
    ),
    Fixture(
        "a pair whose filter one server passes by",
        host(
            default(
                f"127.0.0.1:{SMTPD} -o content_filter=",
                SMTPD.replace("smtp", f"{PRIVATE}:smtp", 1),
                *STOCK[1:],
                **FILTER,
            ),
            second(BEHIND, SMTP, **OWN_NAMES),
            arguments=STARTED,
        ),
    ),
    Fixture(
        "an instance that another one reaches by a transport, for those who log in",
        bare_host(
            default(*STOCK, default_transport=f"smtp:[{PRIVATE}]"),
            second(
                **ALL_NETWORKS,
                **OWN_NAMES,
                smtpd_relay_restrictions="permit_sasl_authenticated, reject",
            ),
        ),
        Expected(
            "role-cut",
            OUT,
            "smtpd_relay_restrictions = permit_sasl_authenticated, reject: reject refuses what the "
            "default instance sends; so out has no part in it",
            "",
            (
                (
                    "out: it is to take what default hands it",
                    (
                        f"postconf -c {OUT} -e 'smtpd_relay_restrictions=permit_mynetworks, "
                        f"permit_sasl_authenticated, reject' && postfix -c {OUT} reload"
                    ),
                ),
            ),
        ),
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_roles(fixture: Fixture) -> None:
    fixture.verify()


def test_a_filter_that_all_servers_pass_by() -> None:
    first = default(f"{SMTPD} -o content_filter=", *STOCK[1:], **FILTER)
    behind = second(BEHIND, SMTP, **OWN_NAMES)
    found = check(Picture(host(first, behind, arguments=STARTED)))
    assert [(f.code, f.instance) for f in found] == [("role-cut", "/etc/postfix")]
    assert found[0].choices[0].remedy == (
        "postconf -c /etc/postfix -PX smtp/inet/content_filter && postfix reload"
    )
