"""How a verb is declared: its options once, in dataclasses, and what the manual adds to them.

A dataclass whose fields are annotated options may be a parameter of a verb: its fields become
options of that verb, and the verb gets the dataclass. So several verbs share one declaration.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

import typer

from postwrap.catalog.usage import Kind, Value
from postwrap.cli.command import CommandVerb, VerbCommand, app


class Metavar(str):
    """The name of a value in help, which also says what a shell offers for the value.

    ``words`` are the values to choose from, each with its meaning; help explains them where
    ``is_explained``.
    """

    kind: Kind
    words: Mapping[str, str]
    is_explained: bool

    def __new__(
        cls,
        name: str,
        kind: Kind = Kind.NOTHING,
        words: Mapping[str, str] | None = None,
        *,
        is_explained: bool = True,
    ) -> Metavar:
        """Return the name of a value."""
        made = super().__new__(cls, name)
        made.kind = Kind.WORD if words else kind
        made.words = words or {}
        made.is_explained = is_explained and bool(words)
        return made

    def value(self, shown: str = "") -> Value:
        """Return this as the catalog has it, under the name ``shown``."""
        return Value(shown or str(self), self.kind, tuple(self.words))


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a verb beside its options; ``document`` is the TypedDict of its JSON.

    ``command`` is the meaning of a command line behind ``--``, "" where the verb takes none.
    """

    summary: str = ""
    examples: tuple[str, ...] = ()
    document: type | None = None
    command: str = ""


ABOUT: dict[str, About] = {}
"""What is said of each verb that help shows, by name."""


def flag(*names: str, help: str) -> Any:  # noqa: A002
    """Return an option without a value; ``names`` are its flags."""
    return typer.Option(*names, help=help, show_default=False)


def option(*names: str, metavar: Metavar, help: str, **more: Any) -> Any:  # noqa: A002
    """Return an option with a value; without ``names`` it is called after its parameter."""
    return typer.Option(*names, metavar=metavar, help=help, show_default=False, **more)


def operand(metavar: Metavar, help: str) -> Any:  # noqa: A002
    """Return an operand."""
    return typer.Argument(metavar=metavar, help=help, show_default=False)


def verb(
    name: str,
    *,
    examples: Iterable[str] = (),
    document: type | None = None,
    hidden: bool = False,
    command: str = "",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that makes a function the verb ``name``.

    ``examples`` are command lines; ``document`` is the TypedDict of what ``--json`` prints;
    ``command`` is the help of a command line behind ``--``, where the verb takes one.
    """

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        if not hidden:
            summary = str(function.__doc__).partition("\n")[0].rstrip(".")
            ABOUT[name] = About(summary, tuple(examples), document, command)
        kind = CommandVerb if command else VerbCommand
        app.command(name, cls=kind, hidden=hidden)(_spread(function))
        return function

    return declare


def _spread(function: Callable[..., None]) -> Callable[..., None]:
    """Return ``function`` with the fields of its dataclasses as parameters of their own.

    Typer reads the signature and the annotations.
    """
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, Any] = {n: hint for n, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in groups:
            parameters += _parameters(groups[parameter.name])
        else:
            parameters.append(_parameter(parameter.name, hints, parameter.default))

    @wraps(function)
    def spread(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{f.name: values.pop(f.name) for f in fields(group)})
        function(**values)

    del spread.__dict__["__wrapped__"]
    spread.__dict__["__signature__"] = inspect.Signature(parameters)
    spread.__annotations__ = {p.name: p.annotation for p in parameters}
    return spread


def _parameters(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        _parameter(f.name, hints, inspect.Parameter.empty if f.default is MISSING else f.default)
        for f in fields(group)
    ]


def _parameter(name: str, hints: Mapping[str, Any], default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hints[name])
