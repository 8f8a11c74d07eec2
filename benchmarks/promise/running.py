"""One run of one set-up: a host, its internet, a load for some minutes, and the count after it."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass

from benchmarks.promise.counting import Outcome, active, deliveries, queued_good
from benchmarks.promise.internet import LIVING, Internet
from benchmarks.promise.setups import COMPRESSED, Setup
from tests.harness.host import Host
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

INJECT = str(CHECKOUT / "benchmarks/promise/inject.py")
_EVERY = 5.0
"""Seconds between two looks at the queue."""


@dataclass(frozen=True)
class Load:
    """What a set-up has to bear; rates are messages a second."""

    seconds: float
    good: float
    dead: float
    is_compressed: bool = False
    drain: float = 900.0
    """Seconds to wait at most, after the load, for good mail that is on its way."""

    def task(self, *, has_dead: bool) -> str:
        """Return the task of inject.py."""
        living = [f"user@[192.0.2.{25 + number}]" for number in range(LIVING)]
        streams = [{"name": "good", "rate": self.good, "recipients": living}]
        if has_dead and self.dead:
            dead = [f"user@[{dead_address(n)}]" for n in range(int(self.dead * self.seconds))]
            streams.append({"name": "dead", "rate": self.dead, "recipients": dead})
        return json.dumps({"seconds": self.seconds, "streams": streams})


def dead_address(number: int) -> str:
    """Return an address of its own for each number: qmgr would try a known dead one less often."""
    high, low = divmod(number, 250)
    second, third = divmod(high, 250)
    return f"198.{18 + second}.{third}.{low + 1}"


def run(setup: Setup, load: Load, suite: str) -> Outcome:
    """Return what became of the good mail of ``load`` with ``setup`` on Debian ``suite``."""
    with Host(variant("host", suite)) as host, Internet(host) as internet:
        host.start_default()
        setup.prepare(host)
        if load.is_compressed:
            for directory in host.path("/etc").glob("postfix*"):
                clock = (f"{name}={value}" for name, value in COMPRESSED.items())
                host.postconf(*clock, directory=f"/etc/{directory.name}")
        host.run("sh", "-c", _RELOAD)
        with Sampler(host) as sampler:
            task = load.task(has_dead=setup.has_dead)
            timeout = load.seconds + 600
            done = host.run(host.python, "-I", INJECT, input=task, timeout=timeout)
            end = time.time()
        submitted = json.loads(done.stdout)["good"]
        _drain(internet, submitted, load.drain)
        found = deliveries(internet.taken())
        return Outcome(
            setup.name,
            submitted,
            sum(delivery.taken <= end for delivery in found),
            tuple({delivery.number: delivery.delay for delivery in found}.values()),
            queued_good(host),
            sum(times - 1 for times in Counter(d.number for d in found).values()),
            tuple(sampler.sizes),
        )


_RELOAD = 'for main in /etc/postfix*/main.cf; do postfix -c "${main%/*}" reload; done'


def _drain(internet: Internet, submitted: int, seconds: float) -> None:
    """Wait until the good mail has been delivered, ``seconds`` at most."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(deliveries(internet.taken())) < submitted:
        time.sleep(2)


class Sampler:
    """Looks at the active queue of a host's default instance all the while."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sizes: list[tuple[float, int]] = []

    def _run(self) -> None:
        start = time.monotonic()
        while not self._over.wait(_EVERY):
            self.sizes.append((time.monotonic() - start, active(self._host)))

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
