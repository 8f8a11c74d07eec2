"""Where amavisd hands back what it has filtered, and where its configuration takes additions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.filesystem import Filesystem
from postwrap.host import files
from postwrap.host.addresses import Destination, destination

_ADDITIONS = "/etc/amavis/conf.d"
"""Where amavisd reads additions to its configuration, in the order of their names (Debian)."""
_PLACES = (_ADDITIONS, "/etc/amavisd", "/etc")
_METHOD = re.compile(
    r"""^\s*\$(?P<name>forward|notify)_method\s*=\s*["']smtp:(?P<hop>(?:\[[^\]]+\]|[\w.]+):\d+)""",
    re.MULTILINE,
)
_DEFAULT = "[127.0.0.1]:10025"
"""$forward_method where amavisd.conf does not set it (amavisd-new, README.postfix)."""


def amavis_directory(filesystem: Filesystem) -> str:
    """Return the directory of amavisd's configuration that takes additions, "" for none."""
    return _ADDITIONS if filesystem.is_directory(_ADDITIONS) else ""


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
        for name in files.names(filesystem, place):
            if name == "amavisd.conf" or place.endswith("conf.d"):
                yield files.text(filesystem, f"{place}/{name}")
