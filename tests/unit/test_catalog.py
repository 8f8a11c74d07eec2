"""The catalog: what the completion engine takes for granted."""

from __future__ import annotations

import re

import pytest

from postwrap.catalog import CATALOG
from postwrap.catalog.usage import Kind, Usage
from postwrap.catalog.usages import USAGES
from postwrap.cli.program import program
from postwrap.errors import Status
from postwrap.render.manpages import STATUSES


def test_every_command_has_a_usage() -> None:
    assert [command.name for command in CATALOG] == list(USAGES)


def usages() -> list[tuple[str, Usage]]:
    made = program()
    own = [("postwrap", made.usage), *((f"postwrap {v.name}", v.usage) for v in made.verbs)]
    return [*USAGES.items(), *own]


@pytest.mark.parametrize(("name", "usage"), usages())
def test_the_engine_can_read_the_tables(name: str, usage: Usage) -> None:
    """Its tables are lines with | between fields, and lists with commas and semicolons."""
    assert len({o.flag for o in usage.options}) == len(usage.options)
    for option in usage.options:
        assert option.summary
        assert not set("|\n\t") & set(option.flag + option.summary + option.since)
        assert re.fullmatch(r"(\d+\.\d+)?", option.since)
    values = [o.value for o in usage.options if o.value]
    values += [value for rule in usage.operands for value in rule.values]
    for value in values:
        assert not set("|;,:\n\t") & set("".join(value.of)), value
        assert bool(value.of) == (
            value.kind in {Kind.WORD, Kind.WORDS, Kind.QUEUE_ID, Kind.QUEUE_IDS}
        )
    for rule in usage.operands:
        assert rule.values
    last = usage.operands[-1:]
    assert all(not rule.given and not rule.first for rule in last), "the last rule holds always"


def test_every_kind_is_used() -> None:
    used = {
        value.kind
        for _, usage in usages()
        for value in (
            *(o.value for o in usage.options if o.value),
            *(value for rule in usage.operands for value in rule.values),
        )
    }
    assert used == set(Kind)


def test_every_status_is_explained() -> None:
    assert set(STATUSES) == set(Status)
