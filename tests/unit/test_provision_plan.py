"""Who wants which setting, and what becomes of it: properties of the plan, from data alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from postwrap.provision.desired import (
    ALTERNATE,
    MULTI,
    Key,
    Value,
    parameter,
    with_word,
    without_word,
)
from postwrap.provision.ownership import Claim, Ownership, Part
from postwrap.provision.plan import (
    SettingsPlan,
    is_settled,
    owned_by,
    plan_release,
    plan_settings,
)

OWNERS = ("/etc/postfix-a", "/etc/postfix-b", "/etc/postfix-c")
KEYS = tuple(parameter("/etc/postfix", name) for name in ("relayhost", "content_filter", "x"))
VALUES = st.sampled_from([None, "", "1", "2", "3"])
DESIRED = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)
PARTS = st.dictionaries(st.sampled_from(list(Part)), DESIRED, max_size=3)
OWNER = st.sampled_from(OWNERS)
ASKS = st.tuples(st.just("ask"), OWNER, PARTS)
NOTHING: dict[Part, dict[Key, Value]] = {}
RELEASES = st.tuples(st.just("release"), OWNER, st.just(NOTHING))
REQUESTS = st.lists(st.one_of(ASKS, RELEASES), max_size=8)
ACTUAL = st.fixed_dictionaries(dict.fromkeys(KEYS, VALUES))


@dataclass
class Host:
    """ParameterValues, and who wants them."""

    actual: dict[Key, Value]
    owned: Ownership = field(default_factory=Ownership)

    def take(self, planned: SettingsPlan) -> SettingsPlan:
        for change in planned.changes:
            assert self.actual.get(change.key) == change.before
            self.actual[change.key] = change.value
        self.owned = planned.owned
        return planned

    def ask(self, owner: str, wanted: dict[Part, dict[Key, Value]]) -> SettingsPlan:
        return self.take(plan_settings(owner, wanted, self.owned, self.actual))

    def release(self, owner: str) -> SettingsPlan:
        return self.take(plan_release(owner, self.owned, self.actual))

    def carry_out(self, what: str, owner: str, wanted: dict[Part, dict[Key, Value]]) -> None:
        if what == "ask":
            self.ask(owner, wanted)
        else:
            self.release(owner)


@given(ACTUAL, REQUESTS)
def test_when_nobody_wants_anything_all_is_as_it_was(
    before: dict[Key, Value], requests: list[tuple[str, str, dict[Part, dict[Key, Value]]]]
) -> None:
    host = Host(dict(before))
    for request in requests:
        host.carry_out(*request)
    for owner in OWNERS:
        assert host.release(owner).left == ()
    assert host.actual == before
    assert host.owned.claims == ()


@given(ACTUAL, REQUESTS, OWNER, PARTS)
def test_the_same_request_twice_plans_nothing(
    before: dict[Key, Value],
    requests: list[tuple[str, str, dict[Part, dict[Key, Value]]]],
    owner: str,
    wanted: dict[Part, dict[Key, Value]],
) -> None:
    host = Host(before)
    for request in requests:
        host.carry_out(*request)
    host.ask(owner, wanted)
    again = plan_settings(owner, wanted, host.owned, host.actual)
    assert again.changes == ()
    assert is_settled(again, host.owned)


@given(ACTUAL, REQUESTS, OWNER, PARTS)
def test_who_asks_last_has_its_way(
    before: dict[Key, Value],
    requests: list[tuple[str, str, dict[Part, dict[Key, Value]]]],
    owner: str,
    wanted: dict[Part, dict[Key, Value]],
) -> None:
    host = Host(before)
    for request in requests:
        host.carry_out(*request)
    host.ask(owner, {Part.OPTIONS: wanted.get(Part.OPTIONS, {})})
    for key, value in wanted.get(Part.OPTIONS, {}).items():
        assert host.actual[key] == value
    for other in OWNERS:
        if other != owner:
            host.release(other)
    for key, value in wanted.get(Part.OPTIONS, {}).items():
        assert host.actual[key] == value


@given(ACTUAL, REQUESTS, st.data())
def test_what_somebody_else_has_set_is_his_in_the_end(
    before: dict[Key, Value],
    requests: list[tuple[str, str, dict[Part, dict[Key, Value]]]],
    data: st.DataObject,
) -> None:
    host = Host(dict(before))
    wanted = dict(before)
    for number, request in enumerate(requests):
        host.carry_out(*request)
        if data.draw(st.booleans()):
            key = data.draw(st.sampled_from(KEYS))
            host.actual[key] = wanted[key] = f"by hand {number}"
    for owner in OWNERS:
        host.release(owner)
    assert host.actual == wanted


def test_the_earlier_value_comes_back_then_the_original() -> None:
    key = KEYS[0]
    host = Host({key: "isp"})
    first, second, _ = OWNERS
    host.ask(first, {Part.ROLE: {key: "1"}})
    host.ask(second, {Part.ROLE: {key: "2"}})
    assert host.actual[key] == "2"
    host.release(second)
    assert host.actual[key] == "1"
    host.ask(second, {Part.ROLE: {key: "2"}})
    host.ask(first, {Part.ROLE: {key: "1"}})
    assert host.actual[key] == "1"
    host.release(first)
    assert host.actual[key] == "2"
    host.release(second)
    assert host.actual[key] == "isp"


def test_another_role_takes_the_settings_of_the_former_back() -> None:
    relay, filtering, other = KEYS
    host = Host({relay: None, filtering: "mine", other: None})
    host.ask(OWNERS[0], {Part.ROLE: {relay: "out"}, Part.OPTIONS: {other: "asked"}})
    host.ask(OWNERS[0], {Part.ROLE: {filtering: "out-filter"}})
    assert host.actual == {relay: None, filtering: "out-filter", other: "asked"}
    # What was asked for by name wins over a role, and outlives it.
    host.ask(OWNERS[0], {Part.ROLE: {other: "of the role"}})
    assert host.actual == {relay: None, filtering: "mine", other: "asked"}


def test_what_somebody_has_changed_is_left_and_told() -> None:
    key = KEYS[0]
    host = Host({key: None})
    host.ask(OWNERS[0], {Part.ROLE: {key: "out"}})
    host.actual[key] = "by hand"
    planned = host.release(OWNERS[0])
    assert planned.left == (key,)
    assert host.actual[key] == "by hand"


def test_what_was_so_before_is_not_told_of() -> None:
    key = KEYS[0]
    host = Host({key: "10s"})
    assert host.ask(OWNERS[0], {Part.ROLE: {key: "10s"}}).changes == ()
    host.actual[key] = "by hand"
    assert host.release(OWNERS[0]).left == ()


def test_what_others_need_stays() -> None:
    key = KEYS[0]
    host = Host({key: None})
    host.ask(OWNERS[0], {Part.INSTANCE: {key: "yes"}})
    planned = plan_release(OWNERS[0], host.owned, host.actual, lambda _: True)
    assert planned.changes == ()
    assert owned_by(planned, OWNERS[0]) == ()
    assert planned.value(key, "yes") == "yes"
    assert host.release(OWNERS[0]).value(key, "yes") is None


def test_claims_of_one_rank_are_in_the_order_of_asking() -> None:
    claim = Claim(OWNERS[0], Part.ROLE, KEYS[0], "1", None, 1)
    later = replace(claim, owner=OWNERS[1], value="2", serial=2)
    owned = Ownership((later, claim))
    assert owned.effective(KEYS[0]) == later
    assert owned.effective(KEYS[1]) is None
    assert owned.next_serial == 3
    assert owned.original(KEYS[0], "2") is None
    assert owned.original(KEYS[0], "by hand") == "by hand"


def test_lists() -> None:
    assert with_word(MULTI, "", "/a") == "/a"
    assert with_word(MULTI, "/a, /b", "/c") == "/a /b /c"
    assert with_word(MULTI, "/a, /b", "/b") == "/a, /b"
    assert without_word(MULTI, "/a, /b /c", "/b") == "/a /c"
    assert without_word(MULTI, "/a", "/a") is None
    # Nobody but Postfix reads this one, and Postfix knows commas.
    assert with_word(ALTERNATE, "/a, /b", "/c") == "/a, /b /c"
    assert without_word(ALTERNATE, "/a, /b /c", "/c") == "/a, /b"
    assert without_word(ALTERNATE, "/a, /b, /c", "/b") == "/a, /c"
    assert without_word(ALTERNATE, "/a.b, /axb", "/a.b") == "/axb"
