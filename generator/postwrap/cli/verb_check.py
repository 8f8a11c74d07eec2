"""The verb check."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import PurePosixPath
from typing import Annotated

import typer

from postwrap.catalog.usage import Kind
from postwrap.checks import RULES, Finding, check
from postwrap.checks.look import look
from postwrap.cli import output
from postwrap.cli.declare import Metavar, option, verb
from postwrap.cli.documents import CheckDocument
from postwrap.cli.options import InstallationOptions, Json, Names
from postwrap.errors import Status, UsageError
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.host.naming import select
from postwrap.suggest import did_you_mean

_SHOWN = 5

Ignore = Annotated[
    list[str] | None,
    option(
        "--ignore", metavar=Metavar("CODE", Kind.CODE), help="Omit findings of CODE; repeatable"
    ),
]


@verb(
    "check",
    examples=("postwrap check", "postwrap check --ignore no-syslog-name out"),
    document=CheckDocument,
)
def check_(
    installation: InstallationOptions,
    names: Names = None,
    ignore: Ignore = None,
    json: Json = False,
) -> None:
    """Check the instances for problems and print a remedy for each.

    Changes nothing. The exit status is 1 if there is a finding, or something that matters could not
    be looked at without root. Each finding ends in its code. Without one, a line tells which
    instances were checked, and where they listen.
    """
    _refuse_unknown(ignore or ())
    picture = look(installation.host())
    host = picture.host
    known = [i.instance for i in (*host.instances, *host.copies)]
    chosen = {instance.directory for instance in select(known, names or ())}
    found = [
        finding
        for finding in check(picture)
        if finding.code not in (ignore or ()) and (not names or finding.instance in chosen)
    ]
    if json:
        output.as_json(_document(found, host))
    else:
        _print(found)
        if found and sys.stdout.isatty():
            output.note(f"'postwrap help {found[0].code}' tells more of such a finding")
        if not found:
            _print_sound([i for i in host.instances if i.directory in chosen])
        _print_unseen(host)
    is_blind = bool(host.unseen) and not host.is_root
    raise typer.Exit(Status.FOUND if found or is_blind else Status.OK)


def _refuse_unknown(codes: Iterable[str]) -> None:
    known = {rule.code for rule in RULES}
    for code in codes:
        if code not in known:
            remedy = did_you_mean(code, known, "man postwrap lists the codes")
            raise UsageError(f"--ignore {code}: no such code", remedy)


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
            for choice in finding.choices:
                output.line(f"    remedy (if {choice.when}): {choice.remedy}")


def _print_sound(checked: list[InstanceConfig]) -> None:
    """Print that nothing was found, and where the instances listen that were looked at."""
    listed = "; ".join(f"{i.directory} ({_places(i)})" for i in checked[:_SHOWN])
    more = f" and {len(checked) - _SHOWN} more" if len(checked) > _SHOWN else ""
    output.line(f"No problem found: {listed or 'no instance'}{more}")


def _places(instance: InstanceConfig) -> str:
    places = list(dict.fromkeys(map(str, instance.listeners)))
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    state = "" if instance.running is not False else "stopped; "
    return f"{state}{', '.join(places[:_SHOWN]) or 'no listener'}{more}"


def _print_unseen(host: HostModel) -> None:
    if host.unseen:
        places = (str(PurePosixPath(p).parent) if p.startswith("/") else p for p in host.unseen)
        why = "" if host.is_root else " (needs root)"
        output.note(f"postwrap: not checked{why}: " + "; ".join(dict.fromkeys(places)))


def _document(found: Iterable[Finding], host: HostModel) -> CheckDocument:
    return {
        "checked": [instance.directory for instance in host.instances],
        "unseen": list(host.unseen),
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "instance": finding.instance or None,
                "message": finding.message,
                "remedy": finding.remedy,
                "choices": [{"when": c.when, "remedy": c.remedy} for c in finding.choices],
                "source": finding.source,
            }
            for finding in found
        ],
    }
