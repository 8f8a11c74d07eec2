"""How much mail to servers that do not answer an instance can bear. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from postwrap.host.model import InstanceConfig, Service
from postwrap.times import seconds_of

_LIMIT = "default_process_limit"
_TIMEOUT = "smtp_connect_timeout"


@dataclass(frozen=True, slots=True)
class Capacity:
    """The processes of a client service, and the seconds that each waits for a dead server.

    A server that does not answer holds a process for ``wait`` seconds, so that processes divided by
    seconds is how many of them a second leave a process for other mail. ``limit`` is the setting
    that ``processes`` comes from.
    """

    service: str
    processes: int
    wait: int
    limit: str = _LIMIT

    @property
    def per_second(self) -> float:
        """How many unanswered connections a second it bears before other mail waits."""
        return self.processes / self.wait

    def __str__(self) -> str:
        """Say it: ``10 a second (default_process_limit 100 / smtp_connect_timeout 10s)``."""
        return f"{self.per_second:.3g} a second ({self.limit} {self.processes} / {self._waited})"

    @property
    def _waited(self) -> str:
        return f"{_TIMEOUT} {self.wait}s"


def capacities(services: Iterable[Service], parameters: Mapping[str, str]) -> Iterator[Capacity]:
    """Yield the capacity of each service that sends by SMTP to the network.

    None for one without a limit on its processes, or on the time for a connection.
    """
    for service in services:
        if service.command != "smtp" or service.type == "inet" or service.is_disabled:
            continue
        wait = seconds_of(service.options.get(_TIMEOUT, parameters.get(_TIMEOUT, "")))
        if service.process_limit and wait:
            own = f"{service.key}/process_limit" if service.has_own_limit else _LIMIT
            yield Capacity(service.key, service.process_limit, wait, own)


def saturated(
    capacity: Iterable[Capacity], processes: Mapping[str, int], active: int
) -> Iterator[Capacity]:
    """Yield those that have no process left while messages wait for one.

    ``processes`` are those that run, by service; ``active`` is how many messages the active queue
    has: qmgr(8) hands each process one, so that more than all processes' wait.
    """
    for each in capacity:
        if processes.get(each.service, 0) >= each.processes and active > each.processes:
            yield each


def of_instance(instance: InstanceConfig) -> tuple[Capacity, ...]:
    """Return the capacities of ``instance``."""
    return tuple(capacities(instance.services, instance.parameters))
