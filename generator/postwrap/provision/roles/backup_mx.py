"""The role backup-mx: it takes mail for other servers' domains, and keeps it longer. Pure."""

from __future__ import annotations

from dataclasses import replace

from postwrap.host.reception import backup_mx
from postwrap.provision.options import RoleOptions, UnansweredError
from postwrap.provision.roles import Role
from postwrap.provision.roles.definition import (
    NO_LOOP,
    RoleContext,
    RoleDefinition,
    Share,
    entrance,
)

LIFETIME = "20d"
_DOMAINS = "relay_domains"


def _share(options: RoleOptions, context: RoleContext) -> Share:
    entrance(Role.BACKUP_MX, context, is_spoken_to=False)
    asked = {**context.named, **options.settings}
    # Below compatibility_level 2 the default is $mydestination (postconf(5)): nobody chose that.
    stated = asked.get(_DOMAINS, context.secondary.settings.get(_DOMAINS))
    if not options.relay_domains and (stated or "").strip() in {"", "$mydestination"}:
        message = f"--role {Role.BACKUP_MX}: which domains it receives mail for is not known"
        question = "Domains that it receives mail for (relay_domains)"
        hint = "give --relay-domains 'example.net example.org'"
        raise UnansweredError(
            message, hint, question, lambda text: replace(options, relay_domains=text)
        )
    return Share(secondary={**NO_LOOP, "maximal_queue_lifetime": LIFETIME})


DEFINITION = RoleDefinition(
    "queues mail for domains whose primary MX is another host",
    _share,
    backup_mx,
    is_private=False,
    is_spoken_to=False,
)
