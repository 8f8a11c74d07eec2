"""Declared instances as TOML or JSON: read from a file, and written as TOML. Pure.

[instance.out]
address = ["10.0.0.1"]
role = "outbound"
state = "present"

[instance.out.settings]
smtp_destination_rate_delay = "1s"

The keys are the options of create, role and remove.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from postwrap.errors import UsageError
from postwrap.provision import options as given
from postwrap.provision.again import OWN_OPTIONS, SHARED_OPTIONS, spelled
from postwrap.provision.declaration import Declaration, Declarations, DeclaredState
from postwrap.provision.desired import Value
from postwrap.provision.options import DECIDED, CreateOptions, RoleOptions
from postwrap.provision.roles import Role
from postwrap.settings import document_of, line_of, parse
from postwrap.suggest import did_you_mean

_OWN = {option.removeprefix("--"): field for option, field in OWN_OPTIONS.items()}
_SHARED = {option.removeprefix("--"): field for option, field in SHARED_OPTIONS.items()}
_FLAGS = ("same-source-address", "no-postmulti", "no-start")
_OTHERS = (
    *("address", "role", "state", "requeue-to", "settings", "unset", "services"),
    "copy",
)
KEYS = (*_OTHERS, *_OWN, *_SHARED, *_FLAGS)
"""The keys of a declared instance."""

_Word = TypeVar("_Word", Role, DeclaredState)

_OF_ABSENT = {"state", "requeue-to"}
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_SERVICE = re.compile(r"\S+/\S+\Z")
_ALLOWED = {
    *("inet_interfaces", "master_service_disable", "multi_instance_enable"),
    *("multi_instance_name", "syslog_name"),
}
"""What --set refuses and a declaration may state: instances made by hand have them otherwise."""


def declarations(text: str, path: str) -> Declarations:
    """Return what the TOML or JSON ``text`` of the file ``path`` declares.

    Raises UsageError that names the file and the line of what is wrong.
    """
    settings = parse(text, path)
    tables = document_of(text, path).get("instance", {})
    made = tuple(_InstanceTable(text, path, name, table).read() for name, table in tables.items())
    names: dict[str, Declaration] = {}
    for declared in made:
        if names.setdefault(declared.name, declared) is not declared:
            hint = "declare it once"
            raise UsageError(f"{declared.where}: instance {declared.name}: declared twice", hint)
    return Declarations(made, settings.prune)


class _InstanceTable:
    """One table [instance.NAME]."""

    def __init__(self, text: str, path: str, name: str, table: Mapping[str, Any]) -> None:
        self.text, self.path, self.name = text, path, name
        self.line = _header(text, name)
        self.table = {key.replace("_", "-"): value for key, value in table.items()}

    def read(self) -> Declaration:
        """Return what the table declares."""
        for key in self.table:
            if key not in KEYS:
                remedy = did_you_mean(key, KEYS, "man postwrap.toml tells the keys")
                raise self.wrong(key, "no such key", remedy)
        state = self.word("state", DeclaredState) or DeclaredState.PRESENT
        requeue_to = self.string("requeue-to")
        if state is DeclaredState.ABSENT:
            if others := self.table.keys() - _OF_ABSENT:
                raise self.wrong(
                    min(others), "is not for an instance that is absent", "leave it out"
                )
        elif requeue_to:
            hint = 'state = "absent"'
            raise self.wrong("requeue-to", "is for an instance that is absent", hint)
        try:
            options = self.options()
        except UsageError as error:
            raise self.named(error) from None
        where = f"{self.path}:{self.line}"
        return Declaration(options, state, requeue_to, where)

    def options(self) -> CreateOptions:
        """Return what create is asked for."""
        given_shared: dict[str, Any] = {f: self.string(key) for key, f in _SHARED.items()}
        shared = RoleOptions(
            role=self.word("role", Role),
            same_source_address=self.boolean("same-source-address"),
            settings=self.settings(),
            services=self.services(),
            **given_shared,
        )
        own: dict[str, Any] = {f: self.string(key).rstrip("/") for key, f in _OWN.items()}
        return CreateOptions(
            name=given.instance_name(self.name),
            addresses=given.addresses(self.strings("address")),
            postmulti=not self.boolean("no-postmulti"),
            start=not self.boolean("no-start"),
            copied=self.boolean("copy", usual=True),
            shared=shared,
            **own,
        )

    def settings(self) -> dict[str, Value]:
        """Return the parameters of main.cf, None for those that are unset."""
        made: dict[str, Value] = {}
        for name, value in self.subtable("settings").items():
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
            text = str(text) if isinstance(text, int) else text
            self._need_parameter(name)
            if not isinstance(text, str) or not given.is_setting(name, text):
                raise self.wrong(name, "must be a string, the value of a parameter of main.cf")
            made[name] = text.strip()
        for name in self.strings("unset"):
            self._need_parameter(name)
            if name in made:
                raise self.wrong("unset", f"{name}: is in settings too", "leave one out")
            made[name] = None
        return made

    def _need_parameter(self, name: str) -> None:
        if name in DECIDED and name not in _ALLOWED:
            option = DECIDED[name].rpartition("--")[2]
            has_key = option in KEYS
            hint = f"{option} is the key for it" if has_key else DECIDED[name]
            raise self.wrong(name, "is not for settings", hint)
        if not given.is_setting(name, ""):
            raise self.wrong(name, "is not a parameter of main.cf", "postconf -d lists them")

    def services(self) -> dict[str, str | None]:
        """Return the lines of master.cf by name/type, None for those that there shall not be."""
        made: dict[str, str | None] = {}
        for name, value in self.subtable("services").items():
            words = value.split() if isinstance(value, str) else []
            is_line = not words or (len(words) >= 8 and "/".join(words[:2]) == name)
            if not isinstance(value, str) or not _SERVICE.match(name) or not is_line:
                hint = "write NAME/TYPE = the line as postconf -M prints it, or an empty string"
                raise self.wrong(name, "must be a line of master.cf", hint)
            made[name] = " ".join(words) or None
        return made

    # Values of one type each.

    def string(self, key: str) -> str:
        """Return a string, "" where there is none."""
        return str(self._value(key, lambda v: isinstance(v, str), "a string", ""))

    def strings(self, key: str) -> tuple[str, ...]:
        """Return strings, of which there may be one without brackets."""
        value = self._value(key, _are_strings, "a string or a list of strings", ())
        return (value,) if isinstance(value, str) else tuple(value)

    def boolean(self, key: str, *, usual: bool = False) -> bool:
        """Return a boolean."""
        return bool(self._value(key, lambda v: isinstance(v, bool), "true or false", usual))

    def subtable(self, key: str) -> Mapping[str, Any]:
        """Return a table."""
        found: Mapping[str, Any] = self._value(key, lambda v: isinstance(v, dict), "a table", {})
        return found

    def word(self, key: str, words: type[_Word]) -> _Word | None:
        """Return one of ``words``, None where there is none."""
        value = self.string(key)
        if value and value not in {str(word) for word in words}:
            raise self.wrong(key, f"{value}: must be {', '.join(map(str, words))}")
        return words(value) if value else None

    def _value(self, key: str, is_right: Callable[[Any], bool], wanted: str, usual: Any) -> Any:
        value = self.table.get(key, usual)
        if not is_right(value) and key in self.table:
            raise self.wrong(key, f"must be {wanted}")
        return value

    # What is wrong.

    def wrong(self, key: str, message: str, hint: str = "") -> UsageError:
        """Return the error that names ``key`` and its line."""
        line = line_of(self.text, key, self.line)
        if line == self.line and "-" in key:
            line = line_of(self.text, key.replace("-", "_"), self.line)
        where = f"{self.path}:{line}"
        told = f"{where}: instance {self.name}: {key}: {message}"
        return UsageError(told, hint or "man postwrap.toml tells the keys")

    def named(self, error: UsageError) -> UsageError:
        """Return the error of the command line as one of this file."""
        if error.message.startswith(f"{self.path}:"):
            return error
        first = re.match(r"--([a-z-]+)", error.message)
        key = first[1] if first else ""
        line = line_of(self.text, key, self.line) if key else self.line
        message = re.sub(r"--(?=[a-z])", "", error.message)
        hint = re.sub(r"--(?=[a-z])", "", error.hint)
        return UsageError(f"{self.path}:{line}: instance {self.name}: {message}", hint)


def _are_strings(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def _header(text: str, name: str) -> int:
    """Return the number of the line that begins the table of ``name``."""
    spelling = rf"""["']?{re.escape(name)}["']?"""
    pattern = re.compile(rf"^\s*(\[\s*)?instance\s*\.\s*{spelling}\s*[].=]")
    lines = enumerate(text.splitlines(), 1)
    found = next((n for n, line in lines if pattern.match(line)), None)
    # JSON, and a table of tables, have the name below the word.
    return found or line_of(text, name, line_of(text, "instance"))


def written(declared: Declaration) -> str:
    """Return ``declared`` as a table of the file."""
    shared = declared.options.shared
    head = f"instance.{_key(declared.name)}"
    lines = [f"[{head}]", *_pairs(dict(_plain(declared)))]
    stated = {n: v for n, v in shared.settings.items() if v is not None}
    services = {n: v or "" for n, v in shared.services.items()}
    for name, table in (("settings", stated), ("services", services)):
        if table:
            lines += ["", f"[{head}.{name}]", *_pairs(table)]
    return "\n".join((*lines, ""))


def _plain(declared: Declaration) -> Iterator[tuple[str, Any]]:
    """Yield the keys of ``declared`` that are no tables, with their values."""
    options, shared = declared.options, declared.options.shared
    if declared.state is not DeclaredState.PRESENT:
        yield "state", str(declared.state)
    if declared.requeue_to:
        yield "requeue-to", declared.requeue_to
    if options.addresses:
        yield "address", [spelled(address) for address in options.addresses]
    if shared.role:
        yield "role", str(shared.role)
    for names, place in ((_OWN, options), (_SHARED, shared)):
        yield from ((key, value) for key, f in names.items() if (value := getattr(place, f)))
    if shared.same_source_address:
        yield "same-source-address", True
    if not options.postmulti:
        yield "no-postmulti", True
    if not options.start:
        yield "no-start", True
    if not options.copied:
        yield "copy", False
    if unset := [name for name, value in shared.settings.items() if value is None]:
        yield "unset", unset


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{_key(key)} = {_literal(value)}"


def _key(text: str) -> str:
    return text if _BARE.match(text) else _literal(text)


def _literal(value: Any) -> str:
    """Return a value as TOML has it, whose strings are those of JSON but for DEL."""
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
