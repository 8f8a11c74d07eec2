"""The role outbound: it relays all non-local mail of the default instance. Pure."""

from __future__ import annotations

from postwrap.host.reception import outbound
from postwrap.provision.nexthop import next_hop
from postwrap.provision.options import RoleOptions
from postwrap.provision.roles import Role
from postwrap.provision.roles.definition import (
    NO_LOOP,
    ONLY_OURS,
    RoleContext,
    RoleDefinition,
    Share,
    entrance,
)


def _share(options: RoleOptions, context: RoleContext) -> Share:
    # Also with a next hop of another name, the instance has to listen somewhere.
    reached = entrance(Role.OUTBOUND, context)
    hop = options.next_hop or next_hop(reached)
    return Share(
        secondary={**NO_LOOP, **ONLY_OURS},
        default={"relayhost": hop},
        entry=reached,
    )


DEFINITION = RoleDefinition("relays all non-local mail of the default instance", _share, outbound)
