"""Giving a role or settings to an instance that exists: from a plan to steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.host.model import InstanceConfig
from postwrap.provision.changes import main_cf, other
from postwrap.provision.design import Design
from postwrap.provision.desired import MAIN_CF, SettingKind
from postwrap.provision.engine.steps import Install, Step, run
from postwrap.provision.plan import SettingsPlan
from postwrap.provision.proving import default_proof, role_proof
from postwrap.provision.recipe import reload, role_steps, seen
from postwrap.provision.site import ProvisionSite


def assigning_steps(
    design: Design,
    site: ProvisionSite,
    config: InstanceConfig,
    planned: SettingsPlan,
    *,
    wrapped: bool,
) -> tuple[Step, ...]:
    """Return the steps of ``planned``; ``wrapped``: it has commands, and manual pages."""
    own = planned.select(lambda key: key.place == config.directory and key.kind in MAIN_CF)
    lines = planned.select(
        lambda key: key.place == config.directory and key.kind is SettingKind.SERVICE
    )
    edits = (
        *main_cf("give it its settings", own, site, reload(config)),
        *(step for change in lines for step in other(change)),
        *role_steps(site, planned, lambda key: key.place != config.directory),
    )
    if not edits:
        return ()
    steps = (
        *edits,
        *_looked_at(site, config, planned),
        *seen(planned, config, site.default_config),
    )
    if config.running:
        proof = role_proof(design, site, config, planned)
        steps = (*steps, Step("see that it runs, listens and takes mail", proof))
    is_shared = any(change.key.place == site.default.directory for change in planned.changes)
    if is_shared:
        steps = (*steps, *default_proof(design, site, is_moved=False))
    renewed = Step("let its manual page say so", Install((config.directory,)))
    return (*steps, renewed) if wrapped else steps


def _looked_at(
    site: ProvisionSite, config: InstanceConfig, planned: SettingsPlan
) -> Iterator[Step]:
    """Yield what sees that a configuration that has changed still holds."""
    places = {change.key.place for change in planned.changes}
    for directory in (config.directory, site.default.directory):
        if directory in places:
            yield Step("look for mistakes", run("postfix", "-c", directory, "check"))
