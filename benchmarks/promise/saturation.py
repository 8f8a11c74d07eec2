"""Is the rule right? Dead servers that an instance bears: predicted by postwrap, and measured.

The default instance of a fallback relay gets twice as much mail to dead servers as it is said to
bear; what its processes then pass on to the fallback relay, second by second, is what they can do.
"""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.promise.internet import Internet
from benchmarks.promise.running import INJECT, dead_address
from benchmarks.tables import machine, table
from tests.harness.host import SECOND_ADDRESS, Host
from tests.harness.roots import variant

LIMITS = (20, 50, 100)
SECONDS = 90
SETTLED = 30
"""Seconds until all processes are in use and the first of them have ended."""

_RATE = re.compile(r"up to ([\d.]+) a second")


def main() -> None:
    """Print the table."""
    with ThreadPoolExecutor(len(LIMITS)) as pool:
        rates = list(pool.map(measure, LIMITS))
    with Host(variant("host", "bookworm")) as host:
        print(f"saturation: {machine(host)}; {SECONDS} s each, side by side\n")
    rows = [["processes", "predicted", "measured", "ratio"]]
    for limit, (predicted, measured) in zip(LIMITS, rates, strict=True):
        cells = [f"{predicted:.2f} a second", f"{measured:.2f} a second"]
        rows.append([str(limit), *cells, f"{measured / predicted:.2f}"])
    table("dead servers that an instance bears", rows)


def measure(limit: int) -> tuple[float, float]:
    """Return what create says that the default instance bears, and what it does, a second."""
    with Host(variant("host", "bookworm")) as host, Internet(host):
        host.run("postconf", "-F", f"smtp/unix/process_limit={limit}")
        host.age()
        host.start_default()
        role = ("--role", "fallback-relay", "--address", SECOND_ADDRESS, "--json")
        told = json.loads(host.postwrap("create", "fallback", *role, timeout=300).stdout)
        found = _RATE.search(told["settled"]["dead servers"])
        assert found, told
        predicted = float(found[1])
        host.run(host.python, "-I", INJECT, input=_task(2 * predicted), timeout=SECONDS + 600)
        return predicted, _passed_on(host)


def _task(rate: float) -> str:
    dead = [f"user@[{dead_address(number)}]" for number in range(int(rate * SECONDS))]
    return json.dumps(
        {"seconds": SECONDS, "streams": [{"name": "dead", "rate": rate, "recipients": dead}]}
    )


def _passed_on(host: Host) -> float:
    """Return how many messages the fallback relay got a second, the first seconds aside."""
    lines = [line for line in host.log().splitlines() if f"relay={SECOND_ADDRESS}[" in line]
    times = [time.strptime(line[:15], "%b %d %H:%M:%S") for line in lines]
    seconds = [time.mktime((2000, *each[1:6], 0, 0, 0)) for each in times]
    begin, end = min(seconds) + SETTLED, max(seconds)
    return sum(begin < second <= end for second in seconds) / (end - begin)


if __name__ == "__main__":
    main()
