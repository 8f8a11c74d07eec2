"""The optional settings file, /etc/postwrap.toml (with --user, in the user's configuration).

default-suffix = "-default"   # of the default instance's commands; "" for none
shells = ["bash", "zsh", "fish"]
prefix = "/usr/local"
add = ["swaks", "/opt/bin/mailx"]
omit = ["postkick"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from postwrap.catalog import CATALOG
from postwrap.errors import UsageError
from postwrap.filesystem import Filesystem
from postwrap.instance import DEFAULT_SUFFIX, is_safe
from postwrap.layout import DEFAULT_PREFIX

SYSTEM_SETTINGS = "/etc/postwrap.toml"
SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the administrator chose; the defaults are those of a host without a settings file."""

    default_suffix: str = DEFAULT_SUFFIX
    shells: tuple[str, ...] = SHELLS
    prefix: str = DEFAULT_PREFIX
    add: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()


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
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}", "mend the file, or move it away") from None
    values: dict[str, Any] = {}
    for key, value in document.items():
        complaint = _complaint(key, value)
        if complaint:
            where = f"{path}:{_line_of(text, key)}"
            raise UsageError(f"{where}: {key}: {complaint}", "man postwrap.toml tells the keys")
        values[key.replace("-", "_")] = tuple(value) if isinstance(value, list) else value
    return Settings(**values)


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
    return isinstance(value, str) and value.startswith("/")


def _is_commands(value: object) -> bool:
    return isinstance(value, list) and all(_is_command(word) for word in value)


def _is_command(word: object) -> bool:
    if not isinstance(word, str) or not is_safe(PurePosixPath(word).name):
        return False
    return word.startswith("/") or "/" not in word


def _is_catalogued(value: object) -> bool:
    names = {command.name for command in CATALOG}
    return isinstance(value, list) and all(word in names for word in value)


_RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "default-suffix": (_is_suffix, 'a string of letters, digits, ".", "_" and "-", or ""'),
    "shells": (_is_shells, f"a list of {', '.join(SHELLS)}"),
    "prefix": (_is_path, "an absolute path"),
    "add": (_is_commands, "a list of commands' names or absolute paths"),
    "omit": (_is_catalogued, "a list of wrapped commands' names"),
}


def _line_of(text: str, key: str) -> int:
    """Return the number of the line that sets ``key``; tomllib does not say."""
    pattern = re.compile(rf"""^\s*\[*\s*["']?{re.escape(key)}["']?\s*[].=]""")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if pattern.match(line)), 1)
