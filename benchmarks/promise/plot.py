"""The plot: how long good mail takes, and how the active queue grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from benchmarks.promise.counting import Outcome
from benchmarks.promise.running import Load
from benchmarks.promise.setups import SETUPS

mpl.use("svg")

COLOURS = {"quiet": "#7f7f7f", "stock": "#d55e00", "short": "#e69f00", "fallback": "#0072b2"}
"""Told apart also by readers who see no red or green."""


_POINTS = 400
"""So many points of a curve are enough for the eye."""


def _curve(outcome: Outcome) -> Iterator[tuple[float, float]]:
    """Yield seconds, and the share of good mail that was delivered by then."""
    ranked = sorted(outcome.delays)
    for rank in sorted({*range(0, len(ranked), max(1, len(ranked) // _POINTS)), len(ranked) - 1}):
        yield ranked[rank], 100 * (rank + 1) / outcome.submitted


def plot(outcomes: Sequence[Outcome], load: Load, path: Path) -> None:
    """Draw ``outcomes`` of one round into ``path``."""
    from matplotlib import pyplot

    # Without dates and random names, so that the same figures make the same file.
    mpl.rcParams["svg.hashsalt"] = "postwrap"
    figure, (delays, queues) = pyplot.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    titles = {setup.name: setup.title for setup in SETUPS}
    for outcome in outcomes:
        look = {"color": COLOURS[outcome.setup], "label": titles[outcome.setup]}
        delays.plot(*zip(*_curve(outcome), strict=True), **look)
        queues.plot(*zip(*outcome.sizes, strict=True), **look)
    delays.set(xscale="log", xlabel="seconds until delivered", ylabel="% of good mail")
    delays.set(ylim=(0, 101), title=f"{load.good:g} good, {load.dead:g} dead a second")
    queues.set(xlabel="seconds", ylabel="messages", title="active queue of the default instance")
    queues.legend(loc="upper left", fontsize="small")
    for axes in (delays, queues):
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
