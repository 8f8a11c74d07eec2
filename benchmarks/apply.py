"""What ``postwrap apply`` costs: a file of many instances, first and when there is nothing to do.

The instances are declared as stopped, so that what is measured is postwrap and not what Postfix
takes to start. Processes are counted by strace(1) in the same run, which slows it.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from benchmarks.install import COMPILED, TRACE, Result, row
from benchmarks.tables import machine, table
from tests.harness.host import Host
from tests.harness.paths import CHECKOUT

INSTANCES = (1, 10, 100)


def main() -> None:
    """Print the table; operands are numbers of instances."""
    rows = [["instances", "run", "time", "an instance", "processes", "of Postfix", "an instance"]]
    for count in map(int, sys.argv[1:]) if sys.argv[1:] else INSTANCES:
        with Host() as host:
            about = machine(host)
            host.start_default()
            tables = (f"[instance.i{n}]\nstate = 'stopped'\n" for n in range(1, count + 1))
            host.write("/etc/postwrap.toml", "".join(tables))
            host.postwrap("list", env=COMPILED, timeout=600)
            rows += [row(count, name, measured(host)) for name in ("first", "no-op")]
    print(f"apply: {about}; instances beside the default one\n")
    table("postwrap apply", rows)


def measured(host: Host) -> Result:
    """Return what one ``postwrap apply`` took."""
    strace = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=execve", "-o", TRACE)
    environment = {"PYTHONPATH": str(CHECKOUT / "generator"), **COMPILED}
    words = (host.python, "-m", "postwrap", "apply", "--yes")
    before = time.perf_counter()
    host.run(*strace, *words, env=environment, timeout=7200)
    seconds = time.perf_counter() - before
    started = re.findall(r'execve\("([^"]+)".* = 0$', host.read(TRACE), re.MULTILINE)[1:]
    of_postfix = sum(Path(program).name.startswith("post") for program in started)
    return Result(seconds, len(started), of_postfix)


if __name__ == "__main__":
    main()
