"""A host whose instances have mail in their queues; used by all verbs that look at queues."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT, LAB, BROKEN = "/etc/postfix-out", "/etc/postfix-lab", "/etc/postfix-broken"
RUNNING = ("/etc/postfix", OUT)

# A copied host's files have other inode numbers, which short queue IDs are made of.
_LONG = "enable_long_queue_ids=yes"
_OUT = (
    _LONG,
    *("default_transport=smtp:[10.0.0.9]:25", "smtp_host_lookup=native"),
    *("minimal_backoff_time=1h", "queue_run_delay=1h"),
)


def prepare(host: Host) -> None:
    """The default instance idle, out with mail deferred and held, lab stopped with mail, broken.

    alice is in postdrop's group, app is an ordinary user.
    """
    host.run("usermod", "--append", "--groups", "postdrop", "alice")
    host.start_default()
    for number, name in enumerate(("out", "lab", "broken"), 1):
        if number > 1:
            host.add_address(f"10.0.0.{number}")
        host.talk_instance(name, f"10.0.0.{number}")
    host.postconf(*_OUT, directory=OUT)
    host.run("postfix", "-c", OUT, "reload")
    for number in range(4):
        recipients = [f"u{number}@far.example", f"v{number}@far.example", "w@Other.Example"]
        submit(host, OUT, *recipients[: 1 + number], sender="app@mail.example.com")
    submit(host, OUT, "null@far.example", sender="<>")
    host.wait_for(lambda: [m["queue_name"] for m in host.queue(OUT)] == ["deferred"] * 5)
    host.run("postsuper", "-c", OUT, "-h", host.queue(OUT)[0]["queue_id"])
    host.postconf(_LONG, "defer_transports=local", directory=LAB)
    host.run("postfix", "-c", LAB, "reload")
    for _ in range(2):
        submit(host, LAB, "alice@mail.example.com", sender="app@mail.example.com")
    host.wait_for(lambda: [m["queue_name"] for m in host.queue(LAB)] == ["deferred"] * 2)
    host.run("postfix", "-c", BROKEN, "stop")
    with host.path(f"{BROKEN}/main.cf").open("a") as main_cf:
        main_cf.write("queue_directory = ${nonsense\n")
    host.age()


def submit(host: Host, directory: str, *recipients: str, sender: str) -> None:
    """Queue a message."""
    host.run("sendmail", "-C", directory, "-f", sender, *recipients, input="hello\n")


def listed(host: Host, directory: str) -> list[Any]:
    """What root's `postqueue -j` says of an instance, whether it runs or not."""
    told = host.run("postqueue", "-c", directory, "-j").stdout
    return [json.loads(line) for line in told.splitlines()]


def counted(messages: list[Any]) -> dict[str, int]:
    """Messages by queue."""
    queues = ("active", "deferred", "hold", "incoming", "maildrop")
    found = Counter(m["queue_name"] for m in messages)
    return {queue: found[queue] for queue in queues}
