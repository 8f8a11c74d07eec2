"""The verb check: what is wrong with the instances, and what mends it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import PurePosixPath
from typing import Annotated, Any

import typer

from postwrap.checks import RULES, Finding, check
from postwrap.checks.facts import Facts
from postwrap.checks.gather import gather
from postwrap.cli import app, output, where
from postwrap.errors import Status, UsageError
from postwrap.instance import select

Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="CODE", help="Pass over findings of this code; repeatable."),
]


@app.command("check")
def check_instances(
    names: where.Names = None,
    ignore: Ignore = None,
    prefix: where.Prefix = "",
    user: where.User = False,
    json: where.Json = False,
) -> None:
    """Look for what is wrong with the instances; exit 1 if anything."""
    _refuse_unknown(ignore or ())
    facts = gather(where.host(prefix, "", "", user, looks=True))
    known = [i.instance for i in (*facts.instances, *facts.copies)]
    chosen = {instance.directory for instance in select(known, names or ())}
    found = [
        finding
        for finding in check(facts)
        if finding.code not in (ignore or ()) and (not names or finding.instance in chosen)
    ]
    if json:
        output.as_json(_document(found, facts))
    else:
        _print(found)
        _print_unseen(facts)
    raise typer.Exit(Status.FOUND if found else Status.OK)


def _refuse_unknown(codes: Iterable[str]) -> None:
    known = {rule.code for rule in RULES}
    for code in codes:
        if code not in known:
            listed = ", ".join(sorted(known))
            raise UsageError(
                f"--ignore {code}: there is no such code", f"those there are: {listed}"
            )


def _print(found: Iterable[Finding]) -> None:
    """Print the findings by instance, the worst first, each remedy on a line to paste."""
    for number, (instance, group) in enumerate(groupby(found, key=lambda f: f.instance)):
        if number:
            output.line("")
        output.line(f"{instance or 'This host'}:")
        for finding in group:
            output.line(f"  {finding.severity}: {finding.message}  [{finding.code}]")
            if finding.remedy:
                output.line(f"    {finding.remedy}")


def _print_unseen(facts: Facts) -> None:
    if facts.unseen:
        places = (str(PurePosixPath(p).parent) if p.startswith("/") else p for p in facts.unseen)
        without = "" if facts.is_root else " without root"
        output.note(f"postwrap: not seen{without}: " + "; ".join(dict.fromkeys(places)))


def _document(found: Iterable[Finding], facts: Facts) -> dict[str, Any]:
    return {
        "checked": [instance.directory for instance in facts.instances],
        "unseen": list(facts.unseen),
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "instance": finding.instance or None,
                "message": finding.message,
                "remedy": finding.remedy,
                "source": finding.source,
            }
            for finding in found
        ],
    }
