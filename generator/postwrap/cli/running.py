"""How the verbs that start and stop instances choose and report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer

from postwrap.cli import output
from postwrap.cli.documents import BootDocument, ControlDocument, ControlledInstance
from postwrap.cli.options import this_host
from postwrap.errors import Problem, Status
from postwrap.host.discovery import Discovery
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import select
from postwrap.provision.provisioner import host_postfix, need_root
from postwrap.running.boot import BootSwitch, Switched
from postwrap.running.control import Controlled, Controller
from postwrap.running.order import chosen_in_order


class Chosen:
    """The instances that a command line means, in the order in which to start them.

    ``problems`` tell why instances are left out where none is named.
    """

    def __init__(self, names: Sequence[str]) -> None:
        need_root()
        self.host = host = this_host()
        self.controller = Controller(host, host_postfix(host), output.note)
        self.configs = _configs(host.discovery, self.controller, names)
        self.problems: tuple[Problem, ...] = () if names else host.discovery.left_out


def _configs(
    discovery: Discovery, controller: Controller, names: Sequence[str]
) -> list[InstanceConfig]:
    for name in names:
        discovery.need_served(name)
    found = {i.directory for i in select(discovery.instances, names)}
    copies = {i.directory for i in controller.model.copies}
    return chosen_in_order(controller.model, found - (set() if names else copies))


def report(
    chosen: Chosen, results: Sequence[Controlled], *, json: bool, shown: bool = False
) -> None:
    """Print what became of each, and leave with the status that says so.

    ``shown``: each was printed as it was done, and the first that failed ended it.
    """
    problems = (*chosen.problems, *(r.problem for r in results if r.problem))
    if json:
        output.as_json(_document(results, problems))
    else:
        for result in results if not shown else ():
            show(result)
        output.problems(problems)
    if shown and results and results[-1].problem:
        if rest := [config.name for config in chosen.configs[len(results) :]]:
            output.note(f"not restarted: {', '.join(rest)}")
        raise typer.Exit(Status.FAILED)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def show(result: Controlled) -> None:
    """Print a line of what became of an instance; its problem is printed elsewhere."""
    if not result.problem:
        where = f" ({result.unit})" if result.unit and result.done else ""
        output.line(f"{result.config.name}: {result.said}{where}")


def _document(results: Iterable[Controlled], problems: Iterable[Problem]) -> ControlDocument:
    return {
        "instances": [*map(_instance, results)],
        "problems": output.problem_list(problems),
    }


def _instance(result: Controlled) -> ControlledInstance:
    return {
        "name": result.config.name,
        "directory": result.config.directory,
        "unit": result.unit or None,
        "running": result.running,
        "done": result.done or None,
        "note": result.note or None,
    }


def switch(names: Sequence[str], *, on: bool, now: bool, json: bool) -> None:
    """Enable or disable the instances ``names``, start or stop them if ``now``, and report."""
    chosen = Chosen(names)
    boot = BootSwitch(chosen.host)
    switched = [boot.switch(config, on=on) for config in chosen.configs]
    willing = [s.config for s in switched if not s.problem]
    results: list[Controlled] = []
    if now and on:
        # main.cf has changed, and so may have the unit.
        anew = Chosen(names)
        directories = {config.directory for config in willing}
        again = [c for c in anew.configs if c.directory in directories]
        results = anew.controller.start(again, named=True)
    elif now:
        results = chosen.controller.stop([*reversed(willing)])
    found = (*(s.problem for s in switched), *(r.problem for r in results))
    problems = [problem for problem in found if problem]
    if json:
        output.as_json(_boot_document(switched, results, problems))
    else:
        for each in switched:
            _show_switched(each, on=on)
        for result in results:
            show(result)
        output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _show_switched(switched: Switched, *, on: bool) -> None:
    if switched.problem:
        return
    unit = f" ({switched.unit})" if switched.unit else ""
    done = switched.done or ("is enabled already" if on else "is disabled already")
    output.line(f"{switched.config.name}: {done}{unit}")
    if switched.note:
        output.note(f"note: {switched.config.directory}: {switched.note}")


def _boot_document(
    switched: Iterable[Switched], results: Iterable[Controlled], problems: Iterable[Problem]
) -> BootDocument:
    return {
        "instances": [
            {
                "name": each.config.name,
                "directory": each.config.directory,
                "unit": each.unit or None,
                "starts_at_boot": each.starts,
                "done": each.done or None,
                "note": each.note or None,
            }
            for each in switched
        ],
        "started_or_stopped": [*map(_instance, results)],
        "problems": output.problem_list(problems),
    }
