"""The talk's recipe: from a draft to the steps that make it.

Pure. The order is what makes a kill harmless: the configuration is built under a name that no
boot looks at, and turned on (multi_instance_enable) last. The edits of main.cf come together, for
Postfix's programs wait until a main.cf is two seconds old before they trust it to be whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from postwrap.provision.address import address_steps
from postwrap.provision.draft import Draft
from postwrap.provision.facts import Facts
from postwrap.provision.jail import jail_steps
from postwrap.provision.options import CreateOptions
from postwrap.provision.roles import PRIVATE
from postwrap.provision.service import Service
from postwrap.provision.sharing import bound_endpoints
from postwrap.provision.steps import (
    Operation,
    Prove,
    RemoveQueue,
    Rename,
    Requeue,
    Restore,
    Run,
    Step,
    restores,
    run,
    set_parameters,
)
from postwrap.provision.transport import REFILTER, filter_steps, transport_step

WRAPPER = "${command_directory}/postmulti -p --"
"""postmulti(1), as ``postmulti -e init`` sets it: postfix start acts on all instances."""


def create_steps(options: CreateOptions, facts: Facts, draft: Draft) -> tuple[Step, ...]:
    """Return the steps that make ``draft``."""
    return (
        *address_steps(options, facts),
        *_configuration(draft),
        *_directories(facts, draft),
        *_registration(options, facts, draft),
        *_filling(draft),
        *jail_steps(facts, draft, registered=options.postmulti),
        *_giving_up(facts, draft),
        *_turning_on(draft),
        *_commands(options, facts),
        *_starting(options, facts, draft),
        *_role(facts, draft),
    )


def building_site(directory: str) -> str:
    """Return where a configuration is built: beside its place, under a name that is none."""
    path = PurePosixPath(directory)
    return str(path.with_name(f".postwrap.{path.name}"))


def _configuration(draft: Draft) -> Iterator[Step]:
    site = building_site(draft.directory)
    yield Step(
        "copy the running configuration, owners and modes kept",
        # What is in it, for it may be a link.
        run("cp", "-a", f"{draft.source.directory}/.", site),
        (run("rm", "-rf", site),),
    )
    # A link to elsewhere, of use to the default instance alone; postfix check warns of a copy.
    yield Step("leave out what belongs to the package", run("rm", "-f", f"{site}/makedefs.out"))
    yield Step(
        "make it an instance of its own, without what would entangle the two",
        set_parameters(site, draft.parameters),
    )
    if commands := tuple(_master(draft, site)):
        yield Step("share out the listeners, and the tags in the log", Run(commands))


def _master(draft: Draft, site: str) -> Iterator[tuple[str, ...]]:
    """Yield the commands that edit the copy's master.cf."""
    postconf = ("postconf", "-c", site)
    removed: list[str] = []
    for binding in draft.bindings:
        first, *more = binding.names or ("",)
        old = binding.entry.name
        if not first:
            removed.append(f"{old}/inet")
        elif first != old:
            yield *postconf, "-F", f"{old}/inet/service={first}"
        for name in more:
            line = binding.entry.line.replace(old, name, 1)
            yield *postconf, "-M", f"{name}/inet={line}"
    if removed:
        yield *postconf, "-MX", *removed
    kept = [f"{key}={value}" for key, value in draft.overrides.items() if value is not None]
    gone = [key for key, value in draft.overrides.items() if value is None]
    if kept:
        yield *postconf, "-P", *kept
    if gone:
        yield *postconf, "-PX", *gone


def _directories(facts: Facts, draft: Draft) -> Iterator[Step]:
    queue, data = draft["queue_directory"], draft["data_directory"]
    yield Step(
        "its own queue directory",
        run("mkdir", "-m", "755", queue),
        # It may have run, and taken mail.
        (Requeue(queue, facts.default.directory), RemoveQueue(queue)),
    )
    owner = ("-o", facts.owner, "-g", facts.owner_group)
    yield Step(
        "its own data directory",
        run("install", "-d", "-m", "700", *owner, data),
        (run("rm", "-rf", data),),
    )

    site = building_site(draft.directory)
    yield Step(
        "put the configuration in its place, turned off",
        Rename(site, draft.directory),
        (Rename(draft.directory, site),),
    )


def _filling(draft: Draft) -> Iterator[Step]:
    yield Step(
        "let Postfix fill the queue directory and look for mistakes",
        run("postfix", "-c", draft.directory, "check"),
    )


def registration(options: CreateOptions, facts: Facts, directory: str) -> dict[str, str | None]:
    """Return what makes ``directory`` known to the default instance."""
    listed = "multi_instance_directories" if options.postmulti else "alternate_config_directories"
    known = facts.default.stated.get(listed, "")
    # The list comes last: with it, postfix(1) asks the wrapper for all instances.
    made: dict[str, str | None] = {}
    if options.postmulti:
        stated = facts.default.stated.get("multi_instance_wrapper")
        made["multi_instance_wrapper"] = stated or WRAPPER
        made["multi_instance_enable"] = "yes"
    is_known = directory in known.replace(",", " ").split()
    made[listed] = known if is_known else f"{known}, {directory}" if known else directory
    return made


def _registration(options: CreateOptions, facts: Facts, draft: Draft) -> Iterator[Step]:
    default = facts.default
    settings = registration(options, facts, draft.directory)
    if draft.interfaces:
        settings["inet_interfaces"] = draft.interfaces
    changed = {n: v for n, v in settings.items() if default.stated.get(n) != v}
    undo: tuple[Operation, ...] = claims(default.directory, settings, default.stated)
    if draft.interfaces and default.running:
        undo = (*undo, facts.default_service.restart())
    yield Step(
        "make it known to the default instance, which gives up its share",
        set_parameters(default.directory, changed),
        undo,
        lasting=True,
    )


def _giving_up(facts: Facts, draft: Draft) -> Iterator[Step]:
    # Before the new instance is turned on, for a restart may start all that are.
    if draft.interfaces and facts.default.running:
        yield Step("let the default instance give up the address", facts.default_service.restart())


def _role(facts: Facts, draft: Draft) -> Iterator[Step]:
    """Yield what the default instance gets for the role, once there is somebody to send to."""
    default, reload = facts.default, facts.default_service.reload()
    yield from filter_steps(facts, draft.directory, draft.share.forward)
    if draft.share.transport:
        yield transport_step(default.directory, draft.share.transport)
    if not draft.share.first:
        return
    undo: tuple[Operation, ...] = claims(default.directory, draft.share.first, default.stated)
    edit = set_parameters(default.directory, draft.share.first)
    if not default.running:
        yield Step("give the default instance its part", edit, undo, lasting=True)
        return
    yield Step("give the default instance its part", edit, (*undo, reload), lasting=True)
    yield Step("let the default instance see it", reload)


def refreshes(facts: Facts) -> tuple[Operation, ...]:
    """Return the operations that only let an instance see a change."""
    return (facts.default_service.restart(), facts.default_service.reload(), REFILTER)


def claims(
    directory: str, settings: Mapping[str, str | None], stated: Mapping[str, str]
) -> tuple[Restore, ...]:
    """Return what undoes ``settings`` in the default instance, and claims what is so already.

    Of a list of directories it takes out the one added alone.
    """
    made = []
    for restore in restores(directory, settings, stated, claimed=True):
        element = ""
        if restore.parameter in {"multi_instance_directories", "alternate_config_directories"}:
            element = restore.written.replace(",", " ").split()[-1]
        made.append(Restore(directory, restore.parameter, restore.written, restore.before, element))
    return tuple(reversed(made))


def _commands(options: CreateOptions, facts: Facts) -> Iterator[Step]:
    """Yield the step that gives it its commands, and the default instance its own.

    Where nothing was installed before, undoing it leaves nothing installed.
    """
    own = (options.name,) if facts.has_commands else ()
    yield Step(
        "its own commands: " + ", ".join(f"{c}-{options.name}" for c in ("mailq", "sendmail")),
        install(),
        (run("postwrap", "uninstall", *own, accept=(0, 1, 3)),),
    )


def install(*words: str) -> Run:
    """Return what gives the instances ``words``, or all, their commands; 1 tells of trouble."""
    return run("postwrap", "install", *words, accept=(0, 1))


def _turning_on(draft: Draft) -> Iterator[Step]:
    on = {"multi_instance_enable": "yes"}
    undo = restores(draft.directory, on, {"multi_instance_enable": "no"})
    yield Step("turn it on", set_parameters(draft.directory, {**on}), undo)


def _starting(options: CreateOptions, facts: Facts, draft: Draft) -> Iterator[Step]:
    command = facts.own_postfix and f"{facts.own_postfix}-{options.name}"
    service = Service(draft.directory, command=command)
    if options.start:
        stop = (service if facts.systemd else Service(draft.directory)).stop()
        yield Step("start it", service.start(), (stop,))
        yield Step("see that it runs, listens and takes mail", _proof(options, draft))


def _proof(options: CreateOptions, draft: Draft) -> Prove:
    smtp: list[tuple[str, int]] = []
    others: list[tuple[str, int]] = []
    for binding in draft.bindings:
        for endpoint in bound_endpoints((binding,)):
            where = smtp if binding.entry.is_smtp else others
            where.append((endpoint.address, endpoint.port))
    relays = options.shared.role in PRIVATE
    return Prove(draft.directory, tuple(smtp), tuple(others), relays)
