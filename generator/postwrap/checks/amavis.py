"""Where amavisd hands back what it has filtered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks.addresses import Destination, destination
from postwrap.filesystem import Filesystem

_PLACES = ("/etc/amavis/conf.d", "/etc/amavisd", "/etc")
_METHOD = re.compile(
    r"""^\s*\$(?:forward|notify)_method\s*=\s*["']smtp:(?P<hop>\[[^\]]+\]:\d+)["']""", re.MULTILINE
)
_DEFAULT = "[127.0.0.1]:10025"
"""$forward_method where amavisd.conf does not set it (amavisd-new, README.postfix)."""


def returns(filesystem: Filesystem) -> tuple[Destination, ...]:
    """Return the next hops of amavisd's forward and notify methods, none without amavisd."""
    texts = list(_configurations(filesystem))
    hops = [hop for text in texts for hop in _METHOD.findall(text)]
    if texts and not hops:
        hops = [_DEFAULT]
    found = (destination(hop) for hop in dict.fromkeys(hops))
    return tuple(d for d in found if d)


def _configurations(filesystem: Filesystem) -> Iterator[str]:
    for place in _PLACES:
        for name in filesystem.names(place):
            is_one = name == "amavisd.conf" or place.endswith("conf.d")
            path = f"{place}/{name}"
            if is_one and filesystem.is_file(path):
                try:
                    yield filesystem.read_text(path)
                except PermissionError:
                    continue
