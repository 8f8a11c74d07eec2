"""What it costs that ``postwrap install`` and ``uninstall`` outlive a power cut.

On the file system of TMPDIR (default: /tmp), which must be a real one: on a
tmpfs a sync costs nothing. Beside this checkout, in turn, runs the revision REVISION: the last one
that called sync(2) once and left the renames to the kernel.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tables import milliseconds, table
from tests.harness.paths import CHECKOUT

REVISION = "3da5496"
INSTANCES = (10, 100, 1000)
VERBS = ("install", "uninstall")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="postwrap-durable-") as scratch:
        former = Path(scratch, "former")
        unpack(REVISION, former)
        rows = [["instances", "verb", "time", f"{REVISION}", "ratio"]]
        for count in INSTANCES:
            trees = {place: make_tree(Path(scratch), place, count) for place in (CHECKOUT, former)}
            rows += measure(trees, count, former, rounds=5 if count < 1000 else 3)
            for tree in trees.values():
                shutil.rmtree(tree)
    table("files that outlive a power cut", rows)


def unpack(revision: str, place: Path) -> None:
    """Put the files of a revision of this repository at ``place``."""
    place.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(CHECKOUT), "archive", revision], capture_output=True, check=True
    )
    subprocess.run(["tar", "-C", str(place), "-x"], input=archive.stdout, check=True)


def make_tree(scratch: Path, checkout: Path, count: int) -> Path:
    """Return a root with ``count`` instances beside the default one, and Postfix's commands."""
    root = scratch / f"{checkout.name}-{count}"
    for name in ("postfix", *(f"postfix-i{number}" for number in range(count))):
        directory = root / "etc" / name
        directory.mkdir(parents=True)
        (directory / "main.cf").touch()
        (directory / "master.cf").touch()
    (root / "usr/sbin").mkdir(parents=True)
    for command in ("postfix", "postqueue", "postsuper", "sendmail", "postconf", "postmap"):
        (root / "usr/sbin" / command).touch()
    return root


def measure(trees: dict[Path, Path], count: int, former: Path, rounds: int) -> list[list[str]]:
    """Return the rows of one number of instances: medians of both, in turn."""
    taken: dict[tuple[str, Path], list[float]] = {}
    for _ in range(rounds):
        for verb in VERBS:
            for checkout, tree in trees.items():
                taken.setdefault((verb, checkout), []).append(timed(checkout, verb, tree))
    rows = []
    for verb in VERBS:
        now, was = (statistics.median(taken[verb, place]) for place in (CHECKOUT, former))
        ratio = f"{now / was:.2f}"
        rows.append([str(count), verb, milliseconds(now), milliseconds(was), ratio])
    return rows


def timed(checkout: Path, verb: str, tree: Path) -> float:
    """Return the seconds of one run of the postwrap in ``checkout``."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "generator")}
    words = [sys.executable, "-m", "postwrap", verb, f"--root={tree}"]
    before = time.perf_counter()
    subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
