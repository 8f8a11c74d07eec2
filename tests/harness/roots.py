"""Debian roots made by debootstrap, kept between runs; hosts and containers overlay them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING

from tests.harness.need import find_tool, need_root, need_tool
from tests.harness.paths import cache_directory, locked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What postwrap itself needs, as Debian 13 has it.
POSTWRAP_NEEDS = ("python3-typer", "python3-jinja2", "python3-platformdirs")

# systemd-container is what boots such a root, from inside itself: see tests/harness/boot.py.
BOOT_NEEDS = (
    *("systemd", "systemd-sysv", "systemd-container", "dbus"),
    *("iproute2", "procps", "openssl", "bash-completion"),
)

# Who runs a network, beside systemd-networkd, which comes with systemd. NetworkManager's polkitd
# wants a logind, and debootstrap does not find out who provides that.
NETWORK_NEEDS = ("ifupdown", "network-manager", "libpam-systemd")

VARIANTS: dict[tuple[str, str], tuple[str, ...]] = {
    # Neither Postfix nor Python: what ./install.sh must cope with.
    ("fresh", "bookworm"): (),
    ("fresh", "trixie"): (),
    ("host", "trixie"): (
        *("postfix", "perl", *POSTWRAP_NEEDS, "iproute2", "procps", "openssl", "strace"),
        *("dash", "mksh", "busybox", "zsh", "fish", "bash-completion", "mandoc", "man-db"),
    ),
    # Debian 12's own python3-typer is too old for postwrap: see tests/harness/dependencies.py.
    ("boot", "bookworm"): ("postfix", "python3", *BOOT_NEEDS),
    ("boot", "trixie"): ("postfix", *POSTWRAP_NEEDS, *BOOT_NEEDS),
    ("network", "bookworm"): ("postfix", "python3", *BOOT_NEEDS, *NETWORK_NEEDS),
    ("network", "trixie"): ("postfix", *POSTWRAP_NEEDS, *BOOT_NEEDS, *NETWORK_NEEDS),
}


def variant(kind: str, suite: str) -> Path:
    """The root of a kind that VARIANTS names: fresh, host or boot."""
    return root(suite, VARIANTS[kind, suite])


def root(suite: str, packages: Sequence[str]) -> Path:
    """A minimal root of a suite with these packages; made on first use, about a minute. Read only.

    Nobody may write to it: make a Host on it, which overlays it.
    """
    recipe = hashlib.sha256("\n".join(sorted(packages)).encode()).hexdigest()[:10]
    made = cache_directory() / "roots" / f"{suite}-{recipe}"
    if made.is_dir():
        return made
    need_root()
    need_tool("debootstrap")
    with locked(made.with_name(f"{made.name}.lock")):
        if not made.is_dir():
            _make(suite, packages, made)
    return made


def _make(suite: str, packages: Sequence[str], made: Path) -> None:
    """Build beside, then rename: a root is there whole or not at all."""
    packages_kept = cache_directory() / "packages" / suite
    packages_kept.mkdir(parents=True, exist_ok=True)
    for left_over in made.parent.glob(f"{made.name}.new-*"):
        shutil.rmtree(left_over)
    new = tempfile.mkdtemp(prefix=f"{made.name}.new-", dir=made.parent)
    command = [find_tool("debootstrap") or "debootstrap", "--variant=minbase"]
    command += [f"--cache-dir={packages_kept}"]
    command += [f"--include={','.join(packages)}"] if packages else []
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*command, suite, new, *_mirror()],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        raise RuntimeError(f"debootstrap {suite} failed:\n{done.stdout[-4000:]}")
    os.chmod(new, 0o755)  # noqa: PTH101 - mkdtemp gives a str
    os.rename(new, made)  # noqa: PTH104


def _mirror() -> list[str]:
    """The mirror of this machine's apt; nothing: debootstrap's own default."""
    apt = find_tool("apt-get")
    if apt is None:
        return []
    form = "$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT) $(ORIGIN)"
    listed = subprocess.run(
        [apt, "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian"],
        capture_output=True,
        text=True,
    ).stdout
    for line in listed.splitlines():
        uri, release, codename, component, *_ = line.split()
        if component == "main" and release == codename and "-" not in codename:
            return [uri]
    return []
