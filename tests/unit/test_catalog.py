"""The catalog against the manuals of the Postfix that is installed, and against the Typer app."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from tests.harness.manuals import flags, flags_of_manual, manual, version

from postwrap.catalog import CATALOG
from postwrap.catalog.usage import Kind, Option, Usage
from postwrap.catalog.usages import USAGES
from postwrap.catalog.verbs import FORMAT, POSTWRAP, ROLE, VERBS
from postwrap.cli import app
from postwrap.errors import Status
from postwrap.packages import Format
from postwrap.provision.options import Role
from postwrap.render.manpages import STATUSES

BY_OTHER_NAMES = {"mailq", "newaliases"}
"""sendmail, as its manual says itself."""

WITH_A_MANUAL = [c.name for c in CATALOG if c.name not in BY_OTHER_NAMES]


@pytest.mark.parametrize("name", WITH_A_MANUAL)
def test_options_are_those_of_the_manual(name: str) -> None:
    assert flags(USAGES[name], version()) == flags_of_manual(name)


@pytest.mark.parametrize("name", sorted(BY_OTHER_NAMES))
def test_options_of_sendmail_by_other_names(name: str) -> None:
    assert flags(USAGES[name], version()) <= flags_of_manual("sendmail")


@pytest.mark.parametrize("name", WITH_A_MANUAL)
def test_options_take_a_value_where_the_manual_says_so(name: str) -> None:
    """The manuals write a value in italics, after the flag or against it."""
    text = manual(name)
    for option in USAGES[name].options:
        written = re.escape(option.flag.replace("-", r"\-"))
        heads = re.findall(rf'^\.IP "?\\fB{written}(.*)$', text, re.MULTILINE)
        with_value = [head for head in heads if re.match(r"(\\fR)? ?\\fI| \\fI", head)]
        if len(heads) == 1 and option.flag != "-XV":
            assert bool(with_value) == bool(option.value), (option, heads)


def test_every_command_has_a_usage() -> None:
    assert [command.name for command in CATALOG] == list(USAGES)


def usages() -> list[tuple[str, Usage]]:
    own = [("postwrap", POSTWRAP), *((f"postwrap {v.name}", v.usage) for v in VERBS)]
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


# -- postwrap's own verbs


def commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return {name: command for name, command in group.commands.items() if not command.hidden}


def is_option(parameter: Any) -> bool:
    return bool(parameter.opts[0].startswith("-"))


def test_verbs_are_those_of_the_app() -> None:
    told = {name: command.get_short_help_str(300) for name, command in commands().items()}
    assert {verb.name: verb.summary for verb in VERBS} == told


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_options_of_a_verb_are_those_of_the_app(verb: Any) -> None:
    parameters = [p for p in commands()[verb.name].params if is_option(p)]
    told = {flag: (p.help, not p.is_flag) for p in parameters for flag in p.opts}
    told["--help"] = ("Show this message and exit.", False)
    ours = {o.flag: (o.summary, o.value is not None) for o in verb.usage.options}
    assert ours == told
    names = {flag: p.metavar for p in parameters for flag in p.opts if p.metavar}
    assert {f: n for f, n in _value_names(verb.usage.options).items() if f in names} == names


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_operands_of_a_verb_are_those_of_the_app(verb: Any) -> None:
    parameters = [p for p in commands()[verb.name].params if not is_option(p)]
    told = [p.metavar.strip("[]") if p.nargs == 1 else p.metavar for p in parameters]
    values = [value for rule in verb.usage.operands for value in rule.values]
    assert [value.name.strip("[].") for value in values if value.name] == told
    is_open = any(p.nargs == -1 for p in parameters)
    assert is_open == bool(values[-1].name), "what may come again, and what not"


def test_options_before_the_verb() -> None:
    group: Any = typer.main.get_command(app)
    told = {flag: p.help for p in group.params for flag in p.opts}
    assert {o.flag: o.summary for o in POSTWRAP.options if o.flag != "--help"} == told


def test_roles_are_those_of_the_recipe() -> None:
    assert list(ROLE.of) == [str(role.value) for role in Role]


def test_formats_are_those_of_packages() -> None:
    assert list(FORMAT.of) == [str(kind.value) for kind in Format]


def test_every_status_is_explained() -> None:
    assert set(STATUSES) == set(Status)


def _value_names(options: tuple[Option, ...]) -> dict[str, str]:
    return {o.flag: o.value.name for o in options if o.value}
