"""The configuration files of lookup tables in databases: mysql:/etc/postfix/aliases.cf."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig

theme = Theme("settings")

IN_TABLE = re.compile(
    r"(?P<table>\w+:(?P<file>/\S+)): unused parameter: (?P<name>[^=\s]+)=(?P<value>.*)"
)
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
    "the configuration file of a lookup table is missing: mail that needs it is deferred",
    "postconf(1): open configuration; DATABASE_README",
)
def table_missing(picture: Picture) -> Iterator[Hit]:
    """Yield tables whose file is not there. One that is not for all to read is as it should be."""
    for instance in picture.host.readable:
        for warning in instance.warnings:
            match = UNOPENED.search(warning)
            if not match or "Permission denied" in match["why"]:
                continue
            table = f"{match['type']}:{match['file']}"
            users = [n for n, v in instance.settings.items() if table in _words(v)]
            message = f"{', '.join(users) or 'a setting'} names {table}: {match['why']}"
            commands = [_without(instance, name, table) for name in users]
            if commands:
                remedy = remedies.both(*commands, remedies.reload(instance))
                yield Hit(instance.directory, message, remedy)


def _words(value: str) -> list[str]:
    """Return the tables in ``value``, without what stands before them (proxy:)."""
    return [word.removeprefix("proxy:") for word in re.split(r"[\s,]+", value)]


def _without(instance: InstanceConfig, name: str, table: str) -> str:
    """Return the commands that take ``table`` out of ``name``; the old line stays as a comment."""
    words = re.split(r"[\s,]+", instance.settings[name])
    rest = ", ".join(word for word in words if word.removeprefix("proxy:") != table)
    return remedies.both(
        remedies.tool(instance, "postconf", "-#", name), remedies.edit(instance, **{name: rest})
    )
