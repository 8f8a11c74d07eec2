"""A host as it will be once a plan is carried out, for planning what comes after it. Pure."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from postwrap.host.model import HostAddress, InstanceConfig
from postwrap.provision.design import Design, InstanceDesign
from postwrap.provision.desired import FILES, SettingKind, with_word, without_word
from postwrap.provision.plan import SettingChange, SettingsPlan
from postwrap.provision.prospect import edited, prospect, with_interfaces
from postwrap.provision.site import ProvisionSite


def foreseen(
    site: ProvisionSite, design: Design, planned: SettingsPlan, *, runs: bool | None = None
) -> ProvisionSite:
    """Return ``site`` once ``planned`` is carried out; ``runs``: whether the instance does then."""
    model, sides = prospect(site, design, planned)
    secondary = sides.secondary
    if isinstance(design, InstanceDesign):
        secondary = replace(secondary, running=bool(runs))
    elif runs is not None:
        secondary = replace(secondary, running=runs)
    default = with_lists(sides.default, planned)
    instances = tuple(
        {default.directory: default, secondary.directory: secondary}.get(i.directory, i)
        for i in model.instances
    )
    return _changed(replace(site, model=replace(model, instances=instances)), planned)


def with_config(site: ProvisionSite, config: InstanceConfig) -> ProvisionSite:
    """Return ``site`` with ``config`` in the place of what it has of that instance."""
    instances = (config if i.directory == config.directory else i for i in site.model.instances)
    return replace(site, model=replace(site.model, instances=tuple(instances)))


def as_written(site: ProvisionSite) -> ProvisionSite:
    """Return ``site`` with the parameters that were edited by hand as postwrap wrote them.

    What is declared does not hang on them.
    """
    instances = tuple(_as_written(site, config) for config in site.model.instances)
    default = next(i for i in instances if i.is_default)
    model = replace(site.model, instances=instances)
    return replace(site, model=model, default_config=default)


def _as_written(site: ProvisionSite, config: InstanceConfig) -> InstanceConfig:
    changes = {}
    for claim in site.owned.claims:
        key = claim.key
        if (key.kind, key.place) == (SettingKind.PARAMETER, config.directory):
            written = site.owned.effective(key)
            if written and written.value != config.settings.get(key.name):
                changes[key.name] = written.value
    return edited(config, changes) if changes else config


def foreseen_without(site: ProvisionSite, directory: str, planned: SettingsPlan) -> ProvisionSite:
    """Return ``site`` once the instance in ``directory`` is removed."""
    changes = planned.select(
        lambda key: (key.kind, key.place) == (SettingKind.PARAMETER, site.default.directory)
    )
    values = {change.key.name: change.value for change in changes}
    default = with_lists(edited(site.default_config, values), planned)
    if "inet_interfaces" in values:
        default = with_interfaces(site, default, values["inet_interfaces"] or "all")
    kept = [i for i in site.model.instances if not i.is_default and i.directory != directory]
    sockets = tuple(held for held in site.model.sockets if held.directory != directory)
    model = replace(site.model, instances=(default, *kept), sockets=sockets)
    return _changed(replace(site, model=model), planned)


def with_lists(default: InstanceConfig, planned: SettingsPlan) -> InstanceConfig:
    """Return the default instance with the lists that name the others as ``planned`` has them."""
    for change in planned.changes:
        if change.key.kind is SettingKind.ELEMENT and change.key.place == default.directory:
            listed, _, word = change.key.name.partition(" ")
            edit = with_word if change.value else without_word
            value = edit(listed, default.settings.get(listed, ""), word)
            default = edited(default, {listed: value})
    return default


def _changed(site: ProvisionSite, planned: SettingsPlan) -> ProvisionSite:
    """Return ``site`` with what is in no main.cf: addresses, files, and who wants what."""
    addresses, files = list(site.model.addresses), dict(site.files)
    for change in planned.changes:
        if change.key.kind is SettingKind.ADDRESS:
            addresses = _addressed(addresses, change)
        if change.key.kind in FILES and change.value is not None:
            files[change.key.place] = change.value
        elif change.key.kind in FILES:
            files.pop(change.key.place, None)
    default = next(i for i in site.model.instances if i.is_default)
    # The listeners of instances follow their configuration.
    own = {i.directory for i in site.model.instances}
    sockets = tuple(held for held in site.model.sockets if held.directory not in own)
    model = replace(site.model, addresses=tuple(addresses), sockets=sockets)
    # A cached view is of the host before.
    return ProvisionSite(
        model,
        default,
        planned.owned,
        files,
        site.keeper,
        site.own_postfix,
        has_commands=True,
    )


def _addressed(addresses: list[HostAddress], change: SettingChange) -> list[HostAddress]:
    made = HostAddress(ip_address(change.key.name.partition("/")[0]), change.key.place)
    rest = [a for a in addresses if (a.address, a.device) != (made.address, made.device)]
    return [*rest, made] if change.value else rest
