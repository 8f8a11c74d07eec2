"""A declared instance as one call: look, decide, and hand back what is to be done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from postwrap.errors import RefusedError
from postwrap.host.model import InstanceConfig
from postwrap.installation import Installation
from postwrap.provision.again import request_of, unreachable
from postwrap.provision.changing import left_notes, main_cf_values, with_legacy
from postwrap.provision.creating import plan_new
from postwrap.provision.declaration import Declaration, DeclaredState
from postwrap.provision.declared_steps import declared_steps
from postwrap.provision.design import Design, Move, design_declared
from postwrap.provision.engine.journal import ProvisionJournal
from postwrap.provision.foresight import as_written, foreseen, foreseen_without, with_config
from postwrap.provision.identity import config_directory
from postwrap.provision.moving import move
from postwrap.provision.named_files import missing_files
from postwrap.provision.notes import role_notes, setting_notes, with_tables
from postwrap.provision.options import CreateOptions, RemoveOptions
from postwrap.provision.plan import Drift, WholePlan, is_settled, owned_by, plan_whole
from postwrap.provision.preconditions import need_files, need_free_ports, need_writable
from postwrap.provision.prospect import need_workable
from postwrap.provision.provisioner import (
    ProvisionPlan,
    find_configured,
    host_postfix,
    shown,
    with_files,
)
from postwrap.provision.removal import plan_absence
from postwrap.provision.removing import plan_removal_from
from postwrap.provision.site import ProvisionSite


@dataclass(frozen=True, slots=True)
class DeclaredPlan:
    """What brings one declared instance about, and the host as it is then.

    ``verb`` is the command that would do it, "" where there is nothing to do. ``drift`` are the
    settings that somebody has changed by hand.
    """

    declared: Declaration
    plan: ProvisionPlan
    after: ProvisionSite
    verb: str = ""
    drift: tuple[Drift, ...] = ()

    @property
    def is_changing(self) -> bool:
        """Whether anything on the host changes but what is recorded."""
        return bool(self.plan.steps or self.plan.last)


class DeclaredPlanner:
    """Plans for the declared instances of one host.

    ``overwrites``: what was changed by hand is put back. ``date`` marks what removal keeps.
    """

    def __init__(
        self, host: Installation, journal: ProvisionJournal, date: str, *, overwrites: bool = False
    ) -> None:
        self.host = host
        self.journal = journal
        self.date = date
        self.overwrites = overwrites

    def plan(self, declared: Declaration, site: ProvisionSite) -> DeclaredPlan:
        """Return the plan for ``declared`` on the host as ``site`` has it.

        RefusedError where something stands against it.
        """
        directory = config_directory(site, declared.name)
        if declared.state is DeclaredState.ABSENT:
            return self._absent(declared, site, directory)
        request = declared.request()
        need_named_files(request, self.host)
        if site.model.of(directory) is None:
            plan, design, planned = plan_new(self.host, request, site)
            after = foreseen(site, design, planned, runs=request.start)
            return DeclaredPlan(declared, plan, after, "create")
        config = find_configured(self.host, site, directory)
        return self._changed(declared, request, site, config)

    def _absent(self, declared: Declaration, site: ProvisionSite, directory: str) -> DeclaredPlan:
        wanted = RemoveOptions(declared.name, self.date, requeue_to=declared.requeue_to)
        plan = plan_removal_from(self.host, self.journal, wanted, site)
        if plan.is_settled:
            return DeclaredPlan(declared, plan, site)
        after = foreseen_without(site, directory, plan_absence(site, directory))
        return DeclaredPlan(declared, plan, after, "remove")

    def _changed(
        self,
        declared: Declaration,
        request: CreateOptions,
        site: ProvisionSite,
        config: InstanceConfig,
    ) -> DeclaredPlan:
        record = self.journal.read(config.directory)
        if found := list(unreachable(request, config)):
            hint = f"postwrap remove {config.name} --requeue-to default, and apply again"
            message = f"{config.directory}: cannot be changed while it is there"
            raise RefusedError(f"{message}: {'; '.join(found)}", hint)
        postfix = host_postfix(self.host)
        asked = request_of(request)
        request = replace(request, shared=with_tables(request.shared, site.model))
        need_files(request.shared, postfix)
        need_writable(self.host.source, site.default.directory)
        site = with_legacy(site, self.journal, config)
        design, where = design_as_written(request, site, config.directory)
        site = with_files(site, self.host.source, design.keys)
        planned = plan_in_whole(site, design, overwrites=self.overwrites)
        config = replace(config, listeners=where.config.listeners)
        site = with_config(site, config)
        if planned.changes:
            need_workable(request.shared, site, design, planned)
        steps = declared_steps(
            design,
            site,
            config,
            planned,
            wrapped=config.directory in self.host.manifest.instances(),
            runs=declared.runs,
            moves=where.without is not None,
        )
        edited = main_cf_values(planned, config.directory)
        hostname = edited.get("myhostname") or config.get("myhostname")
        role = str(request.shared.role or "")
        is_recorded = record is not None and (record.request, record.role) == (asked, role)
        plan = ProvisionPlan(
            config.name,
            config.directory,
            steps,
            owned_by(planned, config.directory),
            {
                **shown("", edited, config.settings),
                **shown(
                    "default ",
                    main_cf_values(planned, site.default.directory),
                    site.default_config.settings,
                ),
            },
            (
                *design.share.notes,
                *setting_notes(postfix, request.shared, hostname),
                *(role_notes(site, design) if steps else ()),
                *left_notes(planned),
            ),
            is_settled=is_recorded and not steps and is_settled(planned, site.owned),
            request=asked,
            role=role,
        )
        after = foreseen(site, design, planned, runs=declared.runs)
        return DeclaredPlan(declared, plan, after, "role" if steps else "", planned.drift)


def design_as_written(
    request: CreateOptions, site: ProvisionSite, directory: str
) -> tuple[Design, Move]:
    """Return what is declared of the instance in ``directory``, whatever was edited by hand.

    With it comes what its addresses mean. RefusedError where it cannot be.
    """
    written = as_written(site)
    config = written.model.of(directory)
    assert config is not None, directory
    where = move(request, written, config)
    if where.without:
        need_free_ports(where.without, where.endpoints, where.interfaces)
    return design_declared(request, with_config(written, where.config), where), where


def plan_in_whole(site: ProvisionSite, design: Design, *, overwrites: bool = False) -> WholePlan:
    """Return the plan of all settings of ``design`` for an instance that exists."""
    own = (claim.key for claim in site.owned.of(design.directory))
    actual = site.actual((*design.keys, *own))
    return plan_whole(design.directory, design.wanted, site.owned, actual, overwrites=overwrites)


def need_named_files(request: CreateOptions, host: Installation) -> None:
    """Raise RefusedError for a file that the declared settings name and that is not there."""
    for missing in missing_files(request.shared, host.source.exists):
        raise RefusedError(f"{missing.setting}: {missing.path}: no such file", missing.remedy)
