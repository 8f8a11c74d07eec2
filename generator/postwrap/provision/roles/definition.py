"""What a role is made of, and what all roles have in common. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from postwrap.errors import RefusedError
from postwrap.host.addresses import Address, Endpoint
from postwrap.host.model import HostModel
from postwrap.host.ways import Obstacle, Sides
from postwrap.provision.desired import ParameterValues
from postwrap.provision.options import RoleOptions
from postwrap.provision.site import Side, speaks

ONLY_OURS: ParameterValues = {
    "smtpd_client_restrictions": "permit_mynetworks, reject",
    # The default's own list may trust those who log in alone, and bounce what it hands over.
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
}
"""The secondary's settings where nobody but the default instance and this host connects."""

NO_LOOP: ParameterValues = {"smtp_fallback_relay": None, "content_filter": None}
"""What would send the mail of a secondary instance back to where it came from."""

RESTRICTIONS = tuple(
    f"smtpd_{stage}_restrictions"
    for stage in ("client", "helo", "sender", "recipient", "data", "end_of_data", "etrn")
)
"""The lists that protect a public port. smtpd_relay_restrictions stays: it is what keeps an
instance from relaying for everybody."""


@dataclass(frozen=True, slots=True)
class RoleContext:
    """The two instances as far as a role has to know them.

    ``endpoints`` are where the secondary instance ``name`` takes mail, ``public`` the addresses
    where the default instance receives. Both sides are as they are without any role. ``named`` are
    the secondary's settings that were asked for by name before.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    default: Side
    secondary: Side
    public: tuple[Address, ...] = ()
    named: ParameterValues = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Share:
    """What a role gives to each side, and what there is to say about it.

    ``entry`` is where the default instance speaks to the secondary. ``transport`` is a line for the
    default instance's master.cf; ``forward`` is where a content filter is to hand back what it has
    seen.
    """

    secondary: ParameterValues = field(default_factory=dict)
    default: ParameterValues = field(default_factory=dict)
    transport: str = ""
    forward: Endpoint | None = None
    entry: Endpoint | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role: one line for help, and what it gives, from what is asked for and the two sides.

    ``obstacles`` finds what keeps it from working on a host, by the two sides as they are in it.
    ``is_private``: the instance takes mail from this host and its networks alone, and is proved by
    a recipient elsewhere. ``is_spoken_to``: the default instance sends to it.
    """

    summary: str
    share: Callable[[RoleOptions, RoleContext], Share]
    obstacles: Callable[[HostModel, Sides], Iterable[Obstacle]]
    is_private: bool = True
    is_spoken_to: bool = True


def entrance(role: str, context: RoleContext, *, is_spoken_to: bool = True) -> Endpoint:
    """Return where the default instance, or who else speaks to it, reaches the instance."""
    if not context.endpoints:
        hint = "give --address ADDRESS, or --address ADDRESS:PORT"
        raise RefusedError(f"--role {role}: the instance has to listen somewhere", hint)
    protocols = context.default.get("inet_protocols") if is_spoken_to else "all"
    spoken = [e for e in context.endpoints if speaks(protocols, e.address)]
    if not spoken:
        listed = ", ".join(str(e.address) for e in context.endpoints)
        message = f"--role {role}: the default instance, inet_protocols = {protocols}"
        hint = "give --address one that it can reach"
        raise RefusedError(f"{message}, cannot speak to {listed}", hint)
    # Postfix speaks to port 25 where there is one, else to whatever there is.
    return min(spoken, key=lambda e: (e.port != 25, spoken.index(e)))
