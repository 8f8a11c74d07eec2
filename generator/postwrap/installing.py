"""install and uninstall as one call each, for the verbs and for the steps that want them.

Each takes the lock of the installation where there is anything to do; a caller that holds the lock
of provisioning (postwrap.provision.workshop) takes this one inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from postwrap.assemble import Assembly, InstallScope, assemble, instances_of
from postwrap.errors import Problem, RefusedError
from postwrap.host.naming import select
from postwrap.install.manifest import Manifest, manifest_path
from postwrap.install.plan import Action, InstallPlan, is_settled, plan
from postwrap.install.session import Session, lock_path, session
from postwrap.installation import Installation
from postwrap.layout import INIT_SCRIPT, SYSTEM_PREFIX, system_layout
from postwrap.metrics import STATE
from postwrap.render.boot import TARGET, WATCHER
from postwrap.service import Services

Waiting = Callable[[], None]
"""Called once where another run of postwrap has the lock."""


@dataclass(frozen=True, slots=True)
class InstallOutcome:
    """What was done, or would be; nothing where the plan has conflicts.

    ``problems`` are what is wrong with single instances, and what the init refused; ``notes``
    are for a person to read.
    """

    plan: InstallPlan
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether no instance was skipped, and no file kept."""
        return not self.problems and not self.plan.kept


def install(
    host: Installation,
    assembly: Assembly,
    on_wait: Waiting,
    *,
    force: bool = False,
    keep: bool = False,
    dry_run: bool = False,
) -> InstallOutcome:
    """Install ``assembly``, the commands of some or all instances of ``host``.

    ``force`` replaces files that are in the way, ``keep`` leaves them and does the rest. Raises
    RefusedError where a package brought the files.
    """
    _leave_packages_alone(host)
    if dry_run:
        planned = assembly.plan(host.manifest, host.destination, force=force, keep=keep)
        return InstallOutcome(planned, assembly.problems)
    planner = partial(assembly.plan, destination=host.destination, force=force, keep=keep)
    planned, notes = _install(host, planner, on_wait)
    return InstallOutcome(planned, (*assembly.problems, *tell_init(host, planned)), notes)


def uninstall(
    host: Installation, words: Sequence[str], on_wait: Waiting, *, dry_run: bool = False
) -> InstallOutcome:
    """Remove what ``install`` wrote for the instances that ``words`` name, or for all.

    Raises RefusedError as ``install`` does, and for a word that names nothing.
    """
    _leave_packages_alone(host, words)
    planned = _plan_removal(host, _known(host, host.manifest), words)
    if dry_run:
        return InstallOutcome(planned, ())
    notes: tuple[str, ...] = ()
    if not _is_settled(host, planned):
        with session(host.destination, host.layout, on_wait) as held:
            manifest = _known(host, held.manifest())
            planned = _plan_removal(host, manifest, words)
            held.apply(planned, manifest)
            notes = _torn_notes(held)
            if not planned.manifest.files:
                for path in host.kept_paths:
                    host.destination.remove(path)
                host.destination.remove_directory(str(PurePosixPath(STATE).parent))
    return InstallOutcome(planned, tuple(tell_init(host, planned)), notes)


def tell_init(host: Installation, planned: InstallPlan) -> Sequence[Problem]:
    """Tell the init that runs this host what was installed or removed; return what it refused.

    A staged tree has no init to be told, nor has a user's own installation a part in the boot.
    """
    is_elsewhere = host.where.root or host.where.destdir or host.where.user
    if is_elsewhere or planned.conflicts or not planned.changes:
        return ()
    script = f"{host.layout.init}/{INIT_SCRIPT}"
    services = Services(host.boot_facts.init)
    for change in planned.changes:
        if change.path == script and change.action is Action.ADD:
            return services.enable()
        if change.path == script and change.action is Action.REMOVE:
            return services.disable()
    watcher = f"{host.layout.systemd_unit}/{WATCHER}"
    is_removed = any(c.path == watcher and c.action is Action.REMOVE for c in planned.changes)
    # The target wants the instances and is not wanted by them: they go on.
    left = services.leave_off(WATCHER, TARGET) if is_removed else []
    return [*left, *services.reload()]


def _leave_packages_alone(host: Installation, words: Sequence[str] = ()) -> None:
    """Raise RefusedError where a package brought the files: they are the package manager's.

    ``words`` name the instances, none all that no package of their own brought.
    """
    brought = instances_of(i for other in host.manifest.others for i in other.instances())
    theirs = [instance.directory for instance in brought if any(map(instance.answers_to, words))]
    package = next(map(host.manifest.package_of, theirs), host.manifest.package)
    if host.manifest.torn and host.layout.state == system_layout(SYSTEM_PREFIX).state:
        message = f"{manifest_path(host.layout.state)}: is torn: whose the commands are is unknown"
        raise RefusedError(message, "install the package that brought them again")
    if package:
        message = f"{host.layout.state}: these commands belong to the package {package}"
        hint = "have the package manager change them, or choose another --prefix"
        raise RefusedError(message, hint)


def _install(
    host: Installation, planner: Callable[[Manifest], InstallPlan], on_wait: Waiting
) -> tuple[InstallPlan, tuple[str, ...]]:
    """Do what ``planner`` says unless something is in the way; return the plan and the notes."""
    planned = planner(host.manifest)
    if _is_settled(host, planned) and not host.new_answers:
        return planned, ()  # without a lock, which would touch its directory
    with session(host.destination, host.layout, on_wait) as held:
        before = _known(host, held.manifest())
        planned = planner(before)
        if not planned.conflicts:
            held.apply(planned, before)
            host.keep_answers()
        return planned, (*_torn_notes(held), *_native_notes(host))


def _native_notes(host: Installation) -> tuple[str, ...]:
    """Return what is to be said where native wrappers are wanted and scripts are installed."""
    if not host.wants_native or host.machine:
        return ()
    return ("native wrappers: there are none for this machine; shell scripts are installed",)


def _torn_notes(held: Session) -> tuple[str, ...]:
    """Return what is to be said of a torn manifest that was set aside."""
    if not held.aside:
        return ()
    told = "files that are as postwrap makes them are taken over"
    return (f"{manifest_path(held.state)}: was torn, kept as {held.aside}; {told}",)


def _is_settled(host: Installation, planned: InstallPlan) -> bool:
    """Whether nothing is to be done, and no other run goes on or was killed."""
    lock = lock_path(host.layout.state)
    return is_settled(planned, host.manifest) and not host.destination.exists(lock)


def _plan_removal(host: Installation, manifest: Manifest, names: Sequence[str]) -> InstallPlan:
    """Return the plan that takes away the files of the instances ``names``, or of all."""
    chosen = None
    if names:
        known = instances_of(manifest.instances())
        chosen = frozenset(instance.directory for instance in select(known, names))
    entries = {path: host.destination.entry(path) for path in manifest.files}
    return plan((), manifest, entries, InstallScope(chosen=chosen).holds)


def _known(host: Installation, manifest: Manifest) -> Manifest:
    """Return ``manifest``; for a torn one, what is there of all that postwrap would install."""
    return assemble(host).as_installed(host.destination) if manifest.torn else manifest
