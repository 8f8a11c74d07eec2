"""What the tables that choose next hops give: asked of postmap(1), bounded."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from postwrap.host.model import InstanceConfig, TableAnswer
from postwrap.host.nexthops import ROUTE_TABLES, tables_of
from postwrap.postfix import Postfix

_LISTED = frozenset({"hash", "btree", "lmdb", "dbm", "sdbm", "texthash", "inline"})
"""The types of tables that ``postmap -s`` lists."""
_ASKED = frozenset({"regexp", "pcre", "cidr", "cdb", "static"})
"""The types that answer from files of this host alone, a question at a time."""
_JOINED = frozenset({"unionmap", "pipemap"})
"""The types that are made of other tables, each of which may be one of a server."""
_SERVED = re.compile(
    r"(?<![\w.-])(?:tcp|socketmap|ldap|mysql|pgsql|sqlite|mongodb|memcache|nis|nisplus|unix|proxy):"
)
"""A table of a server, or of a database."""
_DOMAINS = ("mydestination", "relay_domains", "virtual_mailbox_domains", "virtual_alias_domains")
_MOST = 10_000
"""So many entries of one table are looked at, and so many questions asked."""
_SECONDS = 10
"""As long as one table may take."""


def with_answers(postfix: Postfix, found: Sequence[InstanceConfig]) -> list[InstanceConfig]:
    """Return the instances with what their tables give.

    A table that cannot be listed is asked for ``*`` and for the domains that the instances and
    the tables name. Those that several instances have are read once.
    """
    postmap = _Postmap(postfix)
    listed = [replace(i, answers=tuple(_answers(postmap, i, _LISTED))) for i in found]
    keys = ("*", *dict.fromkeys(key for i in listed for key in _keys(i)))[:_MOST]
    asked = _ASKED | _JOINED
    return [replace(i, answers=(*i.answers, *_answers(postmap, i, asked, keys))) for i in listed]


def _keys(instance: InstanceConfig) -> Iterator[str]:
    """Yield the domains and addresses that the settings and the tables of ``instance`` name."""
    yield from (a.key for a in instance.answers)
    words = (word for name in _DOMAINS for word in instance.words(name))
    yield from (w.lower() for w in words if "." in w and not set(w) & set(":/!{}[]"))


def _answers(
    postmap: _Postmap, instance: InstanceConfig, kinds: Collection[str], keys: Sequence[str] = ()
) -> Iterator[TableAnswer]:
    """Yield what the tables of ``kinds`` give: all that they hold, or the answers for ``keys``."""
    for parameter in ROUTE_TABLES:
        for word in tables_of(instance.get(parameter)):
            table = word.removeprefix("proxy:")
            kind = table.partition(":")[0]
            if kind not in kinds or (kind in _JOINED and not _is_of_files(table)):
                continue
            for key, result in postmap.said(instance.directory, table, keys):
                yield TableAnswer(parameter, table, key, result)


def _is_of_files(table: str) -> bool:
    """Whether all tables that ``table`` is made of are files of this host."""
    return not _SERVED.search(table)


@dataclass
class _Postmap:
    """postmap(1), with what it has said so far."""

    postfix: Postfix
    known: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def said(self, directory: str, table: str, keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return what ``table`` gives for ``keys``, without keys all; nothing where it fails."""
        if table not in self.known:
            self.known[table] = tuple(self._ask(directory, table, keys))
        return self.known[table]

    def _ask(self, directory: str, table: str, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield keys and results, which postmap prints on a line each."""
        words = ("-q", "-", table) if keys else ("-s", table)
        text = "".join(f"{key}\n" for key in keys)
        program = self.postfix.program("postmap")
        try:
            done = self.postfix.run(
                program, *words, directory=directory, text=text, seconds=_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired):
            return
        for line in done.stdout.splitlines()[:_MOST]:
            key, tab, result = line.partition("\t")
            if tab:
                yield key, result.strip()
