"""A host that carries what check is to find on it."""

from __future__ import annotations

from dataclasses import dataclass

from postwrap.checks import check
from postwrap.checks.picture import Picture
from postwrap.host.model import HostModel


@dataclass(frozen=True)
class Expected:
    """A finding: its code, the configuration directory, what is said, and the remedy.

    ``choices`` are pairs of what can be meant and its remedy, where that decides.
    """

    code: str
    instance: str
    message: str
    remedy: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Fixture:
    """A host, and all that every rule together finds on it."""

    name: str
    given: HostModel | Picture
    expected: Expected | tuple[Expected, ...] = ()

    def __str__(self) -> str:
        return self.name.replace(" ", "-")

    def verify(self) -> None:
        """Fail unless check finds exactly what is expected."""
        picture = self.given if isinstance(self.given, Picture) else Picture(self.given)
        found = [
            Expected(
                f.code,
                f.instance,
                f.message,
                f.remedy,
                tuple((c.when, c.remedy) for c in f.choices),
            )
            for f in check(picture)
        ]
        every = self.expected if isinstance(self.expected, tuple) else (self.expected,)
        assert found == list(every)
