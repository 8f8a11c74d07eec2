"""Measures the set-ups side by side, prints a table and draws a plot."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from benchmarks.promise.counting import Outcome, percentile
from benchmarks.promise.running import Load, run
from benchmarks.promise.setups import SETUPS
from benchmarks.tables import machine, table
from tests.harness.host import Host
from tests.harness.roots import variant


def main() -> None:
    """Print the table."""
    wanted = arguments()
    load = Load(
        wanted.minutes * 60,
        wanted.good,
        wanted.dead,
        is_compressed=wanted.clock == "compressed",
        drain=wanted.drain,
    )
    rounds = kept(wanted.keep)
    while len(rounds) < wanted.rounds:
        rounds.append(side_by_side(load, wanted.suite))
        keep(wanted.keep, rounds[-1])
    with Host(variant("host", wanted.suite)) as host:
        about = machine(host)
    print(
        f"promise: {about}; {load.good:g} good messages a second beside {load.dead:g} to dead "
        f"destinations, {wanted.rounds} rounds of {wanted.minutes:g} minutes, "
        f"{wanted.clock} retry clock\n"
    )
    table("good mail", [HEADS, *(row(setup.name, rounds) for setup in SETUPS)])
    for setup in SETUPS:
        print(f"  {setup.name}: {setup.title}")
    if wanted.plot:
        from benchmarks.promise.plot import plot

        plot(rounds[-1], load, wanted.plot)


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--good", type=float, default=20, help="good messages a second")
    parser.add_argument("--dead", type=float, default=5, help="messages a second to nobody")
    parser.add_argument("--clock", choices=("stock", "compressed"), default="stock")
    parser.add_argument("--drain", type=float, default=900, help="seconds to wait afterwards")
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--keep", type=Path, help="keep each round in this file, and go on there")
    parser.add_argument("--plot", type=Path, help="draw an SVG (needs matplotlib)")
    return parser.parse_args()


def side_by_side(load: Load, suite: str) -> list[Outcome]:
    """Run all set-ups at once, each in namespaces of its own."""
    with ThreadPoolExecutor(len(SETUPS)) as pool:
        return list(pool.map(lambda setup: run(setup, load, suite), SETUPS))


def kept(path: Path | None) -> list[list[Outcome]]:
    """Return the rounds that a former run has kept in ``path``."""
    lines = path.read_text().splitlines() if path and path.exists() else []
    return [[Outcome.from_json(each) for each in json.loads(line)] for line in lines]


def keep(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    """Add a round to ``path``."""
    if path:
        with path.open("a") as file:
            file.write(json.dumps([asdict(outcome) for outcome in outcomes]) + "\n")


HEADS = ["set-up", "in time", "p50", "p95", "p99", "p99 of rounds", "active", "lost", "doubled"]


def row(name: str, rounds: Sequence[Sequence[Outcome]]) -> list[str]:
    """Return the line of one set-up, all rounds together."""
    own = [outcome for outcomes in rounds for outcome in outcomes if outcome.setup == name]
    delays = [delay for outcome in own for delay in outcome.delays]
    total = sum(outcome.submitted for outcome in own)
    worst = [percentile(outcome.delays, outcome.submitted, 0.99) for outcome in own]
    return [
        name,
        f"{sum(outcome.in_time for outcome in own)} of {total}",
        *(seconds(percentile(delays, total, share)) for share in (0.5, 0.95, 0.99)),
        f"{seconds(min(worst))} to {seconds(max(worst))}",
        str(max((size for outcome in own for _, size in outcome.sizes), default=0)),
        str(sum(outcome.lost for outcome in own)),
        str(sum(outcome.doubled for outcome in own)),
    ]


def seconds(value: float) -> str:
    """Return ``0.04 s``; mail that never came takes endless."""
    return "endless" if math.isinf(value) else f"{value:.3g} s"


if __name__ == "__main__":
    main()
