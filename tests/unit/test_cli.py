"""The command line: one declaration of each option, help, errors, and the table made of it all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from tests.harness.documents import mismatches

from postwrap import __version__
from postwrap.catalog.program import Verb
from postwrap.catalog.usage import Kind
from postwrap.cli import documents, output
from postwrap.cli.command import group
from postwrap.cli.describe import keys
from postwrap.cli.headings import HEADINGS, ORDER
from postwrap.cli.help import help_of_program, help_of_verb
from postwrap.cli.program import program
from postwrap.errors import Status
from postwrap.packages import Format
from postwrap.provision.roles import Role
from postwrap.render.completions import tables

PROGRAM = program()
VERBS = {verb.name: verb for verb in PROGRAM.verbs}


def postwrap(*words: str, columns: int = 80) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": str(columns)}
    argv = [sys.executable, "-m", "postwrap", *words]
    return subprocess.run(argv, capture_output=True, text=True, env=env, check=False)


def command(name: str) -> Any:
    return group().commands[name]


# -- the table


def test_a_verb_is_a_module_of_its_name() -> None:
    import postwrap.cli as package

    found = {p.stem.removeprefix("verb_") for p in Path(package.__path__[0]).glob("verb_*.py")}
    assert found == set(ORDER)
    assert [name for name in ORDER if not command(name).hidden] == list(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_tables_of_the_completions_are_the_program(name: str) -> None:
    """What a shell offers is what Typer takes: flags, and whether a value follows."""
    names = ["-h", "--help"]  # the group's, which a verb inherits
    context = command(name).make_context(name, [], resilient_parsing=True, help_option_names=names)
    taken = {
        flag: parameter.is_flag
        for parameter in command(name).get_params(context)
        for flag in parameter.opts
        if flag.startswith("-")
    }
    table = dict(tables(PROGRAM))[f"postwrap-{name}"]
    lines = (line.split("|") for line in table["options"].splitlines())
    assert {flag: kind == "" for flag, kind, *_ in lines} == taken


def test_verbs_and_words_are_offered() -> None:
    made = dict(tables(PROGRAM))
    assert made["postwrap"]["operands"] == f"||word:{','.join(VERBS)}"
    assert made["postwrap-help"]["operands"].startswith("||word:list,create,")
    assert made["postwrap-role"]["operands"] == f"||instance:;word:{','.join(Role)};nothing:"
    assert f"--format|word|{','.join(Format)}|" in made["postwrap-package"]["options"]
    assert f"--role|word|{','.join(Role)}|" in made["postwrap-create"]["options"]
    assert not {"postwrap-requeue", "postwrap-renamed"} & made.keys()


def test_what_each_value_completes_to() -> None:
    kinds = {
        option.value.name: option.value.kind
        for verb in PROGRAM.verbs
        for option in verb.usage.options
        if option.value
    }
    assert kinds["DIR"] is Kind.DIRECTORY
    assert kinds["FILE"] is kinds["[TYPE:]FILE"] is Kind.FILE
    assert kinds["PARAM=VALUE"] is Kind.SETTING
    assert kinds["CODE"] is Kind.CODE
    first = {name: verb.usage.operands[0].values[0].kind for name, verb in VERBS.items()}
    assert first["list"] is first["start"] is first["env"] is Kind.INSTANCE
    assert first["remove"] is first["rename"] is Kind.SECONDARY, "the default instance stays"
    assert first["create"] is Kind.NOTHING, "a new name"
    assert first["each"] is Kind.COMMAND, "behind --"
    assert VERBS["each"].usage.operands[1].values[0].kind is Kind.INSTANCE
    assert first["which"] is Kind.WRAPPER


def test_options_are_the_same_wherever_they_are() -> None:
    """--dry-run and others have two meanings; --from is an instance, or a sender."""
    said: dict[str, set[str]] = {}
    for verb in PROGRAM.verbs:
        for option in verb.usage.options:
            said.setdefault(option.flag, set()).add(option.summary)
    several = {flag for flag, summaries in said.items() if len(summaries) > 1}
    assert several == {"--dry-run", "--format", "--from", "--group", "--prefix", "--raw"}


def test_the_order_of_imports_changes_nothing() -> None:
    script = (
        "from postwrap.cli.headings import load\nload(['which', 'help', 'remove'])\n"
        "from postwrap.cli.program import program\nprint(program())"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert said.stdout == f"{PROGRAM}\n"


# -- help


@pytest.mark.parametrize("name", VERBS)
def test_help_of_a_verb(name: str) -> None:
    shown = postwrap(name, "--help").stdout
    assert shown == f"{help_of_verb(VERBS[name])}\n"
    assert postwrap("help", name).stdout == postwrap(name, "-h").stdout == shown
    assert all(len(line) <= 80 for line in shown.splitlines()), shown
    assert not re.search(r"<\w+>|\[\[|\{|list\[|None|OPTIONS", shown), "types of Python"
    assert f"\n  {VERBS[name].examples[0]}\n" in f"{shown}\n"
    for option in VERBS[name].usage.options:
        assert re.search(rf"^  .*{re.escape(option.flag)}\b", shown, re.MULTILINE)


def test_help_narrows_with_the_terminal() -> None:
    shown = postwrap("create", "--help", columns=60).stdout
    prose = [line for line in shown.splitlines() if not line.startswith(("  postwrap", "Usage"))]
    assert max(map(len, prose)) <= 60


def test_help_of_the_program() -> None:
    shown = postwrap("--help").stdout
    assert shown == postwrap("help").stdout == postwrap("-h").stdout
    assert shown == f"{help_of_program(PROGRAM)}\n"
    assert re.findall(r"^(\w+):$", shown, re.MULTILINE) == [*HEADINGS, "Options"]
    listed = re.findall(r"^  ([a-z]+) ", shown, re.MULTILINE)
    assert listed == [name for names in HEADINGS.values() for name in names]
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize("name", ["create", "role"])
def test_help_has_a_line_for_each_role(name: str) -> None:
    shown = postwrap(name, "--help").stdout
    for role in Role:
        assert re.search(rf"^  {role} +\w+", shown, re.MULTILINE)


@pytest.mark.parametrize("verb", PROGRAM.verbs, ids=lambda verb: verb.name)
def test_a_summary_is_one_plain_line(verb: Verb) -> None:
    assert re.fullmatch(r"[A-Z][^.]{10,70}", verb.summary)
    for option in verb.usage.options:
        assert not option.summary.endswith(".")


def test_without_a_verb_help_is_an_error() -> None:
    done = postwrap()
    assert (done.returncode, done.stdout) == (Status.USAGE, "")
    assert done.stderr == postwrap("--help").stdout


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version(flag: str) -> None:
    assert postwrap(flag).stdout == f"postwrap {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["create", "--help"], ["help", "list"], ["-V"]])
def test_a_reader_that_has_gone(words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    argv = [sys.executable, "-m", "postwrap", *words]
    done = subprocess.run(argv, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (Status.FAILED, "")


# -- errors


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        ("lst", "lst: no such verb", "did you mean list? postwrap --help lists the verbs"),
        ("help crate", "crate: no such verb, and no such code of check",
             "did you mean create or trace? "),
        ("qqqq", "qqqq: no such verb", "postwrap --help lists the verbs"),
        ("--jsn list", "--jsn: no such option", "postwrap --help"),
        ("list --jsn", "--jsn: no such option", "did you mean --json? postwrap list --help"),
        ("list -x", "-x: no such option", "postwrap list --help"),
        ("env", "NAME: is missing", "postwrap env --help"),
        ("env a b", "b: more operands than postwrap env takes", "postwrap env --help"),
        ("create a --role", "--role: needs a value", "postwrap create --help"),
        ("list --json=1", "--json: takes no value", "postwrap list --help"),
        ("create a --role fallback", "--role fallback: not one of its values",
         "did you mean fallback-relay? give one of fallback-relay, content-filter"),
        ("role a outbond", "ROLE outbond: not one of its values", "did you mean outbound? "),
        ("package --format dbe", "--format dbe: not one of its values", "did you mean deb? "),
        ("package --release 0", "--release 0: not a whole number from 1 on", "--release 20"),
        ("log -n x", "--lines x: not a whole number from 0 on", "--lines 20"),
        ("log -f --json", "--follow: cannot be combined with --json", "leave one"),
        ("each out", "COMMAND: is missing", "postwrap each -- mailq"),
        ("check --ignore copi", "--ignore copi: no such code", "did you mean copy? "),
    ],
)  # fmt: skip
def test_errors_of_usage(words: str, message: str, remedy: str) -> None:
    done = postwrap(*words.split())
    assert (done.returncode, done.stdout) == (Status.USAGE, "")
    first, second = done.stderr.splitlines()
    assert first == f"postwrap: {message}"
    assert second.startswith(f"  remedy: {remedy}")


def test_an_unknown_instance_gets_the_nearest(tmp_path: Path) -> None:
    for name in ("postfix", "postfix-out", "postfix-inbound"):
        directory = tmp_path / "etc" / name
        directory.mkdir(parents=True)
        for file in ("main.cf", "master.cf"):
            (directory / file).touch()
    done = postwrap("list", "inbond", f"--root={tmp_path}")
    assert done.returncode == Status.REFUSED
    assert done.stderr.splitlines() == [
        "postwrap: inbond: no such instance",
        "  remedy: did you mean inbound? postwrap list shows the instances",
    ]
    wrong = postwrap("which", "mailq-ot", f"--root={tmp_path}")
    assert "did you mean mailq-out" in wrong.stderr


# -- documents


@pytest.mark.parametrize("name", VERBS)
def test_json_is_described_where_there_is_some(name: str) -> None:
    prints = any(option.flag == "--json" for option in VERBS[name].usage.options)
    assert bool(VERBS[name].document) == prints
    for key in VERBS[name].document:
        assert key.meaning
        assert re.fullmatch(
            r"(array of )*(string|integer|number|boolean|object)s?( or null)?", key.type
        ), key


def test_keys_of_a_document() -> None:
    described = {key.path: key.type for key in keys(documents.MapDocument)}
    assert described[".instances"] == "array of objects"
    assert described[".instances[].error"] == "string or null"
    assert described[".instances[].hands_to[].instances"] == "array of strings"
    assert set(get_type_hints(documents.MapDocument)) <= {path[1:] for path in described}


def test_a_document_that_is_not_as_described_is_noticed() -> None:
    good = {"schema": 1, "name": "o", "directory": "/", "settled": {}, "notes": ["n"]}
    described = documents.ProvisionDocument
    assert mismatches(good, described) == []
    assert mismatches(good | {"done": "x"}, described) == []
    assert mismatches(good | {"notes": [1]}, described)
    assert mismatches(good | {"name": None}, described)
    assert mismatches(good | {"more": 1}, described)
    assert mismatches(good | {"schema": 2}, described)
    assert mismatches({"schema": 1}, described)


TABLE = [("NAME", "QUEUE", "UNIT"), ("out", "/var/spool/postfix-out", "postfix@-.service")]


@pytest.mark.parametrize(
    ("room", "heads"),
    [
        (0, ["NAME", "QUEUE", "UNIT"]),
        (47, ["NAME", "QUEUE", "UNIT"]),
        (46, ["NAME", "UNIT"]),
        (22, ["NAME"]),
        (1, ["NAME"]),
    ],
)
def test_a_table_leaves_out_what_there_is_no_room_for(room: int, heads: list[str]) -> None:
    found = output.fitting(TABLE, ("QUEUE", "UNIT"), room)
    assert found[0] == heads
    assert all(len(row) == len(heads) for row in found)
