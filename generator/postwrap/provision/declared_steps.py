"""Bringing a declared instance that exists to what is declared: from a plan to steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from postwrap.host.model import InstanceConfig
from postwrap.provision.assigning import assigning_steps
from postwrap.provision.changes import main_cf
from postwrap.provision.declaration import ENABLE
from postwrap.provision.design import Design
from postwrap.provision.desired import Key, parameter
from postwrap.provision.engine.steps import Step, run
from postwrap.provision.plan import SettingChange, SettingsPlan
from postwrap.provision.proving import role_proof
from postwrap.provision.recipe import restart
from postwrap.provision.service import InstanceService
from postwrap.provision.site import ProvisionSite


def declared_steps(
    design: Design,
    site: ProvisionSite,
    config: InstanceConfig,
    planned: SettingsPlan,
    *,
    wrapped: bool,
    runs: bool | None,
    moves: bool = False,
) -> tuple[Step, ...]:
    """Return the steps of ``planned``, after or before which the instance runs or does not.

    ``wrapped``: it has commands; ``runs``: whether it shall run, None for as it does. ``moves``: it
    gets other addresses, which takes a restart (postconf(5), inet_interfaces).
    """
    is_stopped = config.running and (moves or runs is False)
    starts = bool(runs) if runs is not None else bool(config.running)
    service = InstanceService.of(config)
    later = replace(config, running=False, master=None) if is_stopped else config
    steps = list(_stopping(service) if is_stopped else ())
    listening = planned.select(
        lambda key: key == parameter(site.default.directory, "inet_interfaces")
    )
    rest = replace(planned, changes=planned.select(lambda key: key not in _keys(listening)))
    title = "let the default instance listen elsewhere"
    steps += main_cf(title, listening, site, restart(site, listening), at_once=True)
    steps += assigning_steps(design, site, later, rest, wrapped=wrapped)
    is_switched = planned.select(lambda key: key == parameter(config.directory, ENABLE))
    if is_switched and site.model.runs_systemd:
        steps.append(Step("let systemd know what it starts", _RELOAD, (_RELOAD,)))
    if starts and later.running is False:
        steps += _starting(design, site, config, planned, wrapped=wrapped)
    return tuple(steps)


def _keys(changes: Iterable[SettingChange]) -> set[Key]:
    return {change.key for change in changes}


_RELOAD = run("systemctl", "daemon-reload")


def _stopping(service: InstanceService) -> Iterator[Step]:
    yield Step("stop it", service.stop(), (service.start(accept=(0, 1)),))


def _starting(
    design: Design,
    site: ProvisionSite,
    config: InstanceConfig,
    planned: SettingsPlan,
    *,
    wrapped: bool,
) -> Iterator[Step]:
    # Its own command knows the unit that it runs in.
    command = f"{site.own_postfix}-{config.name}" if wrapped and site.own_postfix else ""
    plain = InstanceService(config.directory)
    service = InstanceService(config.directory, command=command)
    alone = service if site.model.runs_systemd else plain
    yield Step("start it", service.start(), (alone.stop(),))
    proof = role_proof(design, site, config, planned)
    yield Step("see that it runs, listens and takes mail", proof)
