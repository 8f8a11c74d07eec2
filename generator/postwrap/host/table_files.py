"""The lookup tables in files that an instance's settings name, and the files that they need. Pure.

Source: DATABASE_README; postmap(1) for the names of the files that it makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postwrap.host.inside import CACHES
from postwrap.host.model import InstanceConfig

INDEXED = {
    **dict.fromkeys(("hash", "btree"), ".db"),
    "lmdb": ".lmdb",
    "cdb": ".cdb",
    "dbm": ".pag",
    "sdbm": ".pag",
}
"""The types of tables that postmap(1) makes, and how the name of what it makes ends."""
_READ = frozenset({"texthash", "regexp", "pcre", "cidr"})
"""The types of tables that are read as they were written."""
_CONFIGURED = frozenset({"mysql", "pgsql", "ldap", "sqlite", "mongodb", "memcache"})
"""The types of tables whose file says how to ask for them."""
_WRITTEN = frozenset({*CACHES, "alias_database"})
"""What postscreen(8), tlsmgr(8), verify(8) and newaliases(1) make, if it is not there."""
_PATTERN = re.compile(
    r"(?<![\w./:-])(?:proxy:)?"
    rf"(?P<kind>{'|'.join((*INDEXED, *_READ, *_CONFIGURED))}):(?P<path>/[^\s,{{}}]+)"
)


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table that ``parameter`` names, of the type ``kind`` in the file ``path``.

    ``override`` is the service of master.cf whose ``-o`` sets it, "" for main.cf.
    """

    parameter: str
    override: str
    kind: str
    path: str

    def __str__(self) -> str:
        """Return what a setting has: ``hash:/etc/postfix/transport``."""
        return f"{self.kind}:{self.path}"

    @property
    def file(self) -> str:
        """The file that Postfix opens."""
        return f"{self.path}{INDEXED.get(self.kind, '')}"


def named_tables(instance: InstanceConfig) -> Iterator[NamedTable]:
    """Yield the tables that main.cf and the services of master.cf that are on name, each once."""
    in_main = ((name, "", instance.get(name)) for name in instance.settings)
    yield from _named(in_main)
    for service in instance.enabled_services:
        yield from _named((n, service.key, v) for n, v in service.options.items())


def _named(settings: Iterable[tuple[str, str, str]]) -> Iterator[NamedTable]:
    for parameter, override, value in settings:
        if parameter not in _WRITTEN:
            for kind, path in dict.fromkeys(_PATTERN.findall(value)):
                yield NamedTable(parameter, override, kind, path)


def without(value: str, table: NamedTable) -> str:
    """Return ``value``, as it is written, without ``table`` and the restriction that asks it."""
    name = re.escape(table.path.rpartition("/")[2])
    asked = rf"(?:check_\w+[\s,]+)?(?:proxy:)?{table.kind}:[^\s,{{}}]*{name}(?=[\s,}}]|$)"
    rest = re.sub(rf"[\s,]*(?<![\w./:-]){asked}", "", value)
    return rest.strip(" \t\n,")


def missing(instance: InstanceConfig) -> Iterator[NamedTable]:
    """Yield the tables whose file is not there; one that this user may not look at may be."""
    for table in named_tables(instance):
        if table.file not in instance.files and table.file not in instance.unseen:
            yield table
