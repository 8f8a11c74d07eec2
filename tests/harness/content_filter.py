"""A content filter for a private host: ``content_filter.py 127.0.0.1:10024 127.0.0.1:10025``.

It takes mail by SMTP at the first place, and answers as the second one does, to which it hands it.
It runs on the Python of the host, and needs nothing else.
"""

from __future__ import annotations

import smtplib
import socketserver
import sys


def place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


class Session(socketserver.StreamRequestHandler):
    """One client's session, which is one of the server behind."""

    def handle(self) -> None:
        with smtplib.SMTP(*place(sys.argv[2]), timeout=30) as behind:
            self.say(220, b"filter ESMTP")
            for line in self.rfile:
                words = line.decode("latin-1").strip()
                if words.upper() == "DATA":
                    self.data(behind)
                elif words.upper().startswith("EHLO"):
                    # Without what the server behind can do, which is TLS among others.
                    self.say(behind.docmd("HELO filter")[0], b"filter")
                else:
                    self.say(*behind.docmd(words))
                if words.upper() == "QUIT":
                    return

    def data(self, behind: smtplib.SMTP) -> None:
        code, text = behind.docmd("DATA")
        self.say(code, text)
        if code != 354:
            return
        assert behind.sock
        for line in self.rfile:
            behind.sock.sendall(line)
            if line == b".\r\n":
                break
        self.say(*behind.getreply())

    def say(self, code: int, text: bytes) -> None:
        self.wfile.write(b"%d %s\r\n" % (code, text.replace(b"\n", b" ")))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(place(sys.argv[1]), Session) as server:
        server.serve_forever()
