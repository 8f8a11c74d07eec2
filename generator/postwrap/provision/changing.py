"""``role`` as one call: look, decide, and hand back what is to be done."""

from __future__ import annotations

from dataclasses import replace

from postwrap.host.model import InstanceConfig
from postwrap.installation import Installation
from postwrap.provision.assigning import assigning_steps
from postwrap.provision.design import Design, design_role, reachable
from postwrap.provision.desired import MAIN_CF
from postwrap.provision.engine.journal import ProvisionJournal
from postwrap.provision.engine.legacy import own_claims
from postwrap.provision.notes import role_notes, setting_notes, with_tables
from postwrap.provision.options import RoleOptions
from postwrap.provision.ownership import Ownership
from postwrap.provision.plan import SettingsPlan, is_settled, owned_by, plan_settings
from postwrap.provision.preconditions import need_files, need_writable
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
from postwrap.provision.roles.backup_mx import LIFETIME
from postwrap.provision.roles.content_filter import BEHIND_FILTER, trusted
from postwrap.provision.roles.definition import ONLY_OURS
from postwrap.provision.site import ProvisionSite


def plan_role(
    host: Installation, journal: ProvisionJournal, name: str, options: RoleOptions
) -> ProvisionPlan:
    """Return the plan to give an existing instance a role; RefusedError where that cannot be."""
    site = look(host, journal, name=name)
    config = find_configured(host, site, name)
    options = with_tables(options, site.model)
    need_files(options, host_postfix(host))
    need_writable(host.source, site.default.directory)
    site = with_legacy(site, journal, config)
    design = design_role(options, site, config)
    site = with_files(site, host.source, design.keys)
    planned = plan_in_place(site, design)
    need_workable(options, site, design, planned)
    is_wrapped = config.directory in host.manifest.instances()
    edited = main_cf_values(planned, config.directory)
    hostname = edited.get("myhostname") or config.get("myhostname")
    of_default = main_cf_values(planned, site.default.directory)
    return ProvisionPlan(
        config.name,
        config.directory,
        assigning_steps(design, site, config, planned, wrapped=is_wrapped),
        owned_by(planned, config.directory),
        {
            **shown("", edited, config.settings),
            **endurance(of_default, site.default_config),
            **shown("default ", of_default, site.default_config.settings),
        },
        (
            *design.share.notes,
            *setting_notes(host_postfix(host), options, hostname),
            *role_notes(site, design),
            *left_notes(planned),
        ),
        is_settled=is_settled(planned, site.owned),
        role=str(options.role) if options.role else None,
    )


def plan_in_place(site: ProvisionSite, design: Design) -> SettingsPlan:
    """Return the plan of the settings of ``design`` for an instance that exists."""
    own = (claim.key for claim in site.owned.of(design.directory))
    actual = site.actual((*design.keys, *own))
    return plan_settings(design.directory, design.wanted, site.owned, actual)


def main_cf_values(planned: SettingsPlan, directory: str) -> dict[str, str | None]:
    """Return the parameters of the main.cf in ``directory`` that ``planned`` changes."""
    changes = planned.select(lambda key: key.kind in MAIN_CF and key.place == directory)
    return {change.key.name: change.value for change in changes}


def left_notes(planned: SettingsPlan) -> tuple[str, ...]:
    """Return a line for each setting that somebody has changed since postwrap did."""
    return tuple(
        f"{key.place}: {key.name or 'the file'} was changed since, and stays as it is"
        for key in planned.left
    )


def with_legacy(
    site: ProvisionSite, journal: ProvisionJournal, config: InstanceConfig
) -> ProvisionSite:
    """Return ``site`` with what a role from before such things were recorded set in ``config``."""
    record = journal.read(config.directory)
    if not record or not record.is_legacy:
        return site
    marks = {
        **ONLY_OURS,
        "receive_override_options": BEHIND_FILTER,
        "smtpd_authorized_xforward_hosts": trusted(reachable(config)),
        "maximal_queue_lifetime": LIFETIME,
    }
    made = own_claims(config.directory, config.settings, site.default.settings, marks)
    return replace(site, owned=Ownership((*site.owned.claims, *made)))
