"""Looking up hosts as Postfix does, by the system's resolver, but never for longer than is said.

getaddrinfo(3) cannot be told when to stop: where DNS is dead, it takes ten seconds and more for
each name. So it runs in threads that are left alone when the time is up.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from postwrap.host.addresses import Address, address_of

SECONDS = 3.0
"""How long all look-ups together may keep us waiting."""


def host_names(hosts: str) -> dict[str, tuple[Address, ...]]:
    """Return the addresses of each name in the text of /etc/hosts: hosts(5)."""
    names: dict[str, list[Address]] = defaultdict(list)
    for line in hosts.splitlines():
        first, *words = line.partition("#")[0].split() or [""]
        if address := address_of(first):
            for word in words:
                names[word.lower()].append(address)
    return {name: tuple(addresses) for name, addresses in names.items()}


class Resolver:
    """Look-ups, each made once, with ``seconds`` to wait for all of them together.

    ``names`` (/etc/hosts) are known without asking. ``late`` are the names whose answer did not
    come in time, ``unanswered`` these and the ones that no name server could be asked about.
    """

    def __init__(self, names: Mapping[str, tuple[Address, ...]], seconds: float = SECONDS) -> None:
        self.names = names
        self.seconds = seconds
        self._asked: dict[str, _Question] = {}

    @property
    def late(self) -> frozenset[str]:
        """The names without an answer in time."""
        return frozenset(n for n, q in self._asked.items() if q.is_alive())

    @property
    def unanswered(self) -> frozenset[str]:
        """The names that are not known to have addresses, nor to have none."""
        return self.late | {n for n, q in self._asked.items() if q.has_failed}

    def start(self, hosts: Iterable[str]) -> None:
        """Ask for all ``hosts`` at once; literals and known names need no asking."""
        for host in hosts:
            name = host.lower()
            if name not in self.names and name not in self._asked and not address_of(name):
                self._asked[name] = _Question(name)
                self._asked[name].start()

    def resolve(self, host: str) -> tuple[Address, ...]:
        """Return the addresses of ``host``, none where there are none or no answer in time."""
        if literal := address_of(host):
            return (literal,)
        if known := self.names.get(host.lower()):
            return known
        self.start((host,))
        question = self._asked[host.lower()]
        begun = time.monotonic()
        question.join(max(self.seconds, 0))
        self.seconds -= time.monotonic() - begun
        return question.found

    def known(self, hosts: Iterable[str]) -> dict[str, tuple[Address, ...]]:
        """Return the addresses of all ``hosts`` that have some, asked for at once."""
        wanted = list(dict.fromkeys(host.lower() for host in hosts))
        self.start(wanted)
        return {host: found for host in wanted if (found := self.resolve(host))}


class _Question(threading.Thread):
    """One look-up. It may outlast the program."""

    def __init__(self, name: str) -> None:
        super().__init__(daemon=True)
        self.host = name
        self.found: tuple[Address, ...] = ()
        self.has_failed = False

    def run(self) -> None:
        try:
            answers = socket.getaddrinfo(self.host, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            self.has_failed = error.errno == socket.EAI_AGAIN
        except (OSError, UnicodeError):
            return
        else:
            texts = (str(answer[4][0]).partition("%")[0] for answer in answers)
            self.found = tuple(dict.fromkeys(ipaddress.ip_address(text) for text in texts))
