"""Another host: a network namespace at the other end of a cable, with name service and sinks."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.harness.need import find_tool
from tests.harness.netns import socket_in
from tests.harness.smtp import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from tests.harness.host import Host

ADDRESS = "192.0.2.25"
"""The neighbour's."""

HERE = "192.0.2.1"
"""The host's, on the same cable."""

MX_RECORD, A_RECORD = 15, 1


class Neighbour:
    """A host on the same cable as ``host``, eth0, with DNS for ``domains`` and room for sinks.

    ``domains`` maps a mail domain to the address of its only MX. The host asks this one's DNS;
    what it does not know has no such name.
    """

    def __init__(self, host: Host, domains: Mapping[str, str]) -> None:
        unshare = find_tool("unshare") or "unshare"
        self._process = subprocess.Popen(
            [unshare, "--net", "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self._sinks: list[Sink] = []
        try:
            assert self._process.stdout is not None
            self._process.stdout.readline()
            self._plug_in(host)
            self._names = _Names(self.pid, domains)
        except BaseException:
            self._end()
            raise
        host.write("/etc/resolv.conf", f"nameserver {ADDRESS}\n")

    def _plug_in(self, host: Host) -> None:
        far = ("peer", "name", "eth0", "netns", str(self.pid))
        _ip(host.pid, "link", "add", "eth0", "type", "veth", *far)
        for pid, address in ((host.pid, HERE), (self.pid, ADDRESS)):
            _ip(pid, "address", "add", f"{address}/24", "dev", "eth0")
            _ip(pid, "link", "set", "lo", "up")
            _ip(pid, "link", "set", "eth0", "up")
        _ip(self.pid, "route", "add", "default", "via", HERE)

    def sink(
        self,
        address: str = ADDRESS,
        port: int = 25,
        *,
        answer: Callable[[str, str], str | None] | None = None,
    ) -> Sink:
        """Start an SMTP server on the neighbour."""
        sink = Sink(self.pid, address, port, answer=answer)
        self._sinks.append(sink)
        return sink

    def close(self) -> None:
        """End everything on the neighbour."""
        for sink in self._sinks:
            sink.close()
        self._names.close()
        self._end()

    def _end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Names:
    """A name server (RFC 1035) that knows the MX of a few domains, and the MX's address."""

    def __init__(self, pid: int, domains: Mapping[str, str]) -> None:
        self._domains = domains
        self._socket = socket_in(pid, _bind)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):  # it is not connected, and wakes who waits for it all the same
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                query, client = self._socket.recvfrom(4096)
                if not client:
                    return
                self._socket.sendto(self._answer(query), client)
            except OSError:
                return

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5
        question = query[12:end]
        labels, kind = _labels(question[:-4]), struct.unpack("!H", question[-4:-2])[0]
        name = ".".join(labels).lower()
        domain = name.removeprefix("mx.")
        record = b""
        if name in self._domains and kind == MX_RECORD:
            record = struct.pack("!H", 10) + b"\2mx\xc0\x0c"
        elif name != domain and domain in self._domains and kind == A_RECORD:
            record = socket.inet_aton(self._domains[domain])
        known = domain in self._domains
        flags = 0x8580 | (0 if known else 3)
        header = query[:2] + struct.pack("!5H", flags, 1, int(bool(record)), 0, 0)
        if not record:
            return header + question
        head = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(record))
        return header + question + head + record


def _labels(question: bytes) -> list[str]:
    labels, place = [], 0
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    return labels


def _bind() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((ADDRESS, 53))
    return made


def _ip(pid: int, *words: str) -> None:
    """Run the machine's own ip(8) in the network of process ``pid``."""
    enter = [find_tool("nsenter") or "nsenter", f"--net=/proc/{pid}/ns/net", "--"]
    subprocess.run([*enter, find_tool("ip") or "ip", *words], check=True)
