"""The verbs install, uninstall and diff."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from postwrap.assemble import Assembly, Scope, assemble, instances_of
from postwrap.cli import app, output, where
from postwrap.diff import unified
from postwrap.errors import Problem, RefusedError, Status
from postwrap.host import Host
from postwrap.install.manifest import Manifest
from postwrap.install.plan import Action, Plan, is_settled, plan
from postwrap.install.session import Session, lock_path, session
from postwrap.instance import select
from postwrap.render.boot import SCRIPT
from postwrap.service import Services

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, do nothing.")]
Force = Annotated[
    bool, typer.Option("--force", help="Put foreign files in the way aside, with a backup.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing; the status tells.")]


@app.command()
def install(
    names: where.Names = None,
    prefix: where.Prefix = "",
    destdir: where.Destdir = "",
    root: where.Root = "",
    user: where.User = False,
    dry_run: DryRun = False,
    force: Force = False,
    json: where.Json = False,
) -> None:
    """Install the commands of every instance, or of those named.

    Removes what is out of date.
    """
    host = where.host(prefix, destdir, root, user)
    _leave_packages_alone(host)
    assembly = assemble(host, names or ())
    if dry_run:
        planned = assembly.plan(host.manifest, host.destination, force=force)
    else:
        planned = _install(host, assembly, force)
    told = () if dry_run else tell_init(host, planned)
    _report(planned, (*assembly.problems, *told), as_json=json, dry_run=dry_run)


@app.command()
def uninstall(
    names: where.Names = None,
    prefix: where.Prefix = "",
    destdir: where.Destdir = "",
    root: where.Root = "",
    user: where.User = False,
    dry_run: DryRun = False,
    json: where.Json = False,
) -> None:
    """Remove what install wrote, for every instance or those named.

    Keeps what was edited, and names it.
    """
    host = where.host(prefix, destdir, root, user)
    _leave_packages_alone(host)
    planned = _plan_removal(host, host.manifest, names or ())
    if not dry_run and not _is_settled(host, planned):
        with _session(host) as held:
            manifest = held.manifest()
            planned = _plan_removal(host, manifest, names or ())
            held.apply(planned, manifest)
            if not planned.manifest.files:
                host.destination.remove(host.facts_path)
    told = () if dry_run else tell_init(host, planned)
    _report(planned, told, as_json=json, dry_run=dry_run)


@app.command()
def diff(
    names: where.Names = None,
    prefix: where.Prefix = "",
    destdir: where.Destdir = "",
    root: where.Root = "",
    user: where.User = False,
    quiet: Quiet = False,
    json: where.Json = False,
) -> None:
    """Show what install would change; exit 1 if anything."""
    host = where.host(prefix, destdir, root, user)
    assembly = assemble(host, names or ())
    planned = assembly.plan(host.manifest, host.destination, force=True)
    if json:
        output.as_json(_document(planned, assembly.problems))
    elif not quiet:
        output.text("".join(map(unified, planned.changes)))
        output.problems((*assembly.problems, *planned.conflicts, *planned.kept))
    found = planned.changes or planned.conflicts or planned.kept or assembly.problems
    raise typer.Exit(Status.FOUND if found else Status.OK)


def _leave_packages_alone(host: Host) -> None:
    """Raise RefusedError where a package brought the files: they are the package manager's."""
    package = host.manifest.package
    if package:
        message = f"{host.layout.state}: these commands belong to the package {package}"
        hint = "have the package manager change them, or choose another --prefix"
        raise RefusedError(message, hint)


def _install(host: Host, assembly: Assembly, force: bool) -> Plan:
    """Install ``assembly`` unless something is in the way; return the plan that was made."""
    planned = assembly.plan(host.manifest, host.destination, force=force)
    if _is_settled(host, planned) and not host.new_facts:
        return planned  # without a lock, which would touch its directory
    with _session(host) as held:
        before = held.manifest()
        planned = assembly.plan(before, host.destination, force=force)
        if not planned.conflicts:
            held.apply(planned, before)
            host.keep_facts()
        return planned


def tell_init(host: Host, planned: Plan) -> Sequence[Problem]:
    """Tell the init that runs this host what was installed or removed; return what it refused.

    A staged tree has no init to be told, nor has a user's own installation a part in the boot.
    """
    is_elsewhere = host.where.root or host.where.destdir or host.where.user
    if is_elsewhere or planned.conflicts or not planned.changes:
        return ()
    script = f"{host.layout.init}/{SCRIPT}"
    services = Services(host.boot_facts.init)
    for change in planned.changes:
        if change.path == script and change.action is Action.ADD:
            return services.enable()
        if change.path == script and change.action is Action.REMOVE:
            return services.disable()
    return services.reload()


def _is_settled(host: Host, planned: Plan) -> bool:
    """Whether nothing is to be done, and no other run goes on or was killed."""
    lock = lock_path(host.layout.state)
    return is_settled(planned, host.manifest) and not host.destination.exists(lock)


def _plan_removal(host: Host, manifest: Manifest, names: Sequence[str]) -> Plan:
    """Return the plan that takes away the files of the instances ``names``, or of all."""
    chosen = None
    if names:
        known = instances_of(manifest.instances())
        chosen = frozenset(instance.directory for instance in select(known, names))
    entries = {path: host.destination.entry(path) for path in manifest.files}
    return plan((), manifest, entries, Scope(chosen=chosen).holds)


def _session(host: Host) -> contextlib.AbstractContextManager[Session]:
    def waiting() -> None:
        output.note("postwrap: waiting for another run of postwrap to end")

    return session(host.destination, host.layout.state, waiting)


def _report(planned: Plan, problems: Sequence[Problem], *, as_json: bool, dry_run: bool) -> None:
    """Print what was or would be done, and leave with the status that says how it went."""
    if as_json:
        output.as_json(_document(planned, problems))
    else:
        output.problems((*problems, *planned.conflicts, *planned.kept))
        if planned.conflicts:
            output.error("nothing was changed, for the files above are in the way")
        elif dry_run:
            _show_changes(planned)
        else:
            output.line(_summary(planned))
    if planned.conflicts:
        raise typer.Exit(Status.REFUSED)
    raise typer.Exit(Status.FOUND if problems or planned.kept else Status.OK)


def _show_changes(planned: Plan) -> None:
    for change in planned.changes:
        output.line(f"{change.action:6}  {change.path}")


def _summary(planned: Plan) -> str:
    count = Counter(change.action for change in planned.changes)
    if not count:
        return "Nothing to do: everything is up to date."
    words = {Action.ADD: "added", Action.UPDATE: "updated", Action.REMOVE: "removed"}
    return "Files: " + ", ".join(f"{count[a]} {word}" for a, word in words.items() if count[a])


def _document(planned: Plan, problems: Sequence[Problem]) -> dict[str, object]:
    """Return a plan as JSON."""
    return {
        "changes": [{"action": c.action, "path": c.path} for c in planned.changes],
        "conflicts": output.problem_list(planned.conflicts),
        "kept": output.problem_list(planned.kept),
        "problems": output.problem_list(problems),
    }
