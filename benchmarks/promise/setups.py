"""The set-ups that are compared: one instance, its time-outs, and a fallback relay behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.harness.host import SECOND_ADDRESS, Host

from postwrap.provision.roles.fallback_relay import SHORT_TIMEOUTS

COMPRESSED = {
    "queue_run_delay": "30s",
    "minimal_backoff_time": "30s",
    "maximal_backoff_time": "400s",
}
"""A retry clock ten times as fast as the stock one, for short rounds."""


@dataclass(frozen=True)
class Setup:
    """A set-up: what it is called, whether it gets mail to dead destinations, how it is made."""

    name: str
    title: str
    prepare: Callable[[Host], None]
    has_dead: bool = True


def _nothing(_: Host) -> None:
    """Leave the default instance as Debian's package makes it."""


def _short_timeouts(host: Host) -> None:
    host.postconf(*(f"{name}={value}" for name, value in SHORT_TIMEOUTS.items()))


def _fallback(host: Host) -> None:
    """Make the fallback instance in one command, as the README does."""
    address = ("--address", SECOND_ADDRESS)
    host.postwrap("create", "fallback", "--role", "fallback-relay", *address, timeout=300)


SETUPS = (
    Setup("quiet", "one instance, no dead mail", _nothing, has_dead=False),
    Setup("stock", "one instance, stock time-outs", _nothing),
    Setup("short", "one instance, the role's time-outs", _short_timeouts),
    Setup("fallback", "default instance and fallback relay", _fallback),
)
