"""Declared instances on generated hosts: what holds whatever is declared, from data alone."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.unit.test_provision_sequences import (
    ADDRESSES,
    NAMES,
    WORLDS,
    ask,
    create_options,
    role_options,
)
from tests.unit.worlds import DEFAULT, World

from postwrap.errors import RefusedError, UsageError
from postwrap.provision import options as given_options
from postwrap.provision.declaration import (
    Declaration,
    Declarations,
    DeclaredState,
    need_together,
)
from postwrap.provision.declared_file import declarations, written
from postwrap.provision.options import CreateOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

quick = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SERVICES = {
    "smtp/unix": "smtp unix - - y - 7 smtp -o smtp_helo_timeout=9s",
    "relay/unix": None,
    "slow/unix": "slow unix - - y - 1 smtp",
}


@st.composite
def declared(draw: st.DrawFn, name: str) -> Declaration:
    """What may be declared of an instance."""
    if draw(st.integers(0, 7)) == 0:
        return Declaration(draw(create_options(name)), DeclaredState.ABSENT)
    options = draw(create_options(name))
    if not {"10.0.0.7", "2001:db8::25"} & {str(a.host) for a in options.addresses}:
        options = replace(options, add_address="")
    services = draw(
        st.fixed_dictionaries({}, optional={n: st.just(v) for n, v in SERVICES.items()})
    )
    stated = dict(options.shared.settings)
    for unset in draw(st.lists(st.sampled_from(["mynetworks", "smtp_bind_address"]), unique=True)):
        stated.setdefault(unset, None)
    shared = replace(options.shared, services=services, settings=stated)
    tag = draw(st.sampled_from(["", f"mail-{name}"]))
    state = draw(st.sampled_from([DeclaredState.PRESENT, DeclaredState.STOPPED]))
    return Declaration(replace(options, shared=shared, syslog_name=tag), state)


@st.composite
def files(draw: st.DrawFn) -> list[Declaration]:
    """What a file may declare."""
    made = [draw(declared(name)) for name in draw(st.lists(st.sampled_from(NAMES), unique=True))]
    try:
        need_together(made)
    except UsageError:
        assume(False)
    return made


def applied(world: World, wanted: Sequence[Declaration]) -> World:
    """The host once all that is declared is so; where that is refused, nothing is shown."""
    try:
        world.apply(wanted)
    except RefusedError as error:
        event(f"refused: {str(error).partition(': ')[2][:30]}")
        assume(False)
    return world


def asked(world: World, data: st.DataObject) -> None:
    """Some requests before anything is declared."""
    for _ in range(data.draw(st.integers(0, 3))):
        ask(world, data)


@quick
@given(WORLDS, st.data(), files())
def test_applying_twice_plans_nothing(
    world: World, data: st.DataObject, wanted: list[Declaration]
) -> None:
    asked(world, data)
    applied(world, wanted)
    owned = world.owned
    assert [step.title for step in world.apply(wanted)] == []
    assert {c.identity for c in world.owned.claims} == {c.identity for c in owned.claims}


@quick
@given(WORLDS, st.data(), files())
def test_the_order_of_declarations_is_of_no_matter(
    world: World, data: st.DataObject, wanted: list[Declaration]
) -> None:
    asked(world, data)
    other = World(**{**vars(world.snapshot()), "owned": world.owned, "requests": world.requests})
    applied(world, wanted)
    applied(other, data.draw(st.permutations(wanted)))
    assert other.snapshot() == world.snapshot()


@quick
@given(WORLDS, st.data(), files(), st.data())
def test_what_is_exported_and_applied_changes_nothing(
    world: World, data: st.DataObject, wanted: list[Declaration], more: st.DataObject
) -> None:
    asked(world, data)
    applied(world, wanted)
    asked(world, more)
    before = world.snapshot()
    made = [world.export(world.config(d).name) for d in world.main if d != DEFAULT]
    read = declarations("\n".join(map(written, made)), "/etc/postwrap.toml")
    assert list(read.instances) == made
    assert [step.title for step in world.apply(made)] == []
    assert world.snapshot() == before
    assert [step.title for step in world.apply(made)] == []


@quick
@given(WORLDS, WORLDS, st.data(), files())
def test_what_is_exported_makes_the_same_on_another_host(
    world: World, fresh: World, data: st.DataObject, wanted: list[Declaration]
) -> None:
    asked(world, data)
    applied(world, wanted)
    made = [world.export(world.config(d).name) for d in world.main if d != DEFAULT]
    fresh.addresses |= world.addresses
    applied(fresh, made)
    for directory in world.main.keys() - {DEFAULT}:
        assert fresh.main[directory] == world.main[directory]
        assert sorted(fresh.master[directory]) == sorted(world.master[directory])
    assert [step.title for step in fresh.apply(made)] == []


@quick
@given(WORLDS, files(), st.data())
def test_what_is_changed_and_changed_back_is_as_it_was(
    world: World, wanted: list[Declaration], data: st.DataObject
) -> None:
    applied(world, wanted)
    before = world.snapshot()
    changed = []
    for one in wanted:
        other = data.draw(role_options())
        state = data.draw(st.sampled_from([DeclaredState.PRESENT, DeclaredState.STOPPED]))
        options = replace(one.options, shared=other, group=data.draw(st.sampled_from(["", "g"])))
        if not one.options.add_address and data.draw(st.booleans()):
            options = replace(options, addresses=given_options.addresses(data.draw(ADDRESSES)))
        is_gone = one.state is DeclaredState.ABSENT
        changed.append(one if is_gone else Declaration(options, state))
    try:
        need_together(changed)
    except UsageError:
        assume(False)
    applied(world, changed)
    applied(world, wanted)
    after = world.snapshot()
    for place in (*before.master, *after.master):
        before.master[place].sort()
        after.master[place].sort()
    assert after == before


@quick
@given(WORLDS, files(), st.data())
def test_what_was_edited_by_hand_stays_until_it_is_to_be_overwritten(
    world: World, wanted: list[Declaration], data: st.DataObject
) -> None:
    applied(world, wanted)
    before = world.snapshot()
    owned = [
        claim
        for claim in world.owned.claims
        if claim.key.kind == "parameter"
        and claim.key.name != "inet_interfaces"
        and claim == world.owned.effective(claim.key)
    ]
    assume(owned)
    claim = data.draw(st.sampled_from(owned))
    world.main[claim.key.place][claim.key.name] = "by-hand"
    edited = world.snapshot()
    try:
        assert [step.title for step in world.apply(wanted)] == []
        assert world.snapshot() == edited
        for one in wanted:
            world.declare(one, overwrites=True)
    except RefusedError:
        assume(False)
    assert world.snapshot() == before


@quick
@given(WORLDS, st.data())
def test_who_prunes_removes_what_is_not_declared(world: World, data: st.DataObject) -> None:
    before = world.snapshot()
    asked(world, data)
    world.apply([], prunes=True)
    assert set(world.main) == set(before.main)
    world.apply([], prunes=False)


def test_absent_comes_first_unless_its_mail_is_for_what_is_to_be_made() -> None:
    text = """
        [instance.z]
        [instance.new]
        [instance.gone]
        state = "absent"
        [instance.old]
        state = "absent"
        requeue_to = "new"
    """
    read = declarations(text, "x")
    assert [d.name for d in read.whole(["gone", "old"])] == ["gone", "new", "z", "old"]
    assert [d.name for d in Declarations(read.instances, prunes=True).whole(["other"])] == [
        *("gone", "other", "new", "z", "old")
    ]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[instance.out]\naddres = '10.0.0.1'\n", 2, "addres: no such key"),
        ("[instance.out]\n\naddress = 'ten'\n", 3, "address ten: is not an IP address"),
        ("[instance.out]\nrole = 'relay'\n", 2, "role: relay: must be"),
        ("[instance.out]\nqueue-lifetime = 'long'\n", 2, "queue-lifetime long: is not a time"),
        ("[instance.out]\nqueue_lifetime = 5\n", 2, "queue-lifetime: must be a string"),
        ("[instance.a]\n[instance.out]\nstate = 'on'\n", 3, "present, stopped, absent"),
        ("[instance.out]\nrequeue-to = 'default'\n", 2, "is for an instance that is absent"),
        ("[instance.out]\nstate='absent'\nrole='outbound'\n", 3, "role: is not for an instance"),
        ("[instance.out.settings]\nqueue_directory = '/x'\n", 2, "is not for settings"),
        ("[instance.out]\n[instance.out.settings]\nx = []\n", 3, "x: must be a string"),
        ("[instance.out.services]\n'smtp/unix' = 'lmtp unix'\n", 2, "a line of master.cf"),
        ("[instance.'a b']\n", 1, "is not a name for an instance"),
        ("[instance.out]\n[instance.postfix-out]\n", 2, "declared twice"),
        ("prune = 'yes'\n", 1, "prune: must be true or false"),
        ("instance = 5\n", 1, "instance: must be tables"),
        ('{"instance":\n{"a": {},\n"out": {\n"addres": "10.0.0.1"}}}', 4, "addres: no such key"),
        ('{"instance":\n{"a": {},\n"out": {"state": "on"}}}', 3, "present, stopped, absent"),
        ('{"instance": {},\n"prune": "yes"}', 2, "prune: must be true or false"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        declarations(text, "/etc/postwrap.toml")
    assert raised.value.message.startswith(f"/etc/postwrap.toml:{line}: "), raised.value.message
    assert words in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"instance": {"out": {}, "out": {}}}', "out: is there twice"),
        ('{"instance": {"out": {"settings": {"x": NaN}}}}', "NaN: is not JSON"),
        ('{"instance": {"out": {"settings": {"x": "\\ud800"}}}}', "surrogates not allowed"),
        ('{"instance": {"out": {}}', "line 1 column"),
        ("[" * 9999, ""),
        ('{"a":' * 9999, ""),
    ],
)
def test_what_is_neither_toml_nor_json_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        declarations(text, "/etc/postwrap.toml")
    assert raised.value.message.startswith("/etc/postwrap.toml: "), raised.value.message
    assert words in raised.value.message


@quick
@given(files(), st.booleans())
def test_json_declares_what_toml_declares(wanted: list[Declaration], has_lines: bool) -> None:
    absent = DeclaredState.ABSENT
    made = [Declaration(CreateOptions(d.name), absent) if d.state is absent else d for d in wanted]
    text = "\n".join(map(written, made))
    same = json.dumps(tomllib.loads(text), indent=2 if has_lines else None, ensure_ascii=has_lines)
    read = declarations(same, "-")
    assert read == declarations(text, "-")
    if has_lines:
        lines = same.splitlines()
        assert all(d.name in lines[int(d.where.partition(":")[2]) - 1] for d in read.instances)


def test_two_that_want_the_default_instance_for_themselves() -> None:
    text = "[instance.a]\nrole = 'outbound'\n[instance.b]\nrole = 'outbound'\n"
    with pytest.raises(UsageError, match="toml:3: instance b: has the role outbound"):
        need_together(declarations(text, "/etc/postwrap.toml").instances)
