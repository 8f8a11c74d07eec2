"""The talk's host with nothing for check to find, and the ways that mail takes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.harness.faults import OUT
from tests.harness.mail import ADDRESS, SECOND_ADDRESS
from tests.harness.outcome import Path

if TYPE_CHECKING:
    from tests.harness.host import Host

RESTART = "for d in /etc/postfix /etc/postfix-out; do postfix -c $d stop; postfix -c $d start; done"
FILL = """
filler=/usr/lib/postfix/configure-instance.sh
if [ -x /etc/postfix/postfix-script ] && [ -x "$filler" ]; then
    MAIL_CONFIG=/etc/postfix-out "$filler" -
fi
"""
_SINK = ("127.0.0.9", 2525)

ALL = {"public", "loopback", "private", "submit", "submit out", "alice out"}
"""The names of the paths."""


def settle(host: Host) -> None:
    """Make the talk's host one whose instances send all mail to a sink, with its commands."""
    host.start_default()
    host.talk_instance()
    host.make_command()
    address, port = _SINK
    for directory in ("/etc/postfix", OUT):
        host.sh(
            f"postconf -c {directory} -e 'relayhost=[{address}]:{port}' default_transport=smtp"
            " relay_transport=relay"
        )
    host.sh(f"{FILL}postwrap install")


def paths_of(host: Host) -> list[Path]:
    """Return the ways of mail, all to one sink."""
    sink = host.sink(*_SINK)
    return [
        Path("public", sink, address=ADDRESS),
        Path("loopback", sink, address="127.0.0.1"),
        Path("private", sink, address=SECOND_ADDRESS),
        Path("submit", sink, submits="/etc/postfix"),
        Path("submit out", sink, submits=OUT),
        Path("alice out", sink, submits=OUT, user="alice"),
    ]
