"""The command line as data, read from the Typer program: what it is, everything else says."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from postwrap.catalog.program import DocumentKey, Program, Verb
from postwrap.catalog.usage import DASHES, END, Kind, Operands, Option, Usage, Value
from postwrap.cli.command import SUMMARY, group
from postwrap.cli.declare import ABOUT, About, Metavar
from postwrap.cli.describe import keys
from postwrap.cli.headings import HEADINGS, ORDER, load

_HELP = Option("--help", "Print this help"), Option("-h", "Print this help")
_COMMAND = "COMMAND"


@cache
def program() -> Program:
    """Return the command line of postwrap."""
    load()
    made = group()
    verbs = {name: verb_of(made.commands[name]) for name in ORDER if name in ABOUT}
    headings = tuple((h, tuple(verbs.pop(n) for n in names)) for h, names in HEADINGS.items())
    unlisted = tuple(verbs.values())
    names = {v.name: v.summary for v in (*(v for _, vs in headings for v in vs), *unlisted)}
    verb = Value("VERB", Kind.WORD, tuple(names))
    usage = Usage((*_options(made), *_HELP), (Operands((verb,)),), names)
    return Program(SUMMARY, usage, headings, unlisted)


def verb_of(command: Any) -> Verb:
    """Return the verb that ``command``, a command of Typer's, runs."""
    about = ABOUT.get(command.name, About())
    operands = [p for p in command.params if p.param_type_name == "argument"]
    metavars = [p.metavar for p in command.params if isinstance(p.metavar, Metavar)]
    description = inspect.cleandoc(command.help).split("\n\n")[1:]
    return Verb(
        command.name,
        about.summary,
        Usage(
            (*_options(command), *_HELP),
            (*_behind_dashes(about), Operands(tuple(_values(operands)))),
            {word: meaning for metavar in metavars for word, meaning in metavar.words.items()},
        ),
        tuple(map(_one_line, description)),
        (*((_shown(p), p.help) for p in operands), *_command_line(about)),
        tuple((str(m), tuple(m.words.items())) for m in dict.fromkeys(metavars) if m.is_explained),
        about.examples,
        _document(about),
    )


def _behind_dashes(about: About) -> Iterator[Operands]:
    if about.command:
        yield Operands((Value(_COMMAND, Kind.COMMAND),), given=DASHES)


def _command_line(about: About) -> Iterator[tuple[str, str]]:
    if about.command:
        yield f"-- {_COMMAND} [ARG]...", about.command


def _document(about: About) -> tuple[DocumentKey, ...]:
    return keys(about.document) if about.document else ()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _options(command: Any) -> Iterator[Option]:
    """Yield the options, each flag of them; the help option is Typer's own, and not among them."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            value = None if parameter.is_flag else parameter.metavar.value()
            for flag in parameter.opts:
                yield Option(flag, parameter.help, value)


def _values(operands: list[Any]) -> Iterator[Value]:
    for parameter in operands:
        yield parameter.metavar.value(_shown(parameter))
    if not operands or operands[-1].nargs == 1:
        yield END


def _shown(parameter: Any) -> str:
    """Return an operand as a synopsis has it."""
    if parameter.nargs != 1:
        return f"{parameter.metavar}..." if parameter.required else f"[{parameter.metavar}]..."
    return str(parameter.metavar) if parameter.required else f"[{parameter.metavar}]"
