"""Where amavisd hands back what it has filtered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks import looking
from postwrap.checks.addresses import Destination, destination
from postwrap.filesystem import Filesystem

_PLACES = ("/etc/amavis/conf.d", "/etc/amavisd", "/etc")
_METHOD = re.compile(
    r"""^\s*\$(?P<name>forward|notify)_method\s*=\s*["']smtp:(?P<hop>(?:\[[^\]]+\]|[\w.]+):\d+)""",
    re.MULTILINE,
)
_DEFAULT = "[127.0.0.1]:10025"
"""$forward_method where amavisd.conf does not set it (amavisd-new, README.postfix)."""


def returns(filesystem: Filesystem) -> tuple[Destination, ...]:
    """Return the next hops of amavisd's forward and notify methods, none without amavisd.

    The files are read in the order of their names, and the last word counts.
    """
    texts = list(_configurations(filesystem))
    hops = {"forward": _DEFAULT} if texts else {}
    for text in texts:
        hops |= {match["name"]: match["hop"] for match in _METHOD.finditer(text)}
    found = (destination(hop) for hop in dict.fromkeys(hops.values()))
    return tuple(d for d in found if d)


def _configurations(filesystem: Filesystem) -> Iterator[str]:
    for place in _PLACES:
        for name in looking.names(filesystem, place):
            if name == "amavisd.conf" or place.endswith("conf.d"):
                yield looking.text(filesystem, f"{place}/{name}")
