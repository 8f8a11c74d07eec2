"""Desired settings: what is to be set on a host, each with a key and a value. Pure.

The default instance, the secondary one and the host's network have settings in the same sense:
something that has a value, or is absent (None).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MULTI = "multi_instance_directories"
ALTERNATE = "alternate_config_directories"
LISTS = (MULTI, ALTERNATE)
"""The parameters of the default instance that list the others."""

Value = str | None
"""What is set; None: absent, not in the file."""

ParameterValues = Mapping[str, Value]
"""Parameters of one main.cf and their values; None takes a parameter out of it."""


class SettingKind(StrEnum):
    """What is set, and what the ``place`` and ``name`` of its key are."""

    PARAMETER = "parameter"
    """A parameter in the main.cf of a configuration directory."""
    ELEMENT = "element"
    """A word of a list parameter: ``multi_instance_directories /etc/postfix-out``."""
    SERVICE = "service"
    """A line in the master.cf of a configuration directory: ``out-filter/unix``."""
    FILE = "file"
    """A file, by its path; the value is its content."""
    DROP_IN = "drop-in"
    """The same, in a directory that may have to be made and goes when it is empty."""
    ADDRESS = "address"
    """An address of a network device: ``10.0.0.7/32``."""
    CONNECTION = "connection"
    """A property of a NetworkManager connection: ``ipv4.addresses 10.0.0.7/32``."""


FILES = frozenset({SettingKind.FILE, SettingKind.DROP_IN})
MAIN_CF = frozenset({SettingKind.PARAMETER, SettingKind.ELEMENT})


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a setting is called."""

    kind: SettingKind
    place: str
    name: str = ""


Desired = Mapping[Key, Value]


def parameter(directory: str, name: str) -> Key:
    """Return the key of a parameter of main.cf."""
    return Key(SettingKind.PARAMETER, directory, name)


def parameters(directory: str, settings: ParameterValues) -> dict[Key, Value]:
    """Return ``settings`` of the main.cf in ``directory`` with their keys."""
    return {parameter(directory, name): value for name, value in settings.items()}


def element(directory: str, listed: str, word: str) -> Key:
    """Return the key of ``word`` in the list parameter ``listed``."""
    return Key(SettingKind.ELEMENT, directory, f"{listed} {word}")


def service(directory: str, line: str) -> tuple[Key, str]:
    """Return the key and the value of a line of master.cf."""
    words = line.split()
    return Key(SettingKind.SERVICE, directory, "/".join(words[:2])), " ".join(words)


def words_of(text: str) -> list[str]:
    """Return the words of a list parameter."""
    return text.replace(",", " ").split()


def with_word(listed: str, text: str, word: str) -> str:
    """Return the list parameter ``listed`` with ``word`` at its end, as postmulti(1) writes it."""
    if word in words_of(text):
        return text
    return f"{_split(listed, text)} {word}".strip()


def without_word(listed: str, text: str, word: str) -> Value:
    """Return the list parameter ``listed`` without ``word``, None where nothing is left."""
    rest = re.sub(rf"(^|[,\s]+){re.escape(word)}(?=[,\s]|$)", "", text).strip(", \t\n")
    return _split(listed, rest) or None


def _split(listed: str, text: str) -> str:
    """Return a list with blanks: Debian 12's generator of units knows no commas in this one."""
    return " ".join(words_of(text)) if listed == MULTI else text
