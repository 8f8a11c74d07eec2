"""SMTP in a private host: a server that keeps what it is given, and a client."""

from __future__ import annotations

import re
import smtplib
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.harness.machine import wait_for
from tests.harness.netns import socket_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


@dataclass(frozen=True)
class Message:
    """What a sink was given: who gave it, the envelope, and the message itself."""

    client: str
    helo: str
    sender: str
    recipients: tuple[str, ...]
    data: bytes
    xforward: dict[str, str] = field(default_factory=dict)

    @property
    def message_id(self) -> str:
        found = re.search(rb"^Message-I[Dd]:\s*(\S+)", self.data, re.MULTILINE)
        return found[1].decode() if found else ""


class Sink:
    """An SMTP server at an address of the host that accepts everything, unless `answer` objects."""

    def __init__(
        self,
        pid: int,
        address: str,
        port: int,
        *,
        hostname: str = "sink.example.net",
        answer: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self.address, self.port, self.hostname = address, port, hostname
        self.answer = answer
        self.messages: list[Message] = []
        self.connections = 0
        listener = socket_in(pid, lambda: _listen(address, port))
        self._server = _Server(self, listener)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def wait(self, count: int = 1, timeout: float = 20) -> list[Message]:
        """Wait until at least so many messages have come, and return all."""
        return wait_for(lambda: len(self.messages) >= count and list(self.messages), timeout) or []

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(socketserver.ThreadingMixIn, socketserver.BaseServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, sink: Sink, listener: socket.socket) -> None:
        super().__init__(listener.getsockname(), _Session)
        self.sink, self.socket = sink, listener

    def fileno(self) -> int:
        return self.socket.fileno()

    def get_request(self) -> tuple[socket.socket, object]:
        return self.socket.accept()

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        assert isinstance(request, socket.socket)
        request.close()

    def server_close(self) -> None:
        self.socket.close()


class _Session(socketserver.StreamRequestHandler):
    """One client's session; the state is the envelope so far."""

    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.sink = self.server.sink
        self.sink.connections += 1
        self.helo, self.xforward = "", dict[str, str]()
        self.reset()
        try:
            if not self.reply("CONNECT", "", f"220 {self.sink.hostname} ESMTP"):
                return
            while (line := self.rfile.readline()) and self.command(line.decode("latin-1").strip()):
                pass
        except OSError:
            return

    def reset(self) -> None:
        self.sender, self.recipients = "", list[str]()

    def reply(self, verb: str, argument: str, usual: str) -> bool:
        """Say the usual or what the sink's `answer` says instead; whether it is a yes."""
        said = (self.sink.answer and self.sink.answer(verb, argument)) or usual
        self.wfile.write(said.encode() + b"\r\n")
        return said[0] in "23"

    def command(self, line: str) -> bool:
        """Obey one command; False ends the session."""
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        if verb in ("EHLO", "HELO"):
            self.helo = argument
            # The first line is a greeting; what the server can do comes after it (RFC 5321).
            can = "XFORWARD NAME ADDR PROTO HELO SOURCE PORT"
            name = self.sink.hostname
            usual = f"250-{name}\r\n250 {can}" if verb == "EHLO" else f"250 {name}"
            self.reply("EHLO", argument, usual)
        elif verb == "MAIL" and self.reply(verb, argument, "250 2.1.0 Ok"):
            self.sender = _address(argument)
        elif verb == "RCPT" and self.reply(verb, argument, "250 2.1.5 Ok"):
            self.recipients.append(_address(argument))
        elif verb == "DATA" and self.reply(verb, "", "354 End data with <CR><LF>.<CR><LF>"):
            self.take()
        elif verb == "XFORWARD":
            self.xforward |= dict(pair.split("=", 1) for pair in argument.split() if "=" in pair)
            self.reply(verb, argument, "250 2.0.0 Ok")
        elif verb == "QUIT":
            return self.reply(verb, "", "221 2.0.0 Bye") and False
        elif verb not in ("MAIL", "RCPT", "DATA"):
            self.reset()
            self.reply(verb, argument, "250 2.0.0 Ok")
        return True

    def take(self) -> None:
        """Read a message up to its dot; keep it, unless the answer to the dot is a no."""
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        message = Message(
            client=str(self.client_address[0]),
            helo=self.helo,
            sender=self.sender,
            recipients=tuple(self.recipients),
            data=b"".join(lines),
            xforward=dict(self.xforward),
        )
        if line and self.reply("DOT", "", "250 2.0.0 Ok: kept"):
            self.sink.messages.append(message)
        self.reset()


class Client(smtplib.SMTP):
    """smtplib's client, its connection made in the network namespace of process `pid`."""

    def __init__(
        self, pid: int, address: str, port: int, *, source: str | None, helo: str, timeout: float
    ) -> None:
        self._pid = pid
        bind = (source, 0) if source else None
        super().__init__(address, port, helo, timeout, source_address=bind)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        source = self.source_address
        return socket_in(self._pid, lambda: socket.create_connection((host, port), timeout, source))


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=100)


def _address(argument: str) -> str:
    found = re.search(r"<(.*?)>", argument)
    return found[1] if found else argument
