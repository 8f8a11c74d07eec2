"""Texts, settings and records under an instance's new names. Pure.

What is replaced are whole paths, so that /etc/postfix-out2 is not one of /etc/postfix-out, and the
values of two parameters. What a text says otherwise is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from postwrap.provision.desired import FILES, Key, SettingKind, Value
from postwrap.provision.engine.journal import InstanceRecord
from postwrap.provision.ownership import Claim

NAMED = ("syslog_name", "multi_instance_name")
"""The parameters whose values are the last part of the configuration directory, as made."""

_BEFORE, _AFTER = "A-Za-z0-9._/-", "A-Za-z0-9._-"
_IN_CONFIGURATION = frozenset(
    {SettingKind.PARAMETER, SettingKind.ELEMENT, SettingKind.SERVICE},
)


@dataclass(frozen=True, slots=True)
class NewNames:
    """The paths that change, each with its new name, and the old and new last part.

    The first pair are the configuration directories.
    """

    paths: tuple[tuple[str, str], ...]
    old_last: str
    new_last: str

    @classmethod
    def of(cls, paths: tuple[tuple[str, str], ...]) -> NewNames:
        """Return the names that go with these ``paths``."""
        old, new = paths[0]
        return cls(paths, PurePosixPath(old).name, PurePosixPath(new).name)

    @property
    def old(self) -> str:
        """The configuration directory."""
        return self.paths[0][0]

    @property
    def new(self) -> str:
        """The configuration directory to be."""
        return self.paths[0][1]

    def turned(self) -> NewNames:
        """Return the way back."""
        pairs = tuple((new, old) for old, new in self.paths)
        return NewNames.of(pairs)

    def text(self, text: str) -> str:
        """Return ``text`` with the new paths."""
        for old, new in self.paths:
            pattern = rf"(?<![{_BEFORE}]){re.escape(old)}(?![{_AFTER}])"
            text = re.sub(pattern, lambda _, new=new: new, text)  # type: ignore[misc]
        return text

    def own_text(self, text: str) -> str:
        """Return a configuration of the instance itself with the new paths and names."""
        pattern = rf"((?:{'|'.join(NAMED)})\s*=\s*){re.escape(self.old_last)}(?![{_AFTER}])"
        return self.text(re.sub(pattern, lambda m: m[1] + self.new_last, text))

    def path(self, path: str) -> str:
        """Return where ``path`` is afterwards."""
        for old, new in self.paths:
            if path == old or path.startswith(f"{old}/"):
                return new + path.removeprefix(old)
        return path

    def file(self, path: str) -> str:
        """Return where a file that the instance has among those of other programs is afterwards.

        Such are 60-postfix-out of amavisd, and postwrap-out-10.0.0.7.conf of networkd.
        """
        place = PurePosixPath(path)
        old, new = (last.removeprefix("postfix-") for last in (self.old_last, self.new_last))
        name = re.sub(
            rf"\A(\d+-){re.escape(self.old_last)}\Z", rf"\g<1>{self.new_last}", place.name
        )
        if name.startswith(f"postwrap-{old}-"):
            name = f"postwrap-{new}-{name.removeprefix(f'postwrap-{old}-')}"
        return str(place.with_name(name))

    def edits(self, *, own: bool = False) -> tuple[str, ...]:
        """Return the options by which sed(1) does so to a file; ``own``: of the instance itself."""
        return tuple(word for script in self._scripts(own) for word in ("-e", script))

    def _scripts(self, own: bool) -> Iterator[str]:
        for old, new in self.paths:
            found = rf"\(^\|[^{_BEFORE}]\){_plain(old)}\($\|[^{_AFTER}]\)"
            # Twice, for the character between two of them is part of the first.
            yield from (f"s#{found}#\\1{new}\\2#g",) * 2
        for name in NAMED if own else ():
            found = rf"\({name}[[:space:]]*=[[:space:]]*\){_plain(self.old_last)}"
            yield rf"s#{found}\($\|[^{_AFTER}]\)#\1{self.new_last}\2#g"

    def record(self, record: InstanceRecord) -> InstanceRecord:
        """Return the record of any instance with the new names."""
        claims = tuple(map(self.claim, record.claims))
        made = replace(record, directory=self.path(record.directory), claims=claims)
        if record.directory != self.old or record.request is None:
            return made
        return replace(made, request={n: self.text(v) for n, v in record.request.items()})

    def claim(self, claim: Claim) -> Claim:
        """Return ``claim`` with the new names."""
        made = replace(claim, owner=self.path(claim.owner))
        if claim.key.kind in FILES and claim.owner == self.old and claim.value is not None:
            key = replace(claim.key, place=self.file(claim.key.place))
            return replace(made, key=key, value=self.text(claim.value))
        if claim.key.kind not in _IN_CONFIGURATION:
            return made
        key = Key(claim.key.kind, self.path(claim.key.place), self.text(claim.key.name))
        values = (self._value(claim.key, value) for value in (claim.value, claim.before))
        value, before = values
        return replace(made, key=key, value=value, before=before)

    def _value(self, key: Key, value: Value) -> Value:
        if value is None:
            return None
        if key.place == self.old and key.name in NAMED and value == self.old_last:
            return self.new_last
        return self.text(value)


def names_it(text: str, names: NewNames) -> bool:
    """Whether ``text`` names a path that changes."""
    return names.text(text) != text


def _plain(path: str) -> str:
    """Return ``path``, of safe characters, as a basic regular expression has it."""
    return path.replace(".", r"\.")
