"""CHANGELOG.md as data: whether it has the version, and Debian's changelog made of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path

_HEADING = re.compile(r"## (?P<version>\d+\.\d+\.\d+) \((?P<date>\d{4}-\d\d-\d\d)\)$", re.MULTILINE)
_CONSTANT = re.compile(r'^(__version__|RELEASED) = "?([^"\n]+)"?$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One version: its number, its date, and what is new in it, in Markdown."""

    version: str
    date: date
    text: str


def entries(changelog: str) -> Iterator[Entry]:
    """Yield the versions of a CHANGELOG.md in its order, the newest first."""
    headings = list(_HEADING.finditer(changelog))
    ends = [*(heading.start() for heading in headings), len(changelog)][1:]
    for heading, end in zip(headings, ends, strict=True):
        day = date.fromisoformat(heading["date"])
        yield Entry(heading["version"], day, changelog[heading.end() : end].strip())


def fault(changelog: str, module: str) -> str:
    """Return what of ``changelog`` does not fit ``module``, the text of postwrap/__init__.py.

    "" where the newest entry has the module's version, its date and a text.
    """
    constants = dict(_CONSTANT.findall(module))
    version, day = constants["__version__"], datetime.fromtimestamp(int(constants["RELEASED"]), UTC)
    first = next(entries(changelog), None)
    if re.search(r"^(<{7}|={7}|>{7})( |$)", changelog, re.MULTILINE):
        return "has the marks of an unfinished merge"
    if first is None or (first.version, first.date) != (version, day.date()):
        return f"does not begin with the entry '## {version} ({day:%Y-%m-%d})'"
    return "" if first.text else f"says nothing of {version}"


def debian(changelog: str, maintainer: str) -> str:
    """Return Debian's changelog: what is new is in CHANGELOG.md, which the package has too."""
    return "\n".join(
        f"postwrap ({entry.version}-1) unstable; urgency=medium\n\n"
        "  * New upstream release; changelog.gz tells what is new.\n\n"
        f" -- {maintainer}  {_midnight(entry.date)}\n"
        for entry in entries(changelog)
    )


def _midnight(day: date) -> str:
    return format_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))


def main(form: str, top: str, maintainer: str) -> int:
    """Print the changelog in ``form`` (debian, or text: the newest entry), or check it."""
    changelog = Path(top, "CHANGELOG.md").read_text(encoding="utf-8")
    module = Path(top, "generator/postwrap/__init__.py").read_text(encoding="utf-8")
    if form == "check":
        if wrong := fault(changelog, module):
            sys.stderr.write(f"CHANGELOG.md: {wrong}\n  remedy: correct it, and commit it\n")
        return 3 if wrong else 0
    text = debian(changelog, maintainer) if form == "debian" else next(entries(changelog)).text
    sys.stdout.write(f"{text}\n" if form == "text" else text)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
