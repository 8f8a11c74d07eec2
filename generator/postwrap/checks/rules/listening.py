"""Where instances listen: no other program holds the place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules import interfaces
from postwrap.host.addresses import is_wildcard
from postwrap.host.model import HeldSocket, InstanceConfig, Listener

theme = Theme("listening")


@theme.rule(
    "listener-taken",
    Severity.ERROR,
    "another program listens where the instance is to",
    "bind(2) EADDRINUSE: master(8) ends with a fatal error",
)
def listener_taken(picture: Picture) -> Iterator[Hit]:
    """Yield listeners whose place another program on the host holds.

    The master(8) that was started for an instance here is no other program: it keeps what it
    listened at, and its queue, though the settings have changed or cannot be read.
    """
    known = {i.directory for i in picture.host.instances}
    foreign = [
        held for held in picture.host.foreign_sockets() if held.pids and held.directory not in known
    ]
    for instance in picture.host.readable:
        for held in foreign:
            met = [x for x in instance.listeners if _meets(picture, held, x)]
            if met:
                shown = ", ".join(map(str, met))
                who = f"{held.program} (process {min(held.pids)})"
                message = f"{shown} is taken by {who}: the instance cannot start"
                if held.directory:
                    message = (
                        f"{shown} is also {_place(held)} of {who}, which was started for "
                        f"{held.directory}, an instance that is not known here: the kernel "
                        "splits the connections"
                    )
                yield Hit(instance.directory, message, *_part(picture, instance, held, met))


def _meets(picture: Picture, held: HeldSocket, listener: Listener) -> bool:
    theirs, mine = held.endpoint, listener.endpoint
    if mine.overlaps(theirs):
        return True
    # A socket of another program at [::] may serve IPv4 too, unless Postfix has that for itself.
    is_dual = theirs.address.version == 6 and is_wildcard(theirs.address)
    return is_dual and theirs.port == mine.port and not _has_ipv4(picture, mine.port)


def _has_ipv4(picture: Picture, port: int) -> bool:
    """Whether an instance holds ``port`` at an address of IPv4."""
    own = {i.master.pid for i in picture.host.instances if i.master}
    sockets = (s for s in picture.host.sockets if s.pids & own)
    return any(s.endpoint.port == port and s.endpoint.address.version == 4 for s in sockets)


def _part(
    picture: Picture, instance: InstanceConfig, held: HeldSocket, met: Iterable[Listener]
) -> tuple[str, tuple[Choice, ...]]:
    """Return the command that parts the two, or what can be meant: who of them is to listen."""
    theirs, restart = held.endpoint.address, remedies.restart(picture, instance)
    met = list(met)
    rest = [a for a in interfaces.taken(picture, instance) if a != theirs and not a.is_loopback]
    if all(x.by_interfaces for x in met) and not is_wildcard(theirs) and rest:
        leave = interfaces.without(picture, instance, {theirs})
        return remedies.both(leave, restart), ()
    keys = dict.fromkeys(x.service.key for x in met)
    return "", (
        *_unknown(picture, held),
        Choice(
            f"{instance.directory} is to listen there{_and_runs_no_more(held)}",
            remedies.both(_stop(held), remedies.start(picture, instance)),
        ),
        Choice(
            f"{held.directory or held.program} is to listen there",
            remedies.both(remedies.silence(instance, *keys), restart),
        ),
    )


def _place(held: HeldSocket) -> str:
    return "a place" if is_wildcard(held.endpoint.address) else "the place"


def _and_runs_no_more(held: HeldSocket) -> str:
    return f", and {held.directory} is to run no more" if held.directory else ""


def _unknown(picture: Picture, held: HeldSocket) -> Iterator[Choice]:
    """Yield what makes the configuration of another master(8) known: check parts the two then."""
    default = picture.host.default
    if held.directory and default and not default.error:
        name = "alternate_config_directories"
        known = ", ".join((*default.words(name), held.directory))
        register = remedies.edit(default, **{name: known})
        yield Choice(
            f"{held.directory} is an instance of this host's Postfix, which check is to know",
            remedies.both(register, remedies.install(picture)),
        )


def _stop(held: HeldSocket) -> str:
    """Return the command that stops what holds a socket; a master(8) ends with its queue whole."""
    if held.unit:
        return f"systemctl disable --now {remedies.quoted(held.unit)}"
    if held.directory:
        return remedies.words("postfix", "-c", held.directory, "stop")
    if held.program == "master":
        return remedies.words("postfix", "stop")
    return f"kill {' '.join(map(str, sorted(held.pids)))}"
