"""The order of the tests: as they are written, or shuffled by a seed that repeats the order.

Tests that share a host (a fixture that lives as long as its module) stay together in one worker of
pytest-xdist, in any order.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTION = "--order-seed"


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION,
        metavar="SEED",
        default=os.environ.get("POSTWRAP_TEST_SEED", ""),
        help="shuffle modules, and the tests in each, by this number; 'random': by a new one "
        "(default: POSTWRAP_TEST_SEED, or the order in which they are written)",
    )


def choose_seed(config: pytest.Config) -> None:
    """Make "random" a number, the same in each worker: they are this process's children."""
    if config.option.order_seed == "random":
        number = str(random.randrange(10**6))
        config.option.order_seed = os.environ.setdefault("POSTWRAP_TEST_RANDOM", number)


def shuffle(items: list[pytest.Item], seed: str) -> None:
    """Shuffle the modules, and the tests in each."""
    generator = random.Random(seed)
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(_module(item), []).append(item)
    names = sorted(modules)
    generator.shuffle(names)
    for tests in modules.values():
        generator.shuffle(tests)
    items[:] = [item for name in names for item in modules[name]]


def keep_together(items: Sequence[pytest.Item]) -> None:
    """Mark the tests that share a fixture of their module, on each base, as one group.

    A test that says what its group is stays there.
    """
    for item in items:
        if _shares(item) and not item.get_closest_marker("xdist_group"):
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            hosts = (str(parameters.get(name, "")) for name in ("base", "suite", "kind"))
            group = ":".join([_module(item), *hosts])
            item.add_marker(pytest.mark.xdist_group(group))


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _shares(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    return any(definitions[-1].scope == "module" for definitions in fixtures)
