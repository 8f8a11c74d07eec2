"""A host to complete on: two instances that differ in all that a completion could ask them for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.harness.host import Host

INSTANCES = ("default", "out")

ODD = """it's "odd" \\ $myhostname `id` !x !! (~) ; # * [a] {b,c} & | < > é"""
"""A value of main.cf with all that a shell could stumble over."""

DIRECTORY = {"default": "/etc/postfix", "out": "/etc/postfix-out", "dead": "/etc/postfix-dead"}


@dataclass(frozen=True)
class Completing:
    """The host, and the queue IDs of each instance by queue."""

    host: Host
    ids: dict[str, dict[str, set[str]]]

    def queued(self, name: str, queues: Collection[str] = ("deferred", "hold")) -> set[str]:
        """The IDs of the messages in these queues of an instance."""
        return set().union(*(self.ids[name].get(queue, set()) for queue in queues))


def completing(host: Host) -> Completing:
    """Make `host`, whose default instance runs, one to complete on.

    The default instance and "out" run, with mail of their own; "dead" cannot even be asked for a
    parameter.
    """
    host.talk_instance("out")
    host.talk_instance("dead", "10.0.0.9", start=False)
    host.run("postconf", "-c", DIRECTORY["dead"], "-e", "inet_interfaces=203.0.113.9")
    installed = host.postwrap("install", check=False)
    assert installed.returncode in {0, 1}, installed.stderr
    # fish completes only what it could run.
    host.make_command()
    for name in INSTANCES:
        _make_different(host, name)
    ids: dict[str, dict[str, set[str]]] = {}
    for name in INSTANCES:
        _fill_queue(host, name)
        ids[name] = {}
        for message in host.queue(DIRECTORY[name]):
            ids[name].setdefault(message["queue_name"], set()).add(message["queue_id"])
    return Completing(host, ids)


def _make_different(host: Host, name: str) -> None:
    """Give an instance settings, services and maps that no other has."""
    directory = DIRECTORY[name]
    settings = {
        "defer_transports": "smtp",
        # What is deferred stays so while the tests look.
        **dict.fromkeys(("queue_run_delay", "minimal_backoff_time", "maximal_backoff_time"), "9d"),
        "smtp_helo_name": f"helo-{name}.example",
        "relay_domains": f"relay-{name}.example",
        f"smtp_bind_address{6 if name == 'out' else ''}": "::1" if name == "out" else "127.0.0.1",
        "transport_maps": f"hash:{directory}/transport-{name}",
        "smtpd_banner": ODD if name == "out" else "plain",
    }
    host.run("postconf", "-c", directory, "-e", *(f"{k}={v}" for k, v in settings.items()))
    entry = f"only{name}/unix=only{name} unix - - n - - smtp -o syslog_name=tag-{name}"
    host.run("postconf", "-c", directory, "-Me", entry)
    for file in (f"transport-{name}", f"a map {name}"):
        host.write(f"{directory}/{file}", "")
    host.run("postmap", "-c", directory, f"{directory}/transport-{name}")
    host.run("postfix", "-c", directory, "reload")


def _fill_queue(host: Host, name: str) -> None:
    """Three messages: two deferred, one on hold."""
    for number in range(3):
        message = "Subject: a message\n\nhello\n"
        sender, recipient = f"from{number}@{name}.example", f"to{number}@far-{name}.example"
        arguments = ("-C", DIRECTORY[name], "-f", sender, recipient)
        host.run("sendmail", *arguments, input=message)
    queue = host.wait_for(lambda: _deferred(host, name), 30)
    host.run("postsuper", "-c", DIRECTORY[name], "-h", queue[0])


def _deferred(host: Host, name: str) -> list[str]:
    queue = host.queue(DIRECTORY[name])
    found = [message["queue_id"] for message in queue if message["queue_name"] == "deferred"]
    return found if len(found) == 3 else []


def other(name: str) -> str:
    """The other instance."""
    return next(instance for instance in INSTANCES if instance != name)


# What is typed, and the queues whose messages TAB is to offer.
QUEUE_ID_CASES = [
    ("postqueue-{} -i ", ("deferred",)),
    ("postcat-{} -q ", ("deferred", "hold")),
    ("postsuper-{} -d ", ("deferred", "hold")),
    ("postsuper-{} -vd ", ("deferred", "hold")),
    ("postsuper-{} -r ", ("deferred", "hold")),
    ("postsuper-{} -h ", ("deferred",)),
    ("sendmail-{} -qI", ("deferred",)),
]

# What is typed and what TAB makes of it; {0} is an instance, {1} its configuration directory.
CASES = [
    ("postconf-{0} -e smtp_helo_na", "postconf-{0} -e smtp_helo_name="),
    ("postconf-{0} -e smtp_helo_name=", "postconf-{0} -e smtp_helo_name=helo-{0}.example"),
    ("postconf-{0} smtp_helo_name=he", "postconf-{0} smtp_helo_name=helo-{0}.example"),
    ("postconf-{0} -h smtp_helo_na", "postconf-{0} -h smtp_helo_name "),
    ("postconf-{0} -o smtp_helo_na", "postconf-{0} -o smtp_helo_name="),
    ("postconf-{0} -M onl", "postconf-{0} -M only{0}/unix "),
    ("postconf-{0} -Me onl", "postconf-{0} -Me only{0}/unix="),
    ("postconf-{0} -F only{0}/unix/ch", "postconf-{0} -F only{0}/unix/chroot "),
    ("postconf-{0} -Fe only{0}/unix/chroot=", "postconf-{0} -Fe only{0}/unix/chroot=n"),
    ("postconf-{0} -P onl", "postconf-{0} -P only{0}/unix/syslog_name "),
    ("postconf-{0} -P only{0}/unix/syslog_name=",
     "postconf-{0} -P only{0}/unix/syslog_name=tag-{0}"),
    ("postconf-{0} -Pe only{0}/unix/smtp_helo_na", "postconf-{0} -Pe only{0}/unix/smtp_helo_name="),
    ("postconf-{0} -C builtin,us", "postconf-{0} -C builtin,user"),
    ("postconf-{0} -T comp", "postconf-{0} -T compile-version "),
    ("postconf-{0} -c /etc/postfix-o", "postconf-{0} -c /etc/postfix-out"),
    ("postmap-{0} hash:{1}/tr", "postmap-{0} hash:{1}/transport-{0} "),
    ("postmap-{0} {1}/tr", "postmap-{0} {1}/transport-{0} "),
    ("postmap-{0} -q key textha", "postmap-{0} -q key texthash:"),
    ("postmap-{0} {1}/a", "postmap-{0} {1}/a\\ map\\ {0} "),
    ("postalias-{0} hash:/etc/ali", "postalias-{0} hash:/etc/aliases "),
    ("postqueue-{0} -s rel", "postqueue-{0} -s relay-{0}.example "),
    ("sendmail-{0} -qRrel", "sendmail-{0} -qRrelay-{0}.example "),
    ("postkick-{0} private onl", "postkick-{0} private only{0} "),
    ("postlock-{0} -l dot", "postlock-{0} -l dotlock "),
    ("postlock-{0} /etc/passwd ech", "postlock-{0} /etc/passwd echo "),
    ("postfix-{0} rel", "postfix-{0} reload "),
    ("postfix-{0} tls output-server-c", "postfix-{0} tls output-server-csr "),
    ("postcat-{0} {1}/a", "postcat-{0} {1}/a\\ map\\ {0} "),
    ("postsuper-{0} -d ALL def", "postsuper-{0} -d ALL defer"),
    ("qshape-{0} act", "qshape-{0} active "),
    ("posttls-finger-{0} -l finger", "posttls-finger-{0} -l fingerprint "),
    ("postlog-{0} -p pan", "postlog-{0} -p panic "),
    ("/usr/local/sbin/postfix-{0} rel", "/usr/local/sbin/postfix-{0} reload "),
    ("A=1 postfix-{0} rel", "A=1 postfix-{0} reload "),
    ("echo x | postfix-{0} rel", "echo x | postfix-{0} reload "),
]  # fmt: skip
