"""Texts and records under new names: sed(1) makes what is planned, and there is a way back."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.hosts import default, host, second

from postwrap.provision.desired import Key, SettingKind, element, parameter
from postwrap.provision.engine.journal import InstanceRecord, record_from_json, record_to_json
from postwrap.provision.listening_proof import proof_of
from postwrap.provision.ownership import Claim, Part
from postwrap.provision.renamed import NewNames, names_it
from postwrap.provision.unit_names import escaped, renamed_unit

OUT = "/etc/postfix-out"
NAMES = NewNames.of(
    (
        (OUT, "/etc/postfix-new.one"),
        ("/var/spool/postfix-out", "/var/spool/postfix-new.one"),
        ("/var/lib/postfix-out", "/var/lib/postfix-new.one"),
    )
)
WORDS = (
    *(OUT, "/var/spool/postfix-out", "/var/lib/postfix-out", "postfix-out", "/etc/postfix"),
    *("syslog_name", "multi_instance_name", "=", " = ", " ", ",", ":", "/", "-", ".", "2", "\n"),
    *("\t", "$", "{", "}", "#", "x", "/etc/postfixXout", "out", "\\1", "&"),
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=14).map("".join)


def by_sed(text: str, *options: str) -> str:
    # sed(1) ends the last line as it found it.
    done = subprocess.run(["sed", *options], input=text, capture_output=True, text=True, check=True)
    return done.stdout


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_sed_does_what_is_planned(text: str) -> None:
    assert by_sed(text, *NAMES.edits()) == NAMES.text(text)
    assert by_sed(text, *NAMES.edits(own=True)) == NAMES.own_text(text)


@given(TEXTS)
def test_there_is_a_way_back(text: str) -> None:
    assert NAMES.turned().text(NAMES.text(text)) == text
    assert names_it(text, NAMES) == (NAMES.text(text) != text)
    assert not names_it(NAMES.text(text), NAMES)


def test_what_is_a_name_and_what_is_not() -> None:
    assert NAMES.text(f"hash:{OUT}/x, {OUT}2, {OUT}.old {OUT}") == (
        f"hash:/etc/postfix-new.one/x, {OUT}2, {OUT}.old /etc/postfix-new.one"
    )
    assert NAMES.own_text("-o syslog_name=postfix-out/$service_name myorigin=postfix-out") == (
        "-o syslog_name=postfix-new.one/$service_name myorigin=postfix-out"
    )


def test_records_follow() -> None:
    registered = element("/etc/postfix", "multi_instance_directories", OUT)
    amavis = Key(SettingKind.FILE, "/etc/amavis/conf.d/60-postfix-out")
    claims = (
        Claim(OUT, Part.INSTANCE, registered, OUT, None, 1),
        Claim(OUT, Part.OPTIONS, parameter(OUT, "syslog_name"), "postfix-out", "x", 2),
        Claim(OUT, Part.ROLE, amavis, f"# {OUT}\n", None, 3),
        Claim("/etc/postfix-in", Part.ROLE, parameter(OUT, "relayhost"), "[::1]", None, 4),
    )
    made = NAMES.record(InstanceRecord(OUT, claims=claims))
    new = "/etc/postfix-new.one"
    assert made.directory == new
    assert made.claims == (
        Claim(
            new,
            Part.INSTANCE,
            element("/etc/postfix", "multi_instance_directories", new),
            new,
            None,
            1,
        ),
        Claim(new, Part.OPTIONS, parameter(new, "syslog_name"), "postfix-new.one", "x", 2),
        Claim(
            *(new, Part.ROLE, Key(SettingKind.FILE, "/etc/amavis/conf.d/60-postfix-new.one")),
            *(f"# {new}\n", None, 3),
        ),
        Claim("/etc/postfix-in", Part.ROLE, parameter(new, "relayhost"), "[::1]", None, 4),
    )
    assert NAMES.turned().record(made) == InstanceRecord(OUT, claims=claims)
    under_way = InstanceRecord(OUT, verb="rename", becomes=new)
    assert record_from_json(record_to_json(under_way)) == under_way


def test_files_among_those_of_others() -> None:
    for old, new in (
        ("/etc/amavis/conf.d/60-postfix-out", "/etc/amavis/conf.d/60-postfix-new.one"),
        ("/x/postwrap-out-10.0.0.7.conf", "/x/postwrap-new.one-10.0.0.7.conf"),
        ("/x/postwrap-out-10-0-0-7", "/x/postwrap-new.one-10-0-0-7"),
        ("/x/postwrap-out-2001.db8..1.conf", "/x/postwrap-new.one-2001.db8..1.conf"),
        ("/etc/amavis/conf.d/60-postfix-out2", "/etc/amavis/conf.d/60-postfix-out2"),
        ("/x/postwrap-outer-10.0.0.7.conf", "/x/postwrap-outer-10.0.0.7.conf"),
        ("/x/out", "/x/out"),
    ):
        assert NAMES.file(old) == new
        assert NAMES.turned().file(new) == old


def test_units() -> None:
    assert renamed_unit("postfix@out.service", NAMES) == "postfix@new.one.service"
    assert renamed_unit("postfix@postfix-out.service", NAMES) == "postfix@postfix-new.one.service"
    assert renamed_unit("postfix.service", NAMES) == "postfix.service"
    assert renamed_unit("postfix@other.service", NAMES) == "postfix@other.service"
    assert escaped("a-b") == r"a\x2db"
    assert escaped("etc/postfix2") == "etc-postfix2"


def test_where_a_proof_looks() -> None:
    usual, out = default(inet_interfaces="all"), second()
    model = host(usual, out)
    assert proof_of(out, model).endpoints == (("10.0.0.1", 25),)
    assert proof_of(out, model, "/etc/postfix-x").directory == "/etc/postfix-x"
    assert ("127.0.0.1", 25) in proof_of(usual, model).endpoints
