"""What became of the good mail of one run: delays, losses, queues over time."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.host import Host

_HEADERS = re.compile(rb"^Message-ID: <good\.(\d+)@.*?^X-Due: ([\d.]+)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Delivery:
    """A good message at its server: its number, and the seconds since it was due."""

    number: int
    delay: float
    taken: float
    """When the server had it, as time.time() has it."""


@dataclass(frozen=True)
class Outcome:
    """One run of a set-up.

    ``submitted`` good messages were taken by Postfix, ``queued`` of them are still in a queue;
    ``sizes`` are seconds since the start and messages in the active queue of the default instance.
    """

    setup: str
    submitted: int
    in_time: int
    """Good messages that were delivered before the last was due."""
    delays: tuple[float, ...]
    queued: int
    doubled: int
    sizes: tuple[tuple[float, int], ...]

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Outcome:
        """Return the outcome that dataclasses.asdict made ``told`` of."""
        sizes = tuple((seconds, count) for seconds, count in told["sizes"])
        return cls(**{**told, "delays": tuple(told["delays"]), "sizes": sizes})

    @property
    def lost(self) -> int:
        """Messages that are neither at a server nor in a queue."""
        return self.submitted - len(self.delays) - self.queued


def deliveries(files: Iterable[tuple[Path, float]]) -> list[Delivery]:
    """Return the good messages among ``files`` and the times when these were whole."""
    found = []
    for path, taken in files:
        headers = _HEADERS.search(path.read_bytes())
        if headers:
            due = float(headers[2])
            found.append(Delivery(int(headers[1]), taken - due, taken))
    return found


def queued_good(host: Host) -> int:
    """Return how many good messages are in the queues of ``host``."""
    listing = host.run("sh", "-c", _LISTING, timeout=300).stdout
    messages = map(json.loads, listing.splitlines())
    return sum("@[192.0.2." in m["recipients"][0]["address"] for m in messages)


_LISTING = 'for main in /etc/postfix*/main.cf; do postqueue -c "${main%/*}" -j; done'


def active(host: Host) -> int:
    """Return how many messages the active queue of the default instance has."""
    return sum(1 for path in host.path("/var/spool/postfix/active").rglob("*") if path.is_file())


def percentile(delays: Sequence[float], total: int, share: float) -> float:
    """Return the delay of the ``share`` of ``total`` messages; endless if so many never came."""
    rank = math.ceil(share * total)
    return sorted(delays)[rank - 1] if 0 < rank <= len(delays) else math.inf
