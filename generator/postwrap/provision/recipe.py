"""The talk's recipe: from a design to the steps that make an instance.

Pure. The order is what makes a kill harmless: the configuration is built under a name that no
boot looks at, and turned on (multi_instance_enable) last. The edits of main.cf come together, for
Postfix's programs wait until a main.cf is two seconds old before they trust it to be whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from postwrap.host.model import InstanceConfig
from postwrap.provision.changes import main_cf, other
from postwrap.provision.design import InstanceDesign
from postwrap.provision.desired import FILES, MAIN_CF, Key, SettingKind, parameter
from postwrap.provision.engine.steps import (
    Install,
    RemoveQueue,
    Rename,
    Requeue,
    Run,
    Step,
    Uninstall,
    restores,
    run,
    set_parameters,
)
from postwrap.provision.filtering import REFILTER
from postwrap.provision.jail import jail_steps
from postwrap.provision.options import CreateOptions
from postwrap.provision.ownership import Part
from postwrap.provision.plan import SettingChange, SettingsPlan
from postwrap.provision.proving import create_proof, default_proof
from postwrap.provision.service import InstanceService
from postwrap.provision.site import ProvisionSite

_NETWORK = frozenset({SettingKind.ADDRESS, SettingKind.CONNECTION, *FILES})


def create_steps(
    options: CreateOptions, site: ProvisionSite, design: InstanceDesign, planned: SettingsPlan
) -> tuple[Step, ...]:
    """Return the steps that make the instance of ``design``, with the settings ``planned``."""
    own = design.wanted[Part.INSTANCE]
    network = planned.select(lambda key: key in own and key.kind in _NETWORK)
    role = replace(planned, changes=planned.select(lambda key: key not in own))
    registration = planned.select(lambda key: key in own and key.kind in MAIN_CF)
    return (
        *(step for change in network for step in other(change)),
        *_configuration(design),
        *_directories(site, design),
        *_registration(site, registration),
        *_filling(design),
        *jail_steps(site, design, registered=options.postmulti),
        *_giving_up(site, registration),
        *_turning_on(design),
        *_commands(options, site),
        *_starting(options, site, design),
        *role_steps(site, role, lambda key: key.place != design.directory),
        *seen(role, site.default_config),
        *default_proof(design, site, is_moved=bool(restart(site, registration))),
    )


def building_site(directory: str) -> str:
    """Return where a configuration is built: beside its place, under a name that is none."""
    path = PurePosixPath(directory)
    return str(path.with_name(f".postwrap.{path.name}"))


def _configuration(design: InstanceDesign) -> Iterator[Step]:
    site = building_site(design.directory)
    yield Step(
        "copy the running configuration, owners and modes kept",
        # What is in it, for it may be a link.
        run("cp", "-a", f"{design.source.directory}/.", site),
        (run("rm", "-rf", site),),
    )
    # A link to elsewhere, of use to the default instance alone; postfix check warns of a copy.
    yield Step("leave out what belongs to the package", run("rm", "-f", f"{site}/makedefs.out"))
    yield Step(
        "make it an instance of its own, without what would entangle the two",
        set_parameters(site, design.parameters),
    )
    if commands := tuple(_master(design, site)):
        yield Step("share out the listeners, and the tags in the log", Run(commands))


def _master(design: InstanceDesign, site: str) -> Iterator[tuple[str, ...]]:
    """Yield the commands that edit the copy's master.cf."""
    postconf = ("postconf", "-c", site)
    if design.lines:
        yield from _copied_services(design, postconf)
    gone = [key for key, line in design.services.items() if line is None]
    if gone:
        yield *postconf, "-MX", *gone
    for key, line in design.services.items():
        if line is not None:
            yield *postconf, "-M", f"{key}={line}"


def _copied_services(
    design: InstanceDesign, postconf: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the commands that bind the copied services, and edit their -o settings."""
    removed: list[str] = []
    for binding in design.bindings:
        first, *more = binding.names or ("",)
        old = binding.service.name
        if not first:
            removed.append(binding.service.key)
        elif first != old:
            yield *postconf, "-F", f"{binding.service.key}/service={first}"
        for name in more:
            line = binding.service.line.replace(old, name, 1)
            yield *postconf, "-M", f"{name}/inet={line}"
    if removed:
        yield *postconf, "-MX", *removed
    kept = [f"{key}={value}" for key, value in design.overrides.items() if value is not None]
    gone = [key for key, value in design.overrides.items() if value is None]
    if kept:
        yield *postconf, "-P", *kept
    if gone:
        yield *postconf, "-PX", *gone


def _directories(site: ProvisionSite, design: InstanceDesign) -> Iterator[Step]:
    queue, data = design.get("queue_directory"), design.get("data_directory")
    yield Step(
        "its own queue directory",
        run("mkdir", "-m", "755", queue),
        # It may have run, and taken mail.
        (Requeue(queue, site.default.directory), RemoveQueue(queue)),
    )
    owner = site.model.mail_owner
    named = ("-o", owner.name, "-g", owner.group) if owner else ()
    yield Step(
        "its own data directory",
        run("install", "-d", "-m", "700", *named, data),
        (run("rm", "-rf", data),),
    )
    built = building_site(design.directory)
    yield Step(
        "put the configuration in its place, turned off",
        Rename(built, design.directory),
        (Rename(design.directory, built),),
    )


def _filling(design: InstanceDesign) -> Iterator[Step]:
    yield Step(
        "let Postfix fill the queue directory and look for mistakes",
        run("postfix", "-c", design.directory, "check"),
    )


def _registration(site: ProvisionSite, changes: Sequence[SettingChange]) -> Iterator[Step]:
    title = "make it known to the default instance, which gives up its share"
    yield from main_cf(title, changes, site, restart(site, changes))


def restart(site: ProvisionSite, changes: Iterable[SettingChange]) -> Run | None:
    """Return what makes the default instance listen as ``changes`` have it, None for no need."""
    is_moved = any(change.key.name == "inet_interfaces" for change in changes)
    default = site.default_config
    return InstanceService.of(default).restart() if is_moved and default.running else None


def _giving_up(site: ProvisionSite, changes: Sequence[SettingChange]) -> Iterator[Step]:
    # Before the new instance is turned on, for a restart may start all that are.
    if operation := restart(site, changes):
        yield Step("let the default instance give up the address", operation)


def _turning_on(design: InstanceDesign) -> Iterator[Step]:
    if parameter(design.directory, "multi_instance_enable") in design.keys:
        return  # it is asked for by name
    on = {"multi_instance_enable": "yes"}
    undo = restores(design.directory, on, {"multi_instance_enable": "no"})
    yield Step("turn it on", set_parameters(design.directory, {**on}), undo)


def _commands(options: CreateOptions, site: ProvisionSite) -> Iterator[Step]:
    """Yield the step that gives it its commands, and the default instance its own.

    Where nothing was installed before, undoing it leaves nothing installed.
    """
    own = (options.name,) if site.has_commands else ()
    yield Step(
        "its own commands: " + ", ".join(f"{c}-{options.name}" for c in ("mailq", "sendmail")),
        Install(),
        (Uninstall(own, tolerant=True),),
    )


def _starting(
    options: CreateOptions, site: ProvisionSite, design: InstanceDesign
) -> Iterator[Step]:
    command = site.own_postfix and f"{site.own_postfix}-{options.name}"
    service = InstanceService(design.directory, command=command)
    if options.start:
        alone = service if site.model.runs_systemd else InstanceService(design.directory)
        yield Step("start it", service.start(), (alone.stop(),))
        yield Step("see that it runs, listens and takes mail", create_proof(design, site))


def role_steps(
    site: ProvisionSite, planned: SettingsPlan, holds: Callable[[Key], bool]
) -> Iterator[Step]:
    """Yield what the default instance and a content filter get for a role, and what they lose.

    A way to a filter is there before mail is sent by it, and goes when none is any more.
    """
    changes = planned.select(holds)
    beside = [change for change in changes if change.key.kind not in MAIN_CF]
    own = [change for change in changes if change.key.kind in MAIN_CF]
    yield from _beside(site, [change for change in beside if change.value is not None])
    yield from main_cf(
        "give the default instance its share", own, site, reload(site.default_config)
    )
    yield from _beside(site, [change for change in beside if change.value is None])


def _beside(site: ProvisionSite, changes: Iterable[SettingChange]) -> Iterator[Step]:
    for change in changes:
        yield from other(change)
        if change.key.kind in FILES and site.model.runs_systemd:
            yield Step("let amavisd read that", REFILTER, (REFILTER,))


def reload(config: InstanceConfig) -> Run | None:
    """Return what makes a running instance see that its configuration has changed."""
    return InstanceService.of(config).reload() if config.running else None


def seen(planned: SettingsPlan, *configs: InstanceConfig) -> Iterator[Step]:
    """Yield what makes those of ``configs`` that are changed see it."""
    places = {change.key.place for change in planned.changes}
    for config in configs:
        if config.directory in places and (operation := reload(config)):
            yield Step(f"let {config.name} read its configuration", operation)
