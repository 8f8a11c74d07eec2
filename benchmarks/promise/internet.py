"""What a set-up sends to: servers that take all mail, and addresses that never answer.

Recipients are address literals (``user@[192.0.2.25]``), so that no name service takes part.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.harness.host import Host
from tests.harness.need import find_tool
from tests.harness.neighbour import ADDRESS, Neighbour

LIVING = 20
"""So many servers take mail, at as many addresses."""

DEAD_NETWORK = "198.18.0.0/15"
"""RFC 2544's network for benchmarks; the neighbour, which routes nothing, drops what goes there."""

_TAKEN = "/var/tmp/taken"


class Internet:
    """The servers behind a host's cable; each message that they take becomes a file."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._neighbour = Neighbour(host, {})
        last = int(ADDRESS.rpartition(".")[2])
        for number in range(last + 1, last + LIVING):
            self._add(f"192.0.2.{number}/24")
        host.add_route(DEAD_NETWORK, ADDRESS)
        host.run("install", "-d", "-o", "postfix", _TAKEN)
        self._sink = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)

    def _command(self) -> list[str]:
        """Return smtp-sink(1) of the host's Postfix, in the neighbour's network."""
        enter = [find_tool("nsenter") or "nsenter", f"--net=/proc/{self._neighbour.pid}/ns/net"]
        enter += [f"--mount=/proc/{self._host.pid}/ns/mnt", f"--root=/proc/{self._host.pid}/root"]
        sink = ["smtp-sink", "-u", "postfix", "-R", _TAKEN, "-d", "message.", "0.0.0.0:25", "1000"]
        return [*enter, "--wd=/", "setpriv", "--pdeathsig=KILL", "/usr/sbin/smtp-sink", *sink[1:]]

    def _add(self, address: str) -> None:
        """Give the neighbour one more address."""
        enter = [find_tool("nsenter") or "nsenter", f"--net=/proc/{self._neighbour.pid}/ns/net"]
        ip = [find_tool("ip") or "ip", "address", "add", address, "dev", "eth0"]
        subprocess.run([*enter, "--", *ip], check=True)

    def taken(self) -> Iterator[tuple[Path, float]]:
        """Yield the file of each message and the time when it was whole, as time.time() has it."""
        with os.scandir(self._host.path(_TAKEN)) as entries:
            for entry in entries:
                yield Path(entry.path), entry.stat().st_mtime

    def close(self) -> None:
        """End the servers."""
        self._sink.kill()
        self._sink.wait()
        self._neighbour.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
