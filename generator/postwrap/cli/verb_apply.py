"""The verb apply."""

from __future__ import annotations

import datetime
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from postwrap.cli import output, provisioning
from postwrap.cli.declare import flag, option, verb
from postwrap.cli.documents import AppliedInstance, ApplyDocument
from postwrap.cli.options import FILE
from postwrap.cli.provisioning import ChangeOptions
from postwrap.errors import Status, UsageError
from postwrap.provision.applying import Application, ApplyOutcome
from postwrap.provision.declaration import DeclaredState
from postwrap.provision.declared_file import declarations
from postwrap.provision.declaring import DeclaredPlan
from postwrap.provision.engine.steps import transcript
from postwrap.provision.provisioner import Provisioner
from postwrap.provision.rehearsal import rehearsal
from postwrap.settings import SYSTEM_SETTINGS


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What is applied, and how."""

    file: Annotated[
        str,
        option(
            "--file",
            metavar=FILE,
            help="File that declares the instances, TOML or JSON, - for standard input "
            "(default: /etc/postwrap.toml)",
        ),
    ] = SYSTEM_SETTINGS
    diff: Annotated[
        bool,
        flag(
            "--diff",
            help="Show what would change in main.cf and master.cf, and what else, and change "
            "nothing",
        ),
    ] = False
    overwrite_edits: Annotated[
        bool,
        flag("--overwrite-edits", help="Put back settings that were changed by hand"),
    ] = False


@verb(
    "apply",
    examples=(
        "postwrap apply --diff",
        "postwrap apply --yes",
        "postwrap apply --file instances.toml --dry-run",
        "postwrap apply --file - --yes --json <instances.json",
    ),
    document=ApplyDocument,
)
def apply(which: ApplyOptions, change: ChangeOptions) -> None:
    """Create, change and remove instances as a file declares them.

    Each is brought to its table [instance.NAME]; what is so already is not touched. A file that
    begins with a brace is JSON. Settings that were changed by hand are shown, and stay unless
    --overwrite-edits is given. What stands against one instance stops no other. With --dry-run or
    --diff the exit status is 1 if there is anything to do; without, if an edited setting stays or
    an instance is left out.
    """
    provisioner = provisioning.provisioner()
    application = Application(
        provisioner,
        declarations(_text(provisioner, which.file), _called(which.file)),
        datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        overwrites=which.overwrite_edits,
    )
    if change.dry_run or which.diff:
        _show(application.foresee(), provisioner, which, change)
        return
    with provisioner.locked(output.waiting):
        foreseen = None if change.yes else application.foresee()
        if foreseen and foreseen.is_changing:
            provisioning.need_consent(change)
            _agree(foreseen, change)
        outcome = application.carry_out(lambda planned: _report(planned, change))
    _finish(outcome, change, is_done=True)


def _text(provisioner: Provisioner, path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    if not provisioner.host.source.is_file(path):
        raise UsageError(f"{path}: no such file", "postwrap export writes one")
    return provisioner.host.source.read_text(path)


def _called(path: str) -> str:
    """Return what messages call the file."""
    return "standard input" if path == "-" else path


def _agree(foreseen: ApplyOutcome, change: ChangeOptions) -> None:
    for one in foreseen.plans:
        if one.is_changing:
            output.note(f"{one.plan.directory}: {_WORDS[one.verb]}")
    provisioning.agree_to("Apply it?", change)


_WORDS = {"create": "to be created", "role": "to be changed", "remove": "to be removed"}
_DONE = {"create": "created", "role": "changed", "remove": "removed"}


def _action(planned: DeclaredPlan) -> str:
    """Return what becomes of an instance, in a word."""
    if not planned.is_changing:
        return "unchanged"
    return _DONE[planned.verb]


def _report(planned: DeclaredPlan, change: ChangeOptions) -> None:
    if change.json:
        return
    if planned.is_changing:
        for note in planned.plan.notes:
            output.note(f"note: {note}")
        output.line(f"{planned.plan.directory}: {_action(planned)}")


def _show(
    outcome: ApplyOutcome, provisioner: Provisioner, which: ApplyOptions, change: ChangeOptions
) -> None:
    """Print what would be done; end with 1 if that is anything."""
    steps = [step for one in outcome.plans for step in (*one.plan.steps, *one.plan.last)]
    difference, others = "", list[str]()
    if which.diff:
        with rehearsal(provisioner.host.source) as rehearsed:
            for one in outcome.plans:
                rehearsed.take((*one.plan.steps, *one.plan.last), one.plan.name)
            difference, others = rehearsed.diff(), rehearsed.others
    if change.json:
        document = _document(outcome)
        if which.diff:
            document |= {"diff": difference, "others": others}
        if change.dry_run:
            document["steps"] = [{"title": s.title, "shell": s.do.shell} for s in steps]
        output.as_json(document)
    else:
        for one in outcome.plans:
            for note in one.plan.notes if one.is_changing else ():
                output.note(f"note: {note}")
        if which.diff:
            output.text(difference)
            for other in others:
                output.line(other)
        if change.dry_run and steps:
            output.script(transcript(steps))
    _finish(outcome, change, is_done=False)


def _finish(outcome: ApplyOutcome, change: ChangeOptions, *, is_done: bool) -> None:
    """Print what is left, and end with the status that tells of it."""
    left = outcome.has_drift
    if change.json and is_done:
        output.as_json(_document(outcome))
    elif not change.json:
        for one in outcome.plans:
            _show_drift(one)
        output.problems(refusal.problem for refusal in outcome.refusals)
        if is_done and not outcome.is_changing and not outcome.refusals and not left:
            output.line("nothing to change")
    if outcome.has_failed:
        raise typer.Exit(Status.FAILED)
    if outcome.refusals and not outcome.is_changing:
        raise typer.Exit(Status.REFUSED)
    found = left or outcome.refusals or (outcome.is_changing and not is_done)
    raise typer.Exit(Status.FOUND if found else Status.OK)


def _show_drift(one: DeclaredPlan) -> None:
    for drift in one.drift:
        found = "is not there" if drift.found is None else f"is {drift.found!r}"
        wanted = "is not to be there" if drift.wanted is None else f"{drift.wanted!r} is declared"
        name = f"{drift.key.place}: {drift.key.name}".rstrip(": ")
        output.error(f"{name}: was edited: {found}, {wanted}", "postwrap apply --overwrite-edits")


def _document(outcome: ApplyOutcome) -> ApplyDocument:
    return {
        "changed": outcome.is_changing,
        "instances": [_instance(one) for one in outcome.plans],
        "problems": output.problem_list(refusal.problem for refusal in outcome.refusals),
    }


def _instance(one: DeclaredPlan) -> AppliedInstance:
    return {
        "name": one.declared.name,
        "directory": one.plan.directory or None,
        "state": str(DeclaredState(one.declared.state)),
        "action": _action(one),
        "settled": dict(one.plan.settled),
        "notes": list(one.plan.notes),
        "drift": [
            {
                "place": drift.key.place,
                "name": drift.key.name,
                "declared": drift.wanted,
                "found": drift.found,
            }
            for drift in one.drift
        ],
    }
