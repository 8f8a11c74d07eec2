"""The role fallback-relay: it takes what the default instance cannot deliver at once. Pure."""

from __future__ import annotations

from postwrap.host.reception import fallback_relay
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

SHORT_TIMEOUTS = {
    "smtp_connect_timeout": "10s",
    "smtp_helo_timeout": "30s",
    "smtp_data_done_timeout": "120s",
}
"""With a fallback at hand, the default instance need not wait. The last is the time that a server
may take to accept a whole message: too short, and mail arrives twice."""


def _share(options: RoleOptions, context: RoleContext) -> Share:
    # Also with a next hop of another name, the instance has to listen somewhere.
    reached = entrance(Role.FALLBACK_RELAY, context)
    hop = options.next_hop or next_hop(reached)
    return Share(
        secondary={**NO_LOOP, **dict.fromkeys(SHORT_TIMEOUTS), **ONLY_OURS},
        default={"smtp_fallback_relay": hop, **SHORT_TIMEOUTS},
        entry=reached,
    )


DEFINITION = RoleDefinition(
    "receives mail that the default instance could not deliver at once",
    _share,
    fallback_relay,
)
