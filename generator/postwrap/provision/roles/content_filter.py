"""The role content-filter: it receives the mail that a content filter re-injects. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from postwrap.errors import RefusedError
from postwrap.host.addresses import Endpoint, bracketed
from postwrap.host.reception import content_filter
from postwrap.provision.desired import words_of
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

FILTER = "127.0.0.1:10024"
"""Where amavisd listens."""

BEHIND_FILTER = "no_unknown_recipient_checks, no_milters"
"""Its receive_override_options: what the default instance has looked at need not be again."""

_OVERRIDES = "receive_override_options"


def _share(options: RoleOptions, context: RoleContext) -> Share:
    forward = entrance(Role.CONTENT_FILTER, context)
    place = options.filter or FILTER
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise RefusedError(f"--filter {place}: is not HOST:PORT", f"write {FILTER}")
    transport, host = f"{context.name}-filter", host.strip("[]")
    words = dict.fromkeys(words_of(context.default.settings.get(_OVERRIDES, "")))
    return Share(
        secondary={
            **NO_LOOP,
            _OVERRIDES: BEHIND_FILTER,
            "smtpd_authorized_xforward_hosts": trusted(context.endpoints),
            **ONLY_OURS,
        },
        default={
            "content_filter": f"{transport}:[{host}]:{port}",
            # Aliases are resolved once, behind the filter, which sees what the sender wrote.
            _OVERRIDES: ", ".join(words | {"no_address_mappings": None}),
        },
        transport=_transport(transport, host),
        forward=forward,
    )


def _transport(name: str, host: str) -> str:
    """Return the line of master.cf that speaks to the filter, telling it of the client."""
    options = [
        "smtp_send_xforward_command=yes",
        "smtp_data_done_timeout=1200",
        "smtp_fallback_relay=",
        "smtp_tls_security_level=none",
        "smtp_dns_support_level=disabled",
        "max_use=20",
    ]
    if host.startswith("127."):
        options.append("smtp_bind_address=127.0.0.1")  # which is whom a filter listens to
    return f"{name} unix - - n - 2 smtp " + " ".join(f"-o {option}" for option in options)


def trusted(endpoints: Iterable[Endpoint]) -> str:
    """Return who may tell an instance that listens at ``endpoints`` of the client (XFORWARD)."""
    own = (bracketed(endpoint.address) for endpoint in endpoints)
    return ", ".join(dict.fromkeys(("127.0.0.0/8", "[::1]/128", *own)))


DEFINITION = RoleDefinition(
    "receives the mail that the content filter re-injects",
    _share,
    content_filter,
    is_spoken_to=False,
)
