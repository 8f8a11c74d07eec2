"""``create`` as one call: look, decide, and hand back what is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from postwrap.collisions import foreign_commands
from postwrap.errors import RefusedError
from postwrap.host.model import InstanceConfig
from postwrap.installation import Installation
from postwrap.postfix import Postfix
from postwrap.provision.addresses import missing_addresses
from postwrap.provision.again import differences, listing, request_of, role_command
from postwrap.provision.changing import left_notes, plan_role
from postwrap.provision.design import InstanceDesign, design_instance
from postwrap.provision.desired import SettingKind
from postwrap.provision.engine.journal import ProvisionJournal
from postwrap.provision.identity import config_directory
from postwrap.provision.notes import bounce_notes, log_notes, role_notes, setting_notes, with_tables
from postwrap.provision.options import CreateOptions
from postwrap.provision.plan import SettingsPlan, owned_by, plan_settings
from postwrap.provision.preconditions import need_possible, need_sound
from postwrap.provision.prospect import need_workable
from postwrap.provision.provisioner import (
    ProvisionPlan,
    endurance,
    find_configured,
    host_postfix,
    look,
    shown,
    with_files,
)
from postwrap.provision.recipe import create_steps
from postwrap.provision.site import ProvisionSite


def plan_create(
    host: Installation, journal: ProvisionJournal, options: CreateOptions
) -> ProvisionPlan:
    """Return the plan to make an instance; RefusedError where something stands against it."""
    site = look(host, journal, name=options.name, device=options.add_address)
    if config := site.model.of(config_directory(site, options.name)):
        return _plan_again(host, journal, options, site, config)
    return plan_new(host, options, site)[0]


def plan_new(
    host: Installation, options: CreateOptions, site: ProvisionSite
) -> tuple[ProvisionPlan, InstanceDesign, SettingsPlan]:
    """Return the plan to make an instance that is not there, on ``host`` as ``site`` has it.

    With it come the design and its settings. RefusedError where something stands against it.
    """
    postfix = host_postfix(host)
    _need_free_names(host, options.name)
    need_sound(postfix, site.default.directory)
    if options.source:
        host.discovery.need_served(options.source)
    request = request_of(options)
    options = replace(options, shared=with_tables(options.shared, site.model))
    site = without_former(site, options.name)
    design = design_instance(options, site)
    need_possible(options, site, design, host.source, postfix)
    _need_usable(postfix, site.default.directory, design.interfaces)
    site = with_files(site, host.source, design.keys)
    planned = plan_in_copy(site, design)
    need_workable(options.shared, site, design, planned)
    plan = ProvisionPlan(
        options.name,
        design.directory,
        create_steps(options, site, design, planned),
        owned_by(planned, design.directory),
        _settled(design, site),
        (
            *design.share.notes,
            *_notes(host, options, site, design),
            *left_notes(planned),
        ),
        request=request,
        role=str(options.shared.role or ""),
    )
    return plan, design, planned


def _plan_again(
    host: Installation,
    journal: ProvisionJournal,
    options: CreateOptions,
    site: ProvisionSite,
    config: InstanceConfig,
) -> ProvisionPlan:
    """Return the plan of a create for an instance that exists: there is nothing to do.

    RefusedError where it is not as it is asked for, naming what differs.
    """
    find_configured(host, site, config.directory)
    record = journal.read(config.directory)
    listed = listing(site.default_config, config.directory)
    found = list(differences(options, record.request if record else None, config, listed))
    role = plan_role(host, journal, config.directory, options.shared)
    changes = [f"{name} = {value}" for name, value in role.settled.items()]
    if role.steps and not changes:
        changes = [step.title for step in role.steps]
    if found or changes:
        message = f"{config.directory}: exists, and is not as it is asked for"
        hint = f"postwrap remove {config.name} first, or choose another name"
        remedy = hint if found else role_command(config.name, options.shared)
        raise RefusedError(f"{message}: {'; '.join((*found, *changes))}", remedy)
    notes = () if config.running else (f"{config.directory}: does not run",)
    return ProvisionPlan(config.name, config.directory, (), notes=notes, is_settled=True)


def without_former(site: ProvisionSite, name: str) -> ProvisionSite:
    """Return ``site`` without what an instance of this name wanted of itself, gone as it is."""
    directory = config_directory(site, name)
    own = (claim for claim in site.owned.of(directory) if claim.key.place == directory)
    return replace(site, owned=site.owned.without(own))


def plan_in_copy(site: ProvisionSite, design: InstanceDesign) -> SettingsPlan:
    """Return the plan of the settings of ``design``; its own are those of the copy to be."""
    own = [claim.key for claim in site.owned.of(design.directory)]
    keys = (*design.keys, *own)
    actual = site.actual(keys)
    copied = (key for key in keys if key.place == design.directory)
    for key in copied:
        stated = design.lines if key.kind is SettingKind.SERVICE else design.beneath
        actual[key] = stated.get(key.name)
    return plan_settings(design.directory, design.wanted, site.owned, actual)


def _need_free_names(host: Installation, name: str) -> None:
    """Raise RefusedError where the instance would have a command that is another's."""
    taken = foreign_commands(host)
    for target in host.targets[0]:
        if path := taken.get(f"{target.name}-{name}"):
            raise RefusedError(f"{name}: {path} is a command already", "choose another name")


def _need_usable(postfix: Postfix, directory: str, interfaces: str) -> None:
    """Raise RefusedError where Postfix itself would not take the default's new inet_interfaces."""
    tried = ("-o", f"inet_interfaces={interfaces}", "-hx", "mynetworks")
    if interfaces and postfix.run(postfix.postconf, *tried, directory=directory).returncode:
        hint = f"set inet_interfaces in {directory}/main.cf to the addresses that it is to keep"
        raise RefusedError(f"inet_interfaces = {interfaces}: Postfix refuses it", hint)


def _settled(design: InstanceDesign, site: ProvisionSite) -> dict[str, str]:
    """Return what a person wants to see before it is done."""
    listens = ", ".join(map(str, design.endpoints))
    told = {
        "configuration": design.directory,
        "queue": design.get("queue_directory"),
        "data": design.get("data_directory"),
        "listens at": listens or "nothing: it takes mail from sendmail",
        "log tag": design.get("syslog_name"),
        "myhostname": design.get("myhostname"),
        "HELO name": design.get("smtp_helo_name") or design.get("myhostname"),
        "mynetworks": design.get("mynetworks"),
    }
    if _gives_up(design, site):
        restarted = ", and is restarted for that" * bool(site.default_config.running)
        told["default listens at"] = f"{design.interfaces}{restarted}"
    told |= endurance(design.share.default, site.default_config)
    told |= shown("default ", design.share.default, site.default_config.settings)
    for name, value in design.dropped.items():
        told[f"left out: {name}"] = value
    return told


def _gives_up(design: InstanceDesign, site: ProvisionSite) -> bool:
    """Whether the default instance stops to listen somewhere."""
    stated = site.default_config.settings.get("inet_interfaces", "")
    return design.interfaces not in {"", stated}


def _notes(
    host: Installation, options: CreateOptions, site: ProvisionSite, design: InstanceDesign
) -> Iterator[str]:
    yield from setting_notes(host_postfix(host), options.shared, design.get("myhostname"))
    yield from bounce_notes(design)
    yield from log_notes(design, by_default=options.postmulti)
    yield from role_notes(site, design)
    if (given := missing_addresses(options, site)) and not site.keeper.kind:
        yield (
            f"{options.add_address}: neither NetworkManager, systemd-networkd nor ifupdown "
            f"configures it, so {', '.join(map(str, given))} is gone after a boot; have it given "
            "again there"
        )
