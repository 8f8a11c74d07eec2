"""Typer's errors of usage in the form of all others: what is wrong, then a remedy."""

from __future__ import annotations

import re
from typing import Any

import typer

from postwrap.errors import UsageError
from postwrap.suggest import did_you_mean

TyperUsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""The class of all errors of usage: Typer names it nowhere, and keeps it in different places."""

_TOO_MANY = re.compile(r"extra arguments?(?:\(s\))? \((.*)\)\.?\Z")


def in_our_words(error: Any, command: Any, path: str) -> UsageError:
    """Return ``error``, one of Typer's, as ours; ``command`` was called as ``path``."""
    remedy = f"{path} --help"
    if hasattr(error, "possibilities"):
        remedy = did_you_mean(error.option_name, _flags(command), remedy)
        return UsageError(f"{error.option_name}: no such option", remedy)
    if hasattr(error, "option_name"):
        return UsageError(f"{error.option_name}: {_wrong_use(error, command)}", remedy)
    if getattr(error, "param", None) is not None:
        name = error.param.metavar or error.param.opts[0]
        return UsageError(f"{name.strip('[].')}: {error.message or 'is missing'}", remedy)
    if extra := _TOO_MANY.search(error.message):
        return UsageError(f"{extra[1]}: more operands than {path} takes", remedy)
    return UsageError(error.message.rstrip("."), remedy)


def _flags(command: Any) -> list[str]:
    """Return the options of ``command``."""
    flags = (flag for p in command.params for flag in p.opts if flag.startswith("-"))
    return ["--help", *flags]


def _wrong_use(error: Any, command: Any) -> str:
    """Return what is wrong with the use of an option that there is."""
    found = (p for p in command.params if error.option_name in p.opts)
    is_flag = any(getattr(parameter, "is_flag", False) for parameter in found)
    return "takes no value" if is_flag else "needs a value"
