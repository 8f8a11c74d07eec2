"""Which files of maillog_file ``postfix logrotate`` rotates: only one postlogd(8) hears of it.

logrotate(8) by itself moves a file, and who wants a new one is up to its script.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from postwrap.filesystem import Filesystem
from postwrap.host import files

_SUFFIX = re.compile(r"\.\d{8}-\d{6}(\.\w+)?$")
"""maillog_file_rotate_suffix as it is by default, and what the compressor adds."""
_CALL = re.compile(r"^[^#\n]*\bpostfix\b[^\n]*\blogrotate\b", re.MULTILINE)
_JOBS = ("/etc/cron.d", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly")
_PLACES = (*_JOBS, "/etc/logrotate.d", "/var/spool/cron/crontabs", "/etc/systemd/system")


def rotated(filesystem: Filesystem, paths: Collection[str]) -> frozenset[str]:
    """Return those of ``paths`` beside which rotated ones lie; all where a job rotates."""
    logs = [path for path in paths if path.startswith("/") and not path.startswith("/dev/")]
    found = {path for path in logs if _has_rotated(filesystem, path)}
    return frozenset(logs if logs and not found and any(_calls(filesystem)) else found)


def _has_rotated(filesystem: Filesystem, path: str) -> bool:
    directory, _, name = path.rpartition("/")
    names = files.names(filesystem, directory or "/")
    return any(n.startswith(name) and _SUFFIX.fullmatch(n[len(name) :]) for n in names)


def _calls(filesystem: Filesystem) -> Iterator[bool]:
    for place in _PLACES:
        for name in files.names(filesystem, place):
            yield bool(_CALL.search(files.text(filesystem, f"{place}/{name}")))
    yield bool(_CALL.search(files.text(filesystem, "/etc/crontab")))
