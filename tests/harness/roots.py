"""Debian roots made by debootstrap, kept between runs; hosts and containers overlay them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from tests.harness.need import find_tool, need_root, need_tool
from tests.harness.paths import CHECKOUT, cache_directory, locked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The version of the Python of a suite whose own python3-typer is too old for postwrap. In such a
# root, postwrap's dependencies come from PyPI.
PYPI = {"bookworm": "3.11"}

# What postwrap itself needs, as Debian 13 has it.
POSTWRAP_NEEDS = ("python3-typer", "python3-jinja2", "python3-platformdirs")

# The programs that tests on private hosts look at postwrap through.
HOST_NEEDS = (
    *("postfix", "perl", "iproute2", "procps", "openssl", "strace", "pkgconf"),
    *("dash", "mksh", "busybox", "zsh", "fish", "bash-completion", "mandoc", "man-db"),
    *("rpm", "pacman-package-manager"),
)

# systemd-container is what boots such a root, from inside itself: see tests/harness/boot.py.
BOOT_NEEDS = (
    *("systemd", "systemd-sysv", "systemd-container", "dbus"),
    *("iproute2", "procps", "openssl", "bash-completion"),
)

# Who runs a network, beside systemd-networkd, which comes with systemd. NetworkManager's polkitd
# wants a logind, and debootstrap does not find out who provides that.
NETWORK_NEEDS = ("ifupdown", "network-manager", "libpam-systemd")

# debootstrap does not find out who provides perl-openssl-abi.
FILTER_NEEDS = ("postfix", "iproute2", "procps", "perl", "perl-openssl-defaults", "amavisd-new")

RSPAMD_NEEDS = ("postfix", "iproute2", "procps", "perl", "rsyslog", "rspamd")

# Its server, its frontend, which has the API, and a database for them.
ZABBIX_NEEDS = (
    *("postfix", "iproute2", "procps", "postgresql", "php-cli", "php-pgsql"),
    *("zabbix-server-pgsql", "zabbix-frontend-php", "zabbix-agent"),
)

# What builds and takes apart postwrap's own packages, and installs those of rpm and pacman. Of
# debootstrap's faults see FILTER_NEEDS.
PACKAGING_NEEDS = (
    *("postfix", "iproute2", "procps", "man-db", "fakeroot", "file", "git", "zstd"),
    *("debhelper", "dh-python", "pybuild-plugin-pyproject", "python3-all", "python3-hatchling"),
    *("python3-pytest", "python3-hypothesis", "python3-pexpect", "python3-yaml", "python3-venv"),
    *("lintian", "autopkgtest", "perl-openssl-defaults"),
    *("rpm", "pacman-package-manager", "makepkg", "libarchive-tools"),
)

VARIANTS: dict[tuple[str, str], tuple[str, ...]] = {
    # systemd is installed in the one, as in Debian, and not in the other, as in an image for
    # containers; neither runs it.
    ("host", "bookworm"): (*HOST_NEEDS, "systemd", "systemd-sysv"),
    ("host", "trixie"): HOST_NEEDS,
    # With a syslog daemon beside amavisd, which logs to it alone.
    ("syslog", "bookworm"): (*FILTER_NEEDS, "rsyslog"),
    ("syslog", "trixie"): (*FILTER_NEEDS, "rsyslog"),
    ("rspamd", "bookworm"): RSPAMD_NEEDS,
    ("rspamd", "trixie"): RSPAMD_NEEDS,
    ("zabbix", "bookworm"): ZABBIX_NEEDS,
    ("packaging", "trixie"): PACKAGING_NEEDS,
    ("boot", "bookworm"): ("postfix", *BOOT_NEEDS),
    ("boot", "trixie"): ("postfix", *BOOT_NEEDS),
    ("network", "bookworm"): ("postfix", *BOOT_NEEDS, *NETWORK_NEEDS),
    ("network", "trixie"): ("postfix", *BOOT_NEEDS, *NETWORK_NEEDS),
}


def variant(kind: str, suite: str) -> Path:
    """The root of a kind: that of VARIANTS can run postwrap, fresh has not even Python."""
    if kind == "fresh":
        return root(suite, ())
    if suite in PYPI:
        return root(suite, ("python3", *VARIANTS[kind, suite]), _requirements())
    return root(suite, (*POSTWRAP_NEEDS, *VARIANTS[kind, suite]))


def _requirements() -> list[str]:
    """What install.sh installs of PyPI."""
    lines = (CHECKOUT / "packaging" / "requirements.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if "==" in line]


def root(suite: str, packages: Sequence[str], pypi: Sequence[str] = ()) -> Path:
    """A minimal root of a suite with these packages; made on first use, about a minute. Read only.

    Nobody may write to it: make a Host on it, which overlays it.
    """
    recipe = hashlib.sha256("\n".join(sorted([*packages, *pypi])).encode()).hexdigest()[:10]
    made = cache_directory() / "roots" / f"{suite}-{recipe}"
    if made.is_dir():
        return made
    need_root()
    need_tool("debootstrap")
    with locked(made.with_name(f"{made.name}.lock")):
        if not made.is_dir():
            _make(suite, packages, pypi, made)
    return made


def _make(suite: str, packages: Sequence[str], pypi: Sequence[str], made: Path) -> None:
    """Build beside, then rename: a root is there whole or not at all."""
    for left_over in made.parent.glob(f"{made.name}.new-*"):
        shutil.rmtree(left_over)
    new = tempfile.mkdtemp(prefix=f"{made.name}.new-", dir=made.parent)
    try:
        _debootstrap(suite, packages, new)
        if pypi:
            _add_from_pypi(PYPI[suite], pypi, new)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    os.chmod(new, 0o755)  # noqa: PTH101 - mkdtemp gives a str
    os.rename(new, made)  # noqa: PTH104


def _debootstrap(suite: str, packages: Sequence[str], new: str) -> None:
    packages_kept = cache_directory() / "packages" / suite
    packages_kept.mkdir(parents=True, exist_ok=True)
    command = [find_tool("debootstrap") or "debootstrap", "--variant=minbase"]
    command += [f"--cache-dir={packages_kept}"]
    command += [f"--include={','.join(packages)}"] if packages else []
    _build(*command, suite, new, *_mirror())


def _add_from_pypi(version: str, wanted: Sequence[str], new: str) -> None:
    """Install Python packages where Debian's Python of this version looks for local ones."""
    place = f"/usr/local/lib/python{version}/dist-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--no-compile", f"--python-version={version}"]
    _build(*command, f"--target={new}{place}", *wanted)
    # By the root's Python, which may be another version than the tests'.
    _build("chroot", new, "python3", "-m", "compileall", "-q", place)


def _build(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")


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
