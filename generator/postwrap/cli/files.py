"""How the verbs that compare or change the installed files report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import typer

from postwrap.cli import output
from postwrap.cli.documents import InstallationDocument
from postwrap.errors import Problem, Status
from postwrap.install.plan import Action, InstallPlan
from postwrap.installing import InstallOutcome


def report(done: InstallOutcome, *, as_json: bool, dry_run: bool) -> None:
    """Print what was or would be done, and leave with the status that says how it went."""
    planned = done.plan
    for note in done.notes:
        output.note(f"postwrap: {note}")
    if as_json:
        output.as_json(document(planned, done.problems))
    else:
        output.problems((*done.problems, *planned.conflicts, *planned.kept))
        if planned.conflicts:
            output.error("nothing was changed: the files above are in the way")
        elif dry_run:
            _show_changes(planned)
        else:
            output.line(_summary(planned))
    if planned.conflicts:
        raise typer.Exit(Status.REFUSED)
    raise typer.Exit(Status.OK if done.is_clean else Status.FOUND)


def document(planned: InstallPlan, problems: Sequence[Problem]) -> InstallationDocument:
    """Return a plan as JSON."""
    return {
        "changes": [{"action": str(c.action), "path": c.path} for c in planned.changes],
        "conflicts": output.problem_list(planned.conflicts),
        "kept": output.problem_list(planned.kept),
        "problems": output.problem_list(problems),
    }


def _show_changes(planned: InstallPlan) -> None:
    for change in planned.changes:
        output.line(f"{change.action:6}  {change.path}")


def _summary(planned: InstallPlan) -> str:
    count = Counter(change.action for change in planned.changes)
    if not count:
        return "Nothing to do: everything is up to date."
    words = {Action.ADD: "added", Action.UPDATE: "updated", Action.REMOVE: "removed"}
    return "Files: " + ", ".join(f"{count[a]} {word}" for a, word in words.items() if count[a])
