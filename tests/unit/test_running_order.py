"""The order in which instances start: after those that they hand mail to."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hosts import PRIVATE, default, host, second

from postwrap.running.order import chosen_in_order, hands_to, start_order

DEFAULT = "d"
NODES = (DEFAULT, *"abcefgh")
GRAPHS = st.dictionaries(
    st.sampled_from(NODES), st.frozensets(st.sampled_from(NODES), max_size=4), max_size=8
)


def reaches(hands: Mapping[str, frozenset[str]], start: str, without: str = "") -> set[str]:
    """All that mail of `start` can come to, not by way of `without`."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        here = todo.pop()
        for there in hands.get(here, ()):
            if there not in seen and there != without:
                seen.add(there)
                todo.append(there)
    return seen


@given(GRAPHS, st.frozensets(st.sampled_from(NODES)))
def test_each_starts_after_those_that_it_hands_mail_to(
    hands: dict[str, frozenset[str]], chosen: frozenset[str]
) -> None:
    among = {n: frozenset(h & chosen - {n}) for n, h in hands.items() if n in chosen}
    order = start_order(chosen, hands, DEFAULT)
    assert sorted(order) == sorted(chosen)
    for sender, receivers in among.items():
        for receiver in receivers:
            if order.index(receiver) > order.index(sender):
                assert sender in reaches(among, receiver), "in a circle alone"
                # A circle that the default instance is in is broken there and nowhere else.
                if receiver != DEFAULT:
                    assert sender in reaches(among, receiver, without=DEFAULT)
    assert order == start_order(sorted(chosen, reverse=True), hands, DEFAULT)


@given(GRAPHS)
def test_of_its_circles_the_default_instance_is_last(hands: dict[str, frozenset[str]]) -> None:
    without = {n: h - {n, DEFAULT} for n, h in hands.items()}
    if any(n in reaches(without, n) for n in NODES):
        return  # another circle is broken somewhere too
    order = start_order(NODES, hands, DEFAULT)
    for node in reaches(hands, DEFAULT) - {DEFAULT}:
        if DEFAULT in reaches(hands, node):
            assert order.index(node) < order.index(DEFAULT)


def test_in_words() -> None:
    hands = {"d": {"out"}, "in": {"d"}, "out": set()}
    for names in permutations(hands):
        assert start_order(names, hands, "d") == ["out", "d", "in"]
    assert start_order("dab", {}, "d") == ["a", "b", "d"]
    assert start_order("dab", {"d": "a", "a": "b", "b": "d"}, "d") == ["b", "a", "d"]
    assert start_order("ab", {"a": "b", "b": "a"}, "d") == ["a", "b"]


def test_who_hands_mail_to_whom() -> None:
    """By relayhost, and by a content filter that hands back."""
    usual, out = default(relayhost=f"[{PRIVATE}]"), second()
    model = host(usual, out)
    assert hands_to(model) == {usual.directory: {out.directory}, out.directory: set()}
    assert chosen_in_order(model, {usual.directory, out.directory}) == [out, usual]
