"""One function a language: any text in, one word of that language out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

_ROFF_SPECIAL = str.maketrans(
    {"\\": "\\e", "-": "\\-", "'": "\\(aq", "^": "\\(ha", "~": "\\(ti", "`": "\\(ga"}
)
_FISH_PLAIN = re.compile(r"[A-Za-z0-9_./@%+,:-]+\Z")


def sh(text: str) -> str:
    """Return ``text`` as one word of any POSIX shell, bash and zsh included."""
    return shlex.quote(text)


def fish(text: str) -> str:
    """Return ``text`` as one word of fish, where single quotes know two escapes."""
    if _FISH_PLAIN.match(text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def roff(text: str) -> str:
    """Return ``text`` as running text of a man page: no request, every hyphen one to copy.

    A line that begins with a blank would end a paragraph, and an empty one would add a space.
    """
    escaped = text.translate(_ROFF_SPECIAL)
    return "\\&" + escaped if not escaped or escaped[0] in ".' \t" else escaped


def systemd(text: str) -> str:
    """Return ``text`` as one word of a unit file's command line (systemd.service(5), quoting)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if re.search(r"[\s'\"\\;]", escaped) or not escaped else escaped


def comment(text: str) -> str:
    """Return ``text`` on one line, for the comments of a script."""
    return re.sub(r"[\r\n]+", " ", text)


FILTERS: dict[str, Callable[[str], str]] = {
    "sh": sh,
    "fish": fish,
    "roff": roff,
    "systemd": systemd,
    "comment": comment,
}
"""The filters of all templates, by the name they have there."""
