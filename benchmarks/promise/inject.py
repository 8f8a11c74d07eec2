"""Submits mail at a steady rate by SMTP; it runs inside the host that it loads.

Standard input: {"seconds": 600, "streams": [{"name": "good", "rate": 20, "recipients": [...]}]}.
A stream with fewer recipients than messages begins again with its first. Each message says in
X-Due when it was to be submitted, so that a host that takes mail late does not look fast. Standard
output: how many messages of each stream Postfix took. Only the standard library is needed.
"""

from __future__ import annotations

import json
import smtplib
import sys
import threading
import time
from typing import Any

CONNECTIONS = 4
"""So many connections a stream, each with every fourth message."""


def main() -> None:
    """Submit what standard input asks for."""
    task = json.load(sys.stdin)
    start = time.time() + 1
    streams = [Stream(start=start, seconds=task["seconds"], **each) for each in task["streams"]]
    threads = [
        threading.Thread(target=stream.run, args=(turn,))
        for stream in streams
        for turn in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({stream.name: sum(stream.taken) for stream in streams}, sys.stdout)


class Stream:
    """Messages of one kind: ``rate`` a second for ``seconds``."""

    def __init__(
        self, name: str, rate: float, recipients: list[str], start: float, seconds: float
    ) -> None:
        self.name, self.rate, self.recipients = name, rate, recipients
        self.start, self.count = start, int(rate * seconds)
        self.taken = [0] * CONNECTIONS

    def run(self, turn: int) -> None:
        """Submit every fourth message, beginning with number ``turn``, over one connection."""
        client = smtplib.SMTP("127.0.0.1", 25)
        for number in range(turn, self.count, CONNECTIONS):
            due = self.start + number / self.rate
            time.sleep(max(0.0, due - time.time()))
            self.submit(client, number, due)
            self.taken[turn] += 1
        client.quit()

    def submit(self, client: Any, number: int, due: float) -> None:
        """Submit one message; raise smtplib.SMTPException where Postfix does not take it."""
        recipient = self.recipients[number % len(self.recipients)]
        identity = f"<{self.name}.{number}@promise.invalid>"
        head = f"From: <sender@example.com>\nTo: <{recipient}>\nMessage-ID: {identity}\n"
        client.sendmail("sender@example.com", recipient, f"{head}X-Due: {due}\n\nHello.\n")


if __name__ == "__main__":
    main()
