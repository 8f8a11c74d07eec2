"""Hosts with lookup tables that Postfix cannot ask, and with tables that are as they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.hosts import OUT, SECOND, default, host, second, warned, without
from tests.unit.rules.fixture import Expected, Fixture

RELOAD = f"postfix -c {OUT} reload"
EDIT = f"postconf -c {OUT}"
ON = "mail is to go on as if the table were empty"
TYPES = frozenset({"hash", "regexp", "static"})


def missing(message: str, remedy: str = "", *, go_on: str = "") -> Expected:
    choices = ((ON, f"{go_on} && {RELOAD}"),) if go_on else ()
    return Expected("table-missing", OUT, message, remedy, choices)


FIXTURES = [
    Fixture(
        "a table that is not indexed",
        host(default(), without(second(transport_maps="hash:/etc/t"), "/etc/t.db")),
        missing(
            "transport_maps names hash:/etc/t: there is no /etc/t.db",
            f"postmap hash:/etc/t && {RELOAD}",
        ),
    ),
    Fixture(
        "aliases that are not indexed",
        host(default(), without(second(alias_maps="hash:/etc/aliases"), "/etc/aliases.db")),
        missing(
            "alias_maps names hash:/etc/aliases: there is no /etc/aliases.db",
            f"postalias hash:/etc/aliases && {RELOAD}",
        ),
    ),
    Fixture(
        "a table that is gone",
        host(
            default(),
            without(
                second(virtual_alias_maps="static:a, proxy:mysql:/etc/gone.cf,static:b"),
                "/etc/gone.cf",
            ),
        ),
        missing(
            "virtual_alias_maps names mysql:/etc/gone.cf: there is no /etc/gone.cf",
            go_on=f"{EDIT} '-#' virtual_alias_maps && {EDIT} -e "
            "virtual_alias_maps=static:a,static:b",
        ),
    ),
    Fixture(
        "a table that is gone, in two settings",
        host(
            default(),
            without(
                second(
                    "10.0.0.1:smtp inet n - n - - smtpd -o smtpd_sender_restrictions="
                    "check_sender_access,regexp:/etc/gone,reject_unlisted_sender",
                    *SECOND[1:],
                    smtpd_client_restrictions="permit_mynetworks check_client_access "
                    "regexp:/etc/gone, reject",
                ),
                "/etc/gone",
            ),
        ),
        missing(
            "smtpd_client_restrictions, smtpd_sender_restrictions of 10.0.0.1:smtp/inet names "
            "regexp:/etc/gone: there is no /etc/gone",
            go_on=f"{EDIT} '-#' smtpd_client_restrictions && {EDIT} -e "
            "'smtpd_client_restrictions=permit_mynetworks, reject' && "
            f"{EDIT} -P 10.0.0.1:smtp/inet/smtpd_sender_restrictions=reject_unlisted_sender",
        ),
    ),
    Fixture(
        "a table that may be there, for all that this user sees",
        host(
            default(),
            replace(
                without(second(virtual_alias_maps="mysql:/etc/s.cf"), "/etc/s.cf"),
                unseen=frozenset({"/etc/s.cf"}),
            ),
        ),
    ),
    Fixture(
        "a cache that Postfix makes itself",
        host(
            default(),
            without(second(address_verify_map="btree:/var/lib/postfix-out/v"), "/var/lib/v.db"),
        ),
    ),
    Fixture("a next hop is no table", host(default(), second(relayhost="[192.0.2.1]"))),
    Fixture(
        "a configuration that postconf may not open",
        host(
            default(),
            warned(
                second(virtual_alias_maps="mysql:/etc/s.cf"),
                'open "mysql" configuration "/etc/s.cf": Permission denied',
            ),
        ),
    ),
    Fixture(
        "a type that is in a package",
        host(default(), second(virtual_alias_maps="mysql:/etc/s.cf"), table_types=TYPES),
        Expected(
            "table-type-missing",
            OUT,
            "virtual_alias_maps names mysql:/etc/s.cf: this Postfix has no tables of that type",
            "",
            (
                (
                    "the table is to be asked, and this is Debian or a kin of it",
                    f"apt-get install postfix-mysql && {RELOAD}",
                ),
                (
                    ON,
                    f"{EDIT} '-#' virtual_alias_maps && {EDIT} -e virtual_alias_maps= && {RELOAD}",
                ),
            ),
        ),
    ),
    Fixture(
        "a type that this Postfix was built without",
        host(default(), second(transport_maps="btree:/etc/t"), table_types=TYPES),
        Expected(
            "table-type-missing",
            OUT,
            "transport_maps names btree:/etc/t: this Postfix has no tables of that type",
            "",
            ((ON, f"{EDIT} '-#' transport_maps && {EDIT} -e transport_maps= && {RELOAD}"),),
        ),
    ),
    Fixture(
        "types that it has", host(default(), second(transport_maps="hash:/t"), table_types=TYPES)
    ),
]


@pytest.mark.parametrize("fixture", FIXTURES, ids=str)
def test_tables(fixture: Fixture) -> None:
    fixture.verify()
