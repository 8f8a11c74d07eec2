"""How the verbs that change an instance ask, show and report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from postwrap.cli import output
from postwrap.cli.declare import flag
from postwrap.cli.documents import ProvisionDocument
from postwrap.cli.options import Json, this_host
from postwrap.errors import RefusedError
from postwrap.provision.engine.steps import transcript
from postwrap.provision.options import RoleOptions, UnansweredError
from postwrap.provision.provisioner import Provisioner, ProvisionPlan


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """How a change is made."""

    dry_run: Annotated[
        bool, flag("--dry-run", help="Print the shell lines that do it and change nothing")
    ] = False
    yes: Annotated[bool, flag("--yes", "-y", help="Do not ask for confirmation")] = False
    json: Json = False


def provisioner() -> Provisioner:
    """Return this host as one on which instances are made, changed and removed."""
    return Provisioner(this_host(), output.note)


def may_ask(change: ChangeOptions) -> bool:
    """Whether somebody at a terminal can be asked, and wants to be."""
    return not (change.yes or change.json or change.dry_run) and sys.stdin.isatty()


def answered(
    make: Callable[[RoleOptions], ProvisionPlan], options: RoleOptions, change: ChangeOptions
) -> ProvisionPlan:
    """Return the plan that ``make`` makes of ``options``, after asking for what they lack.

    Raises UnansweredError where nobody can be asked.
    """
    try:
        return make(options)
    except UnansweredError as error:
        if not may_ask(change):
            raise
        options = error.answered(_answer(error))
    return make(options)


def _answer(error: UnansweredError) -> str:
    try:
        return str(typer.prompt(error.question, err=True)).strip()
    except typer.Abort:  # Control-C or Control-D at the question
        output.note("")
        raise RefusedError("not done", error.hint) from None


def need_consent(change: ChangeOptions) -> None:
    """Raise RefusedError where nobody can be asked and --yes is not given, as install.sh does."""
    if not change.yes and not sys.stdin.isatty():
        message = "standard input is not a terminal, so nobody can be asked"
        raise RefusedError(message, "give --yes, or --dry-run to see what would be done")


def agree(plan: ProvisionPlan, question: str, change: ChangeOptions) -> None:
    """Show what is about to be done; on a terminal, ask. Raises RefusedError for a no."""
    width = max((len(key) for key in plan.settled), default=0)
    for key, value in plan.settled.items() if not change.json else ():
        output.note(f"{key.ljust(width)}  {value}")
    for note in plan.notes if not change.json else ():
        output.note(f"note: {note}")
    agree_to(question, change)


def agree_to(question: str, change: ChangeOptions) -> None:
    """Ask ``question`` on a terminal; RefusedError for a no."""
    # Who wants JSON has a program to read it, and that has decided.
    if change.yes or change.json or not sys.stdin.isatty():
        return
    if not _confirmed(question):
        raise RefusedError("not done", "--dry-run shows what would be done")


def _confirmed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # Control-C or Control-D at the question
        output.note("")
        return False


def show(plan: ProvisionPlan, change: ChangeOptions) -> None:
    """Print the transcript of ``plan``."""
    steps = (*plan.steps, *plan.last)
    if change.json:
        told = _document(plan)
        told["steps"] = [{"title": step.title, "shell": step.do.shell} for step in steps]
        output.as_json(told)
        return
    for note in plan.notes:
        output.note(f"note: {note}")
    output.script(transcript(steps))


def report(plan: ProvisionPlan, done: str, change: ChangeOptions) -> None:
    """Print how it ended."""
    if change.json:
        told = _document(plan)
        told["done"] = done
        output.as_json(told)
    else:
        output.line(f"{plan.directory or plan.name}: {done}")


def report_settled(plan: ProvisionPlan, done: str, change: ChangeOptions) -> None:
    """Print that there was nothing to do, and what there is to say about it."""
    for note in plan.notes if not change.json else ():
        output.note(f"note: {note}")
    report(plan, done, change)


def _document(plan: ProvisionPlan) -> ProvisionDocument:
    return {
        "name": plan.name,
        "directory": plan.directory,
        "settled": dict(plan.settled),
        "notes": list(plan.notes),
    }
