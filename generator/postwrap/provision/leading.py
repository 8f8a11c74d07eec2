"""Routes of a copy that lead to where the copy itself listens. Pure.

The copy goes without them: mail would come back to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from postwrap.host.addresses import Endpoint
from postwrap.host.model import HostModel
from postwrap.host.nexthops import Hop, hops
from postwrap.provision.inside import OwnThings
from postwrap.provision.site import Side

_TRANSPORTS = "_transport"


def leading_here(model: HostModel, source: Side, endpoints: Iterable[Endpoint]) -> OwnThings:
    """Return what a copy of ``source`` that listens at ``endpoints`` does without.

    Of a table that leads there, the whole setting.
    """
    made, own = OwnThings(), tuple(endpoints)
    for hop in hops(source.config):
        if not _is_here(model, hop, own):
            continue
        if hop.answer:
            stated = source.settings.get(hop.parameter)
            if stated:
                made.set("", hop.parameter, None)
                leads = f"{stated} (leads to {hop.destination.text})"
                made.left_out.setdefault(hop.parameter, leads)
            continue
        # Without what a role has set: that goes as it is.
        stated = _value(source, hop)
        if hop.destination.text not in stated:
            continue
        kept = made.overrides.get(f"{hop.override}/{hop.parameter}") if hop.override else None
        words = (kept or made.settings.get(hop.parameter) or stated).replace(",", " ").split()
        rest = ", ".join(w for w in words if w != hop.destination.text)
        is_transport = hop.parameter.endswith(_TRANSPORTS)
        value = "" if is_transport or not rest else rest
        made.set(hop.override, hop.parameter, value or ("" if hop.override else None))
        made.left_out.setdefault(f"{hop.override}/{hop.parameter}".lstrip("/"), stated)
    return made


def _value(source: Side, hop: Hop) -> str:
    """Return the setting of ``hop``, as main.cf or its service has it."""
    if not hop.override:
        return source.get(hop.parameter)
    services = (s for s in source.config.services if s.key == hop.override)
    return next((s.options.get(hop.parameter, "") for s in services), "")


def _is_here(model: HostModel, hop: Hop, own: Iterable[Endpoint]) -> bool:
    port = hop.port
    if hop.by_mx or not port:
        return False
    addresses = model.resolve(hop.destination.host)
    return any(e.overlaps(Endpoint(a, port)) for a in addresses for e in own)
