"""From what is desired, what is owned and what is there to the changes that are to be made. Pure.

What is so already is no change. What nobody wants any more goes back to what was there before
postwrap, where it is still as postwrap wrote it; where somebody has changed it since, it is left
alone, and said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from postwrap.provision.desired import Desired, Key, Value
from postwrap.provision.ownership import Claim, Ownership, Part, claim_all


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that is to become ``value``; it is ``before`` now."""

    key: Key
    value: Value
    before: Value


@dataclass(frozen=True, slots=True)
class SettingsPlan:
    """The changes to make, what is owned afterwards, and what was changed by others since."""

    changes: tuple[SettingChange, ...]
    owned: Ownership
    left: tuple[Key, ...] = ()

    def select(self, holds: Callable[[Key], bool]) -> tuple[SettingChange, ...]:
        """Return the changes to the keys for which ``holds``."""
        return tuple(change for change in self.changes if holds(change.key))

    def value(self, key: Key, now: Value) -> Value:
        """Return what ``key`` is afterwards, ``now`` being its value."""
        return next((change.value for change in self.changes if change.key == key), now)


def plan_settings(
    owner: str, wanted: Mapping[Part, Desired], owned: Ownership, actual: Mapping[Key, Value]
) -> SettingsPlan:
    """Return how ``owner`` gets what it wants; parts that it does not name stay as they are.

    ``actual`` has the values of all keys that are wanted or owned.
    """
    options = wanted.get(Part.OPTIONS, {})
    gone = [
        claim
        for claim in owned.of(owner, *wanted)
        if claim.part is not Part.OPTIONS or claim.key in options
    ]
    made = [c for part, all_ in wanted.items() for c in claim_all(owner, part, all_, owned, actual)]
    after = Ownership((*owned.without(gone).claims, *made))
    asked = dict.fromkeys(claim.key for claim in made)
    changes = [SettingChange(key, _value(after, key), actual.get(key)) for key in asked]
    released = [claim for claim in gone if claim.key not in asked]
    back, left = _given_back(released, owned, after, actual)
    kept = tuple(change for change in (*changes, *back) if change.value != change.before)
    return SettingsPlan(kept, after, left)


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that somebody has changed since postwrap wrote it as ``wanted``."""

    key: Key
    wanted: Value
    found: Value


@dataclass(frozen=True, slots=True)
class WholePlan(SettingsPlan):
    """The plan of all that an instance wants, and what others have changed of it and stays so."""

    drift: tuple[Drift, ...] = ()


def plan_whole(
    owner: str,
    wanted: Mapping[Part, Desired],
    owned: Ownership,
    actual: Mapping[Key, Value],
    *,
    overwrites: bool = False,
) -> WholePlan:
    """Return how ``owner`` gets what it wants and nothing else, of the parts that it names.

    Unlike a request, a declaration that is read again is no newer than it was: what is wanted as
    before keeps its claim, and what somebody has changed since is drift, which stays unless
    ``overwrites``.
    """
    asked = {key for desired in wanted.values() for key in desired}
    gone = [c for c in owned.of(owner, *wanted) if not _is_wanted(c, wanted)]
    after = owned.without(gone)
    kept = {(claim.part, claim.key) for claim in after.of(owner)}
    assumed = {**actual, **{key: c.value for key in actual if (c := owned.effective(key))}}
    made = [
        claim
        for part, desired in wanted.items()
        for claim in claim_all(owner, part, desired, owned, assumed)
        if (part, claim.key) not in kept
    ]
    after = Ownership((*after.claims, *made))
    own = dict.fromkeys((*(c.key for c in after.of(owner)), *asked))
    drift = tuple(
        Drift(key, _value(after, key), actual.get(key))
        for key in own
        if owned.effective(key) and assumed.get(key) != actual.get(key) != _value(after, key)
    )
    drift = () if overwrites else drift
    left_alone = {found.key for found in drift}
    changes = [
        SettingChange(key, _value(after, key), actual.get(key))
        for key in own
        if key not in left_alone
    ]
    released = [claim for claim in gone if claim.key not in own]
    back, left = _given_back(released, owned, after, actual)
    kept_changes = tuple(c for c in (*changes, *back) if c.value != c.before)
    return WholePlan(kept_changes, after, left, drift)


def _is_wanted(claim: Claim, wanted: Mapping[Part, Desired]) -> bool:
    desired = wanted[claim.part]
    return claim.key in desired and desired[claim.key] == claim.value


def plan_release(
    owner: str,
    owned: Ownership,
    actual: Mapping[Key, Value],
    holds: Callable[[Key], bool] = lambda _: False,
) -> SettingsPlan:
    """Return what becomes of the settings of ``owner`` when it wants nothing any more.

    ``holds``: whether a setting is to stay as it is for others that postwrap did not make.
    """
    gone = list(owned.of(owner))
    after = owned.without(gone)
    released = [claim for claim in gone if not holds(claim.key)]
    back, left = _given_back(released, owned, after, actual)
    return SettingsPlan(tuple(c for c in back if c.value != c.before), after, left)


def is_settled(planned: SettingsPlan, owned: Ownership) -> bool:
    """Whether ``planned`` changes nothing, neither settings nor who wants them."""
    before = {claim.identity for claim in owned.claims}
    return not planned.changes and before == {claim.identity for claim in planned.owned.claims}


def _value(owned: Ownership, key: Key) -> Value:
    claim = owned.effective(key)
    return claim.value if claim else None


def _given_back(
    released: Collection[Claim], owned: Ownership, after: Ownership, actual: Mapping[Key, Value]
) -> tuple[list[SettingChange], tuple[Key, ...]]:
    """Return the changes that give ``released`` back, and the keys that others have changed."""
    changes, left = [], []
    for claim in _in_force(released, owned, after):
        now, value = actual.get(claim.key), after.successor(claim)
        if now == claim.value:
            changes.append(SettingChange(claim.key, value, now))
        elif now != value and claim.value != value:
            left.append(claim.key)
    return changes, tuple(left)


def _in_force(released: Collection[Claim], owned: Ownership, after: Ownership) -> Iterator[Claim]:
    """Yield the claims by which settings have their value, and that are no longer there."""
    for key in dict.fromkeys(claim.key for claim in released):
        claim = owned.effective(key)
        if claim and claim in released and claim not in after.claims:
            yield claim


def owned_by(planned: SettingsPlan, owner: str) -> tuple[Claim, ...]:
    """Return what ``owner`` owns once ``planned`` is carried out."""
    return tuple(planned.owned.of(owner))
