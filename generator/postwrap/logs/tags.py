"""Whose a line of the log is, by the first part of its tag: postfix-out of postfix-out/smtpd."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from postwrap.host.naming import Instance
from postwrap.logs.lines import Line, parse

Owned = tuple[Instance, Line]
"""A line of the log, and the instance that wrote it."""


class Tags:
    """The tags of a host's instances.

    ``overrides`` holds, for an instance's directory, the values of syslog_name that services of
    its master.cf have of their own. Where two instances have one tag, the first has the lines:
    nobody can tell them apart, and ``shared`` names the others.
    """

    def __init__(
        self, instances: Sequence[Instance], overrides: Mapping[str, Sequence[str]]
    ) -> None:
        self._owners: dict[str, Instance] = {}
        self.shared: list[Instance] = []
        for instance in instances:
            owner = self._owners.setdefault(_main_tag(instance), instance)
            if owner != instance:
                self.shared.append(instance)
        for instance in instances:
            name = instance.parameters.get("multi_instance_name", "")
            for value in (name, *overrides.get(instance.directory, ())):
                if head := _head(value):
                    self._owners.setdefault(head, instance)

    @property
    def heads(self) -> Collection[str]:
        """The first parts of the tags of all instances."""
        return self._owners.keys()

    def owner(self, tag: str) -> Instance | None:
        """Return the instance that logs as ``tag``, None for one of another program."""
        return self._owners.get(tag.partition("/")[0])

    def has(self, tag: str) -> bool:
        """Whether an instance logs as ``tag``."""
        return self.owner(tag) is not None

    def owned(self, texts: Iterable[str]) -> Iterator[Owned]:
        """Yield those of the lines ``texts`` that an instance wrote, with the instance."""
        for text in texts:
            line = parse(text)
            owner = self.owner(line.tag) if line else None
            if line and owner:
                yield owner, line


def _main_tag(instance: Instance) -> str:
    return _head(instance.parameters.get("syslog_name", "")) or "postfix"


def _head(syslog_name: str) -> str:
    """Return the part of a syslog_name before a slash, "" where only Postfix can expand it."""
    return syslog_name.partition("$")[0].partition("/")[0].strip()
