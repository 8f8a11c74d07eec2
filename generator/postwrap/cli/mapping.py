"""The verb map: where each instance takes mail, and whom it hands mail to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import typer

from postwrap.checks.facts import Facts, InstanceFacts
from postwrap.checks.flows import Hop, at, ends, hops, port_of
from postwrap.checks.gather import gather
from postwrap.cli import app, output, where
from postwrap.errors import Status
from postwrap.instance import select


@dataclass(frozen=True, slots=True)
class Leg:
    """A next hop as the map shows it.

    ``parameter`` names it, or the filter's own setting; ``receivers`` are the instances of this
    host that it ends at.
    """

    sender: str
    parameter: str
    to: str
    receivers: tuple[str, ...]


FILTER = "the content filter"


@app.command("map")
def map_instances(
    names: where.Names = None,
    json: where.Json = False,
) -> None:
    """Show where each instance listens, and whom it hands mail to.

    As main.cf, master.cf and amavisd's configuration say; transport tables are not read.
    """
    facts = gather(where.host("", "", "", False, looks=True))
    known = [i.instance for i in facts.instances]
    chosen = {instance.directory for instance in select(known, names or ())}
    shown = [i for i in facts.instances if i.directory in chosen]
    if json:
        output.as_json(_document(facts, shown))
    else:
        _print(facts, shown)
    failed = any(i.error for i in shown)
    raise typer.Exit(Status.FOUND if failed else Status.OK)


def _print(facts: Facts, shown: Iterable[InstanceFacts]) -> None:
    for instance in shown:
        output.line(f"{instance.name} ({instance.directory})")
        if instance.error:
            output.line(f"  unreadable: {instance.error}")
            continue
        addresses = ", ".join(map(str, instance.listeners)) or "no address"
        output.line(f"  listens at  {addresses}")
        for leg in _legs(facts, instance):
            output.line(f"  hands to    {_where(leg)}, by {leg.parameter}")
    for leg in _from_filter(facts):
        output.line(f"{leg.sender}\n  hands to    {_where(leg)}, by {leg.parameter}")


def _where(leg: Leg) -> str:
    return f"{' or '.join(leg.receivers)} at {leg.to}" if leg.receivers else leg.to


def _legs(facts: Facts, instance: InstanceFacts) -> Iterator[Leg]:
    """Yield what ``instance`` names, each next hop of a parameter once."""
    legs = (
        Leg(instance.name, _parameter(hop), hop.destination.text, tuple(_receivers(facts, hop)))
        for hop in hops(instance)
    )
    yield from dict.fromkeys(legs)


def _parameter(hop: Hop) -> str:
    return f"{hop.parameter} of {hop.override}" if hop.override else hop.parameter


def _receivers(facts: Facts, hop: Hop) -> list[str]:
    found = () if hop.destination.by_mx else ends(facts, hop)
    return list(dict.fromkeys(edge.receiver.name for edge in found))


def _from_filter(facts: Facts) -> Iterator[Leg]:
    for hop in facts.filter_returns:
        found = (
            receiver.name
            for address in facts.resolve(hop.host)
            for receiver, _ in at(facts, address, port_of(hop))
        )
        yield Leg(FILTER, "amavisd", hop.text, tuple(dict.fromkeys(found)))


def _document(facts: Facts, shown: Iterable[InstanceFacts]) -> dict[str, Any]:
    return {
        "instances": [
            {
                "name": instance.name,
                "directory": instance.directory,
                "error": instance.error or None,
                "listens_at": [str(listener) for listener in instance.listeners],
                "hands_to": [_leg_document(leg) for leg in _legs(facts, instance)],
            }
            for instance in shown
        ],
        "filter_hands_to": [_leg_document(leg) for leg in _from_filter(facts)],
    }


def _leg_document(leg: Leg) -> dict[str, Any]:
    return {"to": leg.to, "by": leg.parameter, "instances": list(leg.receivers)}
