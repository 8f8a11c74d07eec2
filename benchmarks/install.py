"""What ``postwrap install`` costs: the first run and one that finds nothing to do.

Processes are counted by strace(1) in a run of its own, since it slows what it watches: every
successful execve, and those of Postfix's programs among them.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import machine, milliseconds, table
from tests.harness.host import Host
from tests.harness.paths import CHECKOUT

INSTANCES = (1, 10, 100, 1000)
TRACE = "/tmp/trace"
# As an installed postwrap has it: byte-code is there, and found.
COMPILED = {"PYTHONPYCACHEPREFIX": "/var/cache/byte-code", "PYTHONDONTWRITEBYTECODE": ""}


@dataclass
class Result:
    """What one kind of run took: seconds, processes, and those of Postfix."""

    seconds: float
    processes: int
    postfix: int


def main() -> None:
    """Print the table."""
    rows = [["instances", "run", "time", "an instance", "processes", "of Postfix", "an instance"]]
    for count in INSTANCES:
        with Host() as host:
            about = machine(host)
            make_instances(host, count)
            host.postwrap("list", env=COMPILED, timeout=600)
            rounds = 5 if count <= 10 else 3 if count <= 100 else 1
            for name, result in measure(host, rounds).items():
                rows.append(row(count, name, result))
    print(f"install: {about}; instances beside the default one\n")
    table("postwrap install", rows)


def row(count: int, name: str, result: Result) -> list[str]:
    """Return a line of the table."""
    cells = [str(count), name, milliseconds(result.seconds), milliseconds(result.seconds / count)]
    return [*cells, str(result.processes), str(result.postfix), f"{result.postfix / count:.2f}"]


def make_instances(host: Host, count: int) -> None:
    """Make ``count`` instances that Postfix can tell about; they are never started."""
    main_cf = host.read("/etc/postfix/main.cf")
    master_cf = host.read("/etc/postfix/master.cf")
    for number in range(1, count + 1):
        name = f"postfix-i{number}"
        own = f"queue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n"
        host.write(f"/etc/{name}/main.cf", f"{main_cf}\n{own}syslog_name = {name}\n")
        host.write(f"/etc/{name}/master.cf", master_cf)
    host.age()


def measure(host: Host, rounds: int) -> Mapping[str, Result]:
    """Return the results of the first run and of the next, which finds nothing to do."""
    first, again = [], []
    for _ in range(rounds):
        first.append(timed(host))
        again.append(timed(host))
        host.postwrap("uninstall", env=COMPILED, timeout=600)
    traced = (counted(host), counted(host))
    return {
        "first": Result(statistics.median(first), *traced[0]),
        "no-op": Result(statistics.median(again), *traced[1]),
    }


def timed(host: Host) -> float:
    """Return the seconds of one ``postwrap install``."""
    before = time.perf_counter()
    host.postwrap("install", env=COMPILED, timeout=600)
    return time.perf_counter() - before


def counted(host: Host) -> tuple[int, int]:
    """Return how many processes one ``postwrap install`` starts, and how many are Postfix's."""
    path = str(CHECKOUT / "generator")
    strace = (
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=execve",
        "-o",
        TRACE,
        host.python,
    )
    host.run(
        *strace, "-m", "postwrap", "install", env={"PYTHONPATH": path, **COMPILED}, timeout=900
    )
    started = re.findall(r'execve\("([^"]+)".* = 0$', host.read(TRACE), re.MULTILINE)[1:]
    return len(started), sum(Path(program).name.startswith("post") for program in started)


if __name__ == "__main__":
    main()
