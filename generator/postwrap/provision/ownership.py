"""What postwrap owns: who wants which setting, and what was there before. Pure.

It is the manifest of settings. Where several instances want one setting, the last that asked has
its way; when that one goes the earlier one's value comes back, and after all of them what was
there before postwrap's first change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from postwrap.provision.desired import Desired, Key, Value


class Part(StrEnum):
    """What of a request wants a setting; later ones win over earlier ones for one instance."""

    INSTANCE = "instance"
    """That the instance is there: its registration, its addresses."""
    ROLE = "role"
    """Its role. Another role takes the place of it all."""
    OPTIONS = "options"
    """What was asked for by name. It stays until something else is asked for."""


_RANKS: Mapping[Part, int] = {part: rank for rank, part in enumerate(Part)}


@dataclass(frozen=True, slots=True)
class Claim:
    """One setting that the instance ``owner`` (its configuration directory) wants.

    ``before`` is what the setting goes back to when nobody wants it any more. ``serial`` grows
    from request to request.
    """

    owner: str
    part: Part
    key: Key
    value: Value
    before: Value
    serial: int = 0

    @property
    def rank(self) -> tuple[int, int]:
        """What decides which of several claims holds."""
        return _RANKS[self.part], self.serial

    @property
    def identity(self) -> tuple[str, Part, Key, Value, Value]:
        """All but when it was asked for."""
        return self.owner, self.part, self.key, self.value, self.before


@dataclass(frozen=True)
class Ownership:
    """All claims on a host."""

    claims: tuple[Claim, ...] = ()

    @cached_property
    def _by_key(self) -> Mapping[Key, list[Claim]]:
        """The claims that hold, the strongest last.

        Those from before somebody else's change hold no more: ``before`` of the last one is his
        value.
        """
        found: dict[Key, list[Claim]] = {}
        for claim in sorted(self.claims, key=lambda claim: claim.serial):
            found.setdefault(claim.key, []).append(claim)
        return {
            key: sorted((c for c in all_ if c.before == all_[-1].before), key=lambda c: c.rank)
            for key, all_ in found.items()
        }

    @property
    def next_serial(self) -> int:
        """The serial of the next request."""
        return 1 + max((0, *(claim.serial for claim in self.claims)))

    def effective(self, key: Key) -> Claim | None:
        """Return the claim by which ``key`` has its value, None where nobody wants it."""
        return next(reversed(self._by_key.get(key, [])), None)

    def successor(self, gone: Claim) -> Value:
        """Return the value that takes the place of that of ``gone``, which is no longer here."""
        heir = self.effective(gone.key)
        return heir.value if heir and heir.before == gone.before else gone.before

    def original(self, key: Key, now: Value) -> Value:
        """Return what ``key`` is without postwrap, ``now`` being its value."""
        claim = self.effective(key)
        return claim.before if claim and claim.value == now else now

    def of(self, owner: str, *parts: Part) -> Iterator[Claim]:
        """Yield what ``owner`` wants, or of that what these parts of it want."""
        return (c for c in self.claims if c.owner == owner and (not parts or c.part in parts))

    def without(self, gone: Iterable[Claim]) -> Ownership:
        """Return this without the claims ``gone``."""
        left = frozenset(gone)
        return Ownership(tuple(claim for claim in self.claims if claim not in left))


def claim_all(
    owner: str, part: Part, desired: Desired, owned: Ownership, actual: Mapping[Key, Value]
) -> Iterator[Claim]:
    """Yield the claims of ``owner`` on ``desired``; ``actual`` is what is there."""
    for key, value in desired.items():
        now, earlier = actual.get(key), owned.effective(key)
        is_as_written = earlier is not None and earlier.value == now
        before = earlier.before if earlier and is_as_written else now
        yield Claim(owner, part, key, value, before, owned.next_serial)
