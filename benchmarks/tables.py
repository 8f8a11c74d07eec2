"""What the benchmarks share: timing in a private host, and tables of plain text."""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.harness.host import Host
from tests.harness.paths import CHECKOUT


@dataclass(frozen=True)
class Case:
    """A command line to time, in an environment, with a standard input."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    input: str = ""


def medians(host: Host, cases: Sequence[Case], rounds: int) -> list[float]:
    """Return the median seconds of each of ``cases``, measured in turn in ``host``."""
    task = {"rounds": rounds, "cases": [vars(case) for case in cases]}
    stopwatch = str(CHECKOUT / "benchmarks/stopwatch.py")
    done = host.run(host.python, "-I", stopwatch, input=json.dumps(task), timeout=14_400)
    return [statistics.median(seconds) for seconds in json.loads(done.stdout)]


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print ``rows``, the first the heads, the first column to the left and the others right."""
    _keep(title, rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"{title}\n")
    for row in rows:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(("  " + first.strip().ljust(widths[0]), *others)).rstrip())
    print(flush=True)


def _keep(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Add the table to the file that POSTWRAP_BENCHMARKS names, for benchmarks/compare."""
    if path := os.environ.get("POSTWRAP_BENCHMARKS"):
        with open(path, "a") as file:  # noqa: PTH123
            file.write(json.dumps({"title": title, "rows": [list(row) for row in rows]}) + "\n")


def milliseconds(seconds: float) -> str:
    """Return ``12.3 ms``."""
    return f"{seconds * 1000:.1f} ms"


def machine(host: Host) -> str:
    """Return what a reader must know of where the figures come from."""
    postfix = host.run("postconf", "-h", "mail_version").stdout.strip()
    shell = host.run("readlink", "-f", "/bin/sh").stdout.strip()
    python = ".".join(map(str, sys.version_info[:3]))
    return f"Postfix {postfix}, /bin/sh is {shell}, Python {python}, {os.cpu_count()} cores"
