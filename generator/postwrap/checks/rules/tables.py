"""Lookup tables that Postfix cannot ask, and the configuration files of those in databases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host import table_files
from postwrap.host.model import InstanceConfig
from postwrap.host.table_files import NamedTable

theme = Theme("settings")

IN_TABLE = re.compile(
    r"(?P<table>\w+:(?P<file>/\S+)): unused parameter: (?P<name>[^=\s]+)=(?P<value>.*)"
)
_PACKAGED = frozenset({"mysql", "pgsql", "ldap", "pcre", "sqlite", "cdb", "lmdb", "mongodb"})
"""The types that Debian has in packages of their own: postfix-mysql."""
UNOPENED = re.compile(r'open "(?P<type>\w+)" configuration "(?P<file>[^"]+)": (?P<why>.+)')


@theme.rule(
    "unknown-table-setting",
    Severity.WARNING,
    "a setting of a lookup table's file that no part of Postfix knows",
    "postconf(1): unused parameter; DATABASE_README",
)
def unknown_table_setting(picture: Picture) -> Iterator[Hit]:
    """Yield the settings that postconf calls unused in the file of a table."""
    for instance in picture.host.readable:
        for warning in instance.warnings:
            if match := IN_TABLE.search(warning):
                name, file = match["name"], match["file"]
                message = f"{file}: no part of Postfix knows {name} = {match['value']}"
                # postconf prints a question mark for each byte that is not ASCII.
                pattern = remedies.literal(name, "/").replace("?", ".")
                program = f"s/^{pattern}[[:space:]]*=/#&/"
                sed = remedies.words("sed", "-i", program, file)
                remedy = f"LC_ALL=C {sed}" if "?" in name else sed
                yield Hit(instance.directory, message, remedy)


@theme.rule(
    "table-missing",
    Severity.ERROR,
    "the file of a lookup table is missing: mail that needs the table is deferred",
    "DATABASE_README; postmap(1)",
)
def table_missing(picture: Picture) -> Iterator[Hit]:
    """Yield tables whose file is not there. What was written and not indexed only needs that."""
    for instance in picture.host.readable:
        for table, users in _by_table(table_files.missing(instance)):
            if not _is_known(picture, table.kind):
                continue
            message = f"{_named(users)} names {table}: there is no {table.file}"
            if table.path in instance.files:
                program = "postalias" if table.parameter == "alias_maps" else "postmap"
                made = remedies.both(remedies.words(program, str(table)), remedies.reload(instance))
                yield Hit(instance.directory, message, made)
            else:
                yield Hit(instance.directory, message, "", (_go_on(instance, users),))


@theme.rule(
    "table-type-missing",
    Severity.ERROR,
    "Postfix lacks the type of a lookup table: mail that needs the table is deferred",
    "postconf(1) -m; DATABASE_README",
)
def table_type_missing(picture: Picture) -> Iterator[Hit]:
    """Yield tables of a type that postconf does not list; a distribution's package may bring it."""
    for instance in picture.host.readable:
        for table, users in _by_table(table_files.named_tables(instance)):
            if _is_known(picture, table.kind):
                continue
            message = f"{_named(users)} names {table}: this Postfix has no tables of that type"
            choices = (*_packaged(instance, table.kind), _go_on(instance, users))
            yield Hit(instance.directory, message, "", choices)


def _is_known(picture: Picture, kind: str) -> bool:
    """Whether Postfix has tables of the type ``kind``, as far as it told."""
    types = picture.host.table_types
    return not types or kind in types


def _by_table(found: Iterable[NamedTable]) -> Iterator[tuple[NamedTable, list[NamedTable]]]:
    """Yield each table once, with all the settings that name it."""
    every: dict[str, list[NamedTable]] = {}
    for table in found:
        every.setdefault(str(table), []).append(table)
    for users in every.values():
        yield users[0], users


def _named(users: Iterable[NamedTable]) -> str:
    """Return the settings in words: ``virtual_alias_maps, transport_maps of smtp/unix``."""
    return ", ".join(f"{t.parameter} of {t.override}" if t.override else t.parameter for t in users)


def _packaged(instance: InstanceConfig, kind: str) -> Iterator[Choice]:
    """Yield the package that brings the type ``kind``, where it is known to be one."""
    if kind in _PACKAGED:
        commands = (f"apt-get install postfix-{kind}", remedies.reload(instance))
        meant = "the table is to be asked, and this is Debian or a kin of it"
        yield Choice(meant, remedies.both(*commands))


def _go_on(instance: InstanceConfig, users: Iterable[NamedTable]) -> Choice:
    """Return the commands that take a table out of the settings that name it.

    A line of main.cf stays as a comment.
    """
    commands = []
    for table in users:
        if not table.override:
            commands.append(remedies.tool(instance, "postconf", "-#", table.parameter))
        written = _written(instance, table)
        rest = table_files.without(written, table)
        commands.append(remedies.override(instance, table.override, table.parameter, rest))
    meant = "mail is to go on as if the table were empty"
    return Choice(meant, remedies.both(*commands, remedies.reload(instance)))


def _written(instance: InstanceConfig, table: NamedTable) -> str:
    """Return the value of the setting that names ``table``, as it is written."""
    if not table.override:
        return instance.settings[table.parameter]
    return next(s for s in instance.services if s.key == table.override).options[table.parameter]
