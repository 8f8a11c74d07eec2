"""What the manuals of a Debian root's Postfix say of its options."""

from __future__ import annotations

import gzip
import re
import subprocess
from functools import cache
from pathlib import Path

from postwrap.catalog.usage import Usage

MANUALS = Path("usr/share/man/man1")


@cache
def manual(name: str, root: Path) -> str:
    """The source of a manual page of section 1 under `root`."""
    for path in (root / MANUALS / f"{name}.1.gz", root / MANUALS / f"{name}.1"):
        if path.exists():
            data = path.read_bytes()
            return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    raise FileNotFoundError(f"no manual of {name} under {root}")


def flags_of_manual(name: str, root: Path) -> set[str]:
    """The options that a manual of Postfix lists: its .IP lines that begin with a dash."""
    found = set()
    for line in manual(name, root).splitlines():
        if match := re.match(r'\.IP "?\\fB\\-(\S+)', line):
            found.add("-" + re.split(r'\\f|"', match[1])[0])
    return found


@cache
def version(root: Path) -> tuple[int, ...]:
    """The version of the Postfix under `root`, by its own postconf."""
    said = subprocess.run(
        ["chroot", str(root), "/usr/sbin/postconf", "-dh", "mail_version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return number(said)


def number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def flags(usage: Usage, of: tuple[int, ...]) -> set[str]:
    """The flags that the Postfix of version `of` has."""
    return {o.flag for o in usage.options if not o.since or number(o.since) <= of}
