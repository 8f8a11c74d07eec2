"""Tables, keys and certificates that settings name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from postwrap.provision.options import RoleOptions

_TABLE = re.compile(r"(?<![\w:])([a-z]+):(/[^\s,{}$]+)")
_FILE = re.compile(r"(?:_file|_files|_chain_files|_CAfile)$")
_BUILT = {
    "hash": ".db",
    "btree": ".db",
    "lmdb": ".lmdb",
    "cdb": ".cdb",
    "dbm": ".pag",
    "sdbm": ".pag",
}
"""Types of tables that postmap(1) builds, and what it puts behind the name."""

_READ = ("regexp", "pcre", "cidr", "texthash")
_WRITTEN = re.compile(r"(?:_cache_map|_cache_database|_verify_map)$")
"""Tables that Postfix makes itself."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that ``setting`` names; one of ``paths`` must exist."""

    setting: str
    path: str
    paths: tuple[str, ...]
    remedy: str


def named_files(settings: Mapping[str, str | None]) -> Iterator[NamedFile]:
    """Yield the files that parameters of main.cf name."""
    for name, value in settings.items():
        if not value or _WRITTEN.search(name) or name == "maillog_file":
            continue
        for kind, path in _TABLE.findall(value):
            if kind in _BUILT:
                built = f"{path}{_BUILT[kind]}"
                tool = "postalias" if name.startswith("alias_") else "postmap"
                yield NamedFile(name, path, (built,), f"{tool} {kind}:{path}")
            elif kind in _READ:
                yield NamedFile(name, path, (path,), "write it there first")
        if _FILE.search(name):
            for word in value.replace(",", " ").split():
                if word.startswith("/"):
                    yield NamedFile(name, word, (word,), "put it there first")


def missing_files(options: RoleOptions, exists: Callable[[str], bool]) -> Iterator[NamedFile]:
    """Yield the files that the settings of ``options`` name and that do not exist."""
    for named in named_files(options.settings):
        if not any(exists(path) for path in named.paths):
            yield named
