"""The optional settings file, /etc/postwrap.toml (with --user, in the user's configuration).

default-suffix = "-default"   # of the default instance's commands; "" for none
shells = ["bash", "zsh", "fish"]
prefix = "/usr/local"
add = ["swaks", "/opt/bin/mailx"]
omit = ["postkick"]
wrappers = "native"
prune = false                 # of apply: remove instances that are not declared

[instance.out]                # declared instances: postwrap.provision.declared_file reads them
address = "10.0.0.1"
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from postwrap.catalog import CATALOG
from postwrap.errors import UsageError
from postwrap.filesystem import Filesystem
from postwrap.host.naming import DEFAULT_SUFFIX, is_safe
from postwrap.layout import DEFAULT_PREFIX

SYSTEM_SETTINGS = "/etc/postwrap.toml"
SHELLS = ("bash", "zsh", "fish")
WRAPPERS = ("shell", "native")


def own_prefix() -> str:
    """Return the prefix under which install.sh put this postwrap, DEFAULT_PREFIX for another."""
    parts = Path(sys.prefix).parts
    if parts[-3:-1] == ("lib", "postwrap") and parts[-1].startswith("venv-"):
        return str(Path(*parts[:-3]))
    return DEFAULT_PREFIX


@dataclass(frozen=True, slots=True)
class Settings:
    """What the administrator chose; the defaults are those of a host without a settings file.

    ``instance`` are the tables of the declared instances, as they are; ``apply`` reads them.
    """

    default_suffix: str = DEFAULT_SUFFIX
    shells: tuple[str, ...] = SHELLS
    prefix: str = field(default_factory=own_prefix)
    add: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    wrappers: str = ""
    prune: bool = False
    instance: Mapping[str, Any] = field(default_factory=dict)


def user_settings_path() -> str:
    """Return where a user's own settings file is."""
    import platformdirs

    return f"{platformdirs.user_config_dir('postwrap')}/postwrap.toml"


def load(filesystem: Filesystem, path: str) -> Settings:
    """Return the settings in ``path``, the defaults where there is no such file.

    Raises UsageError that names the file and the line of what is wrong.
    """
    if not filesystem.is_file(path):
        return Settings()
    return parse(filesystem.read_text(path), path)


def parse(text: str, path: str) -> Settings:
    """Return the settings that the TOML ``text`` of the file ``path`` makes."""
    values: dict[str, Any] = {}
    for key, value in document_of(text, path).items():
        complaint = _complaint(key, value)
        if complaint:
            where = f"{path}:{line_of(text, key)}"
            raise UsageError(f"{where}: {key}: {complaint}", "man postwrap.toml tells the keys")
        values[key.replace("-", "_")] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)


def document_of(text: str, path: str) -> dict[str, Any]:
    """Return the TOML or JSON ``text`` of the file ``path`` as data; UsageError where it is none.

    JSON is told by its first character, with which no TOML begins.
    """
    try:
        if text.lstrip().startswith("{"):
            return _json(text)
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of TOML, and of Python's own bounds
        raise UsageError(f"{path}: {error}", "mend the file, or move it away") from None


def _json(text: str) -> dict[str, Any]:
    """Return an object of JSON; ValueError also for what json takes and TOML does not."""
    made: dict[str, Any] = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    json.dumps(made, ensure_ascii=False).encode()  # half a surrogate pair is no character
    return made


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; ValueError where a key is there twice, of which json takes one."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"{key}: is there twice")
        made[key] = value
    return made


def _no_number(word: str) -> None:
    raise ValueError(f"{word}: is not JSON")


def _complaint(key: str, value: object) -> str:
    """Return what is wrong with a setting, "" for nothing."""
    if key not in _RULES:
        return f"no such setting; there are {', '.join(_RULES)}"
    is_right, wanted = _RULES[key]
    return "" if is_right(value) else f"must be {wanted}"


def _is_suffix(value: object) -> bool:
    return isinstance(value, str) and (not value or is_safe(value))


def _is_shells(value: object) -> bool:
    return isinstance(value, list) and all(shell in SHELLS for shell in value)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and "\0" not in value


def _is_commands(value: object) -> bool:
    return isinstance(value, list) and all(_is_command(word) for word in value)


def _is_command(word: object) -> bool:
    if not isinstance(word, str) or "\0" in word or not is_safe(PurePosixPath(word).name):
        return False
    return word.startswith("/") or "/" not in word


def _is_catalogued(value: object) -> bool:
    names = {command.name for command in CATALOG}
    if not isinstance(value, list):
        return False
    return all(isinstance(word, str) and word in names for word in value)


def _is_kind(value: object) -> bool:
    return value in WRAPPERS


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _are_tables(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "default-suffix": (_is_suffix, 'a string of letters, digits, ".", "_" and "-", or ""'),
    "shells": (_is_shells, f"a list of {', '.join(SHELLS)}"),
    "prefix": (_is_path, "an absolute path"),
    "add": (_is_commands, "a list of commands' names or absolute paths"),
    "omit": (_is_catalogued, "a list of wrapped commands' names"),
    "wrappers": (_is_kind, " or ".join(f'"{kind}"' for kind in WRAPPERS)),
    "prune": (_is_boolean, "true or false"),
    "instance": (_are_tables, "tables: [instance.NAME]"),
}


def line_of(text: str, key: str, first: int = 1) -> int:
    """Return the number of the line, from ``first`` on, that sets ``key``; no parser tells it."""
    pattern = re.compile(rf"""^\s*\[*\s*["']?{re.escape(key)}["']?\s*[].=:]""")
    lines = list(enumerate(text.splitlines(), 1))[first - 1 :]
    return next((n for n, line in lines if pattern.match(line)), first)
