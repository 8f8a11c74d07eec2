"""In which order instances start: after those that they hand mail to. Pure.

Where instances hand mail to each other in a circle, the default instance is the last of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from postwrap.host.handback import filter_pairs
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.host.nexthops import edges

HandsTo = Mapping[str, Collection[str]]
"""The configuration directories that each instance hands mail to, by configuration directory."""


def hands_to(host: HostModel) -> dict[str, set[str]]:
    """Return which instances of ``host`` hand mail to which, also through a content filter."""
    found: dict[str, set[str]] = {i.directory: set() for i in host.instances}
    for edge in edges(host):
        found[edge.sender.directory].add(edge.receiver.directory)
    for pair in filter_pairs(host):
        found[pair.hop.sender.directory].add(pair.receiver.directory)
    return {sender: receivers - {sender} for sender, receivers in found.items()}


def start_order(directories: Collection[str], hands: HandsTo, default: str) -> list[str]:
    """Return ``directories`` in the order in which to start them; to stop them, turn it round.

    Each comes after those that it hands mail to. Of a circle one hand-over does not count: one to
    the ``default`` instance where that is in it, else one to the last by name. Of instances that
    have nothing to do with each other, the default one comes last.
    """
    nodes = sorted(directories, key=lambda d: (d == default, d))
    waits_for = {node: {n for n in nodes if n in hands.get(node, ())} for node in nodes}
    while True:
        try:
            TopologicalSorter(waits_for).prepare()
        except CycleError as error:
            # Each of this list waits for the one before it; the first of it is the last, too.
            circle: list[str] = error.args[1]
            breaker = default if default in circle else max(circle)
            waits_for[circle[circle.index(breaker) + 1]].discard(breaker)
        else:
            return _sorted(nodes, waits_for)


def _sorted(nodes: Sequence[str], waits_for: Mapping[str, Collection[str]]) -> list[str]:
    """Return ``nodes``, among which there is no circle: always the first that waits for nobody."""
    done: dict[str, None] = {}
    while len(done) < len(nodes):
        ready = (n for n in nodes if n not in done and all(w in done for w in waits_for[n]))
        done[next(ready)] = None
    return list(done)


def chosen_in_order(host: HostModel, chosen: Collection[str]) -> list[InstanceConfig]:
    """Return the instances of the directories ``chosen`` in the order in which to start them."""
    by_directory = {i.directory: i for i in host.instances}
    default = next((i.directory for i in host.instances if i.is_default), "")
    # All count: two of the chosen may hang together by a third.
    every = start_order(by_directory, hands_to(host), default)
    return [by_directory[directory] for directory in every if directory in chosen]
