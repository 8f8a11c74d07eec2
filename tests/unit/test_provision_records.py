"""The records: what is written is read again, and what postwrap 0.1 wrote is carried over.

`records/` holds documents that 0.1 wrote on hosts with Postfix, with main.cf and master.cf of the
default instance before and after.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.worlds import DEFAULT, SERVICES, World

from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.provision.desired import Key, SettingKind, parameter
from postwrap.provision.engine.journal import (
    InstanceRecord,
    ProvisionJournal,
    RecordState,
    finished,
    record_from_json,
    record_to_json,
)
from postwrap.provision.engine.legacy import in_order, own_claims
from postwrap.provision.engine.steps import (
    Prove,
    RemoveQueue,
    Rename,
    Requeue,
    Restore,
    Run,
    Step,
    Write,
    run,
)
from postwrap.provision.options import RoleOptions
from postwrap.provision.ownership import Claim, Ownership, Part
from postwrap.provision.roles import Role
from postwrap.provision.roles.definition import ONLY_OURS
from postwrap.sealed import seal

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORDS = Path(__file__).with_name("records")
OUT = "/etc/postfix-out"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
OPERATIONS = st.one_of(
    st.builds(
        Run,
        st.lists(st.lists(TEXT).map(tuple), max_size=3).map(tuple),
        st.lists(st.integers(0, 255)).map(tuple),
    ),
    st.builds(Write, TEXT, TEXT, st.booleans()),
    st.builds(Rename, TEXT, TEXT),
    st.builds(Restore, TEXT, TEXT, st.none() | TEXT, st.none() | TEXT, TEXT),
    st.builds(RemoveQueue, TEXT),
    st.builds(Requeue, TEXT, TEXT, st.booleans()),
    st.builds(
        Prove,
        TEXT,
        st.lists(st.tuples(TEXT, st.integers(1, 65535))).map(tuple),
        st.just(()),
        st.booleans(),
    ),
)
STEPS = st.lists(
    st.builds(Step, TEXT, OPERATIONS, st.lists(OPERATIONS, max_size=2).map(tuple)), max_size=3
).map(tuple)
CLAIMS = st.lists(
    st.builds(
        Claim,
        st.just(OUT),
        st.sampled_from(Part),
        st.builds(Key, st.sampled_from(SettingKind), TEXT, TEXT),
        st.none() | TEXT,
        st.none() | TEXT,
        st.integers(-5, 100),
    ),
    max_size=4,
).map(tuple)


@given(
    st.builds(
        InstanceRecord,
        st.just(OUT),
        st.sampled_from(RecordState),
        TEXT,
        STEPS,
        CLAIMS,
        st.booleans(),
        st.booleans(),
    )
)
def test_a_record_is_read_as_it_was_written(record: InstanceRecord) -> None:
    assert record_from_json(json.loads(json.dumps(record_to_json(record)))) == record


@pytest.fixture
def journal(tmp_path: Path) -> ProvisionJournal:
    (tmp_path / "var/lib").mkdir(parents=True)
    return ProvisionJournal(Filesystem(str(tmp_path)))


def test_a_record_answers_to_every_name(journal: ProvisionJournal) -> None:
    for directory in (OUT, "/etc/postfix2", "/srv/mail/in"):
        journal.write(InstanceRecord(directory, RecordState.UNDER_WAY))
    journal.write(InstanceRecord("/etc/postfix-made"))
    for word, directory in (
        ("out", OUT),
        ("postfix-out", OUT),
        ("2", "/etc/postfix2"),
        ("postfix2", "/etc/postfix2"),
        ("/srv/mail/in/", "/srv/mail/in"),
    ):
        found = journal.unsettled(word)
        assert found is not None
        assert found.directory == directory
    assert journal.unsettled("made") is None
    assert ProvisionJournal().path(OUT) == "/var/lib/postwrap/%2Fetc%2Fpostfix-out.json"


def test_what_all_records_want_is_one_ownership(journal: ProvisionJournal) -> None:
    claim = Claim(OUT, Part.ROLE, parameter(DEFAULT, "relayhost"), "[10.0.0.1]:25", None, 3)
    record = finished(
        InstanceRecord(OUT, RecordState.UNDER_WAY, "create", is_legacy=True), (claim,)
    )
    assert record == InstanceRecord(OUT, claims=(claim,))
    journal.write(record)
    journal.write(InstanceRecord("/etc/postfix-b"))
    assert journal.ownership() == Ownership((claim,))
    assert journal.ownership(without=[OUT]) == Ownership()
    journal.remove(record)
    assert journal.read(OUT) is None
    assert journal.ownership() == Ownership()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (seal({"schema": 99}).decode(), "by a newer postwrap"),
        ('{"schema": 99}', "is not a record"),
        ("{", "is not a record"),
        ("[]", "is not a"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(
    text: str, reason: str, journal: ProvisionJournal
) -> None:
    journal.write(InstanceRecord(OUT))
    path = journal.filesystem.real(journal.path(OUT))
    path.write_text(text)
    with pytest.raises(RefusedError, match=reason) as refused:
        journal.read(OUT)
    assert refused.value.hint


def test_undoing_is_the_steps_backwards() -> None:
    one, two = Rename("/a", "/b"), Rename("/c", "/d")
    taken = (Step("", run("true"), (one,)), Step("", run("true"), (two,)))
    assert InstanceRecord("/x", taken=taken).undoing() == (two, one)


# -- what 0.1 wrote


def carried_over(name: str) -> tuple[World, dict[str, Any], dict[str, InstanceRecord]]:
    """The host of a document of 0.1, with the ownership of its records."""
    document = json.loads((RECORDS / f"{name}.json").read_text())
    records = {
        found.directory: found for found in map(record_from_json, document["records"].values())
    }
    claims = (claim for record in records.values() for claim in record.claims)
    world = World(
        main={DEFAULT: dict(document["after"]["main"])},
        master={DEFAULT: [*document["after"]["master"]]},
        files=dict(document["files"]),
        owned=Ownership(in_order(claims)),
        amavis="/etc/amavis/conf.d",
    )
    for directory in records:
        last = directory.rpartition("/")[2]
        world.main[directory] = {
            "queue_directory": f"/var/spool/{last}",
            "data_directory": f"/var/lib/{last}",
            "myhostname": f"{last}.example.com",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "10.0.0.1",
            "multi_instance_enable": "yes",
        }
        world.master[directory] = ["10.0.0.1:smtp inet n - y - - smtpd", *SERVICES[1:]]
    if "10.0.0.7" in str(document["records"]):
        world.addresses["10.0.0.7"] = "lo"
    return world, document["before"], records


def is_as(world: World, before: Mapping[str, Any]) -> bool:
    services = [" ".join(line.split()) for line in world.master[DEFAULT]]
    return (world.main[DEFAULT], services) == (before["main"], before["master"])


@pytest.mark.parametrize("order", [("out", "more"), ("more", "out")])
def test_two_relays_of_old_are_removed_in_any_order(order: tuple[str, str]) -> None:
    world, before, _ = carried_over("two-fallback-relays")
    relays = {"out": "[10.0.0.1]:25", "more": "[10.0.0.2]:25"}
    assert world.main[DEFAULT]["smtp_fallback_relay"] == relays["more"]
    first, second = order
    world.remove(first)
    assert world.main[DEFAULT]["smtp_fallback_relay"] == relays[second]
    assert world.main[DEFAULT]["smtp_connect_timeout"] == "10s"
    assert world.main[DEFAULT]["multi_instance_enable"] == "yes"
    world.remove(second)
    assert is_as(world, before)


def test_a_role_of_old_gives_way_to_another(tmp_path: Path) -> None:
    world, before, records = carried_over("role-after-role")
    assert records[OUT].is_legacy
    assert world.main[DEFAULT]["relayhost"] == "[10.0.0.1]:25"
    world.role("out", RoleOptions(role=Role.FALLBACK_RELAY))
    assert world.main[DEFAULT]["relayhost"] == "[127.0.0.25]:25"
    assert world.main[DEFAULT]["smtp_fallback_relay"] == "[10.0.0.1]:25"
    world.remove("out")
    assert is_as(world, before)


def test_a_filter_and_an_address_of_old_are_taken_away() -> None:
    world, before, _ = carried_over("content-filter")
    assert len(world.files) == 2
    assert any(line.startswith("out-filter") for line in world.master[DEFAULT])
    world.role("out", RoleOptions(role=Role.BACKUP_MX, relay_domains="example.org"))
    assert [*world.files] == ["/etc/network/interfaces.d/postwrap-out-10-0-0-7"]
    world.remove("out")
    assert is_as(world, before)
    assert world.files == {}
    assert "10.0.0.7" not in world.addresses


def test_what_a_role_of_old_set_in_the_instance_is_known_by_its_values() -> None:
    settings = {**ONLY_OURS, "maximal_queue_lifetime": "9d"}
    marks = {**ONLY_OURS, "maximal_queue_lifetime": "20d"}
    default = {"smtpd_relay_restrictions": "permit_mynetworks"}
    made = {c.key.name: c for c in own_claims(OUT, settings, default, marks)}
    assert {*made} == {*ONLY_OURS}
    assert made["smtpd_relay_restrictions"].before == "permit_mynetworks"
    assert made["smtpd_client_restrictions"].before is None


@pytest.mark.parametrize(
    ("name", "state", "verb"),
    [
        ("create-under-way", RecordState.UNDER_WAY, "create"),
        ("remove-under-way", RecordState.UNDER_WAY, "remove"),
        ("remove-finishing", RecordState.FINISHING, "remove"),
    ],
)
def test_what_0_1_left_unfinished_is_understood(name: str, state: RecordState, verb: str) -> None:
    world, before, records = carried_over(name)
    record = records[OUT]
    assert (record.state, record.verb) == (state, verb)
    if name == "create-under-way":
        for operation in record.undoing():
            world.do(operation)
        assert is_as(world, before)
    assert {c.key.kind for c in record.claims} <= {SettingKind.PARAMETER, SettingKind.ELEMENT}


@pytest.mark.parametrize("swapped", [False, True])
def test_a_chain_of_three_of_old_ends_at_its_beginning(swapped: bool) -> None:
    key = parameter(DEFAULT, "relayhost")
    chain = [
        Claim("/a", Part.ROLE, key, "a", "isp"),
        Claim("/b", Part.ROLE, key, "b", "a"),
        Claim("/c", Part.ROLE, key, "c", "b"),
    ]
    owned = Ownership(in_order(reversed(chain) if swapped else chain))
    assert {claim.before for claim in owned.claims} == {"isp"}
    last = owned.effective(key)
    assert last is not None
    assert last.owner == "/c"
    assert owned.next_serial == 1
