"""Hosts that install.sh is run on: the checkout in a user's home, packages and PyPI in reach."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.harness.host import ADDRESS, SECOND_ADDRESS, Host
from tests.harness.machine import Machine
from tests.harness.paths import CHECKOUT, cache_directory, locked
from tests.harness.roots import root, variant

SOURCE = "/home/alice/postwrap"
"""The checkout in the host: an ordinary user's, so that what root's installation leaves shows."""

READY = ("postfix", "python3-venv", "python3-apt", "iproute2", "busybox", "mksh", "sudo")
"""The packages of a ReadyHost. By python3-apt Ansible installs packages."""

PYTHON = {"bookworm": "3.11", "trixie": "3.13"}

_OUTSIDE_CA = "/etc/ssl/outside.crt"
_WHEELS = "/srv/wheels"


class InstallHost(Host):
    """A host with a copy of the checkout; `environment` is what install.sh is run with."""

    environment: Mapping[str, str] = MappingProxyType({})

    def copy_checkout(self) -> None:
        """Put what git knows, or would take, of the checkout into SOURCE."""
        git = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
        listed = subprocess.run(git, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (CHECKOUT / name).is_file():
                target = self.path(f"{SOURCE}/{name}")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, target)
        self.run("chown", "-R", "alice:alice", SOURCE)

    def install(
        self, *args: str, shell: str = "", **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run install.sh in the checkout, by its own first line or by `shell`."""
        argv = [*shell.split(), "./install.sh", *args]
        env = {**self.environment, **(options.pop("env", None) or {})}
        return self.run(*argv, cwd=SOURCE, env=env, timeout=600, **options)


class FreshHost(InstallHost):
    """Neither Python nor Postfix, and a way out to the packages of Debian and PyPI."""

    def __init__(self, suite: str) -> None:
        super().__init__(variant("fresh", suite), network=True)
        self.environment = _outside_environment()
        self.path("/etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
        bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
        if bundle:
            self.path("/etc/ssl").mkdir(exist_ok=True)
            shutil.copyfile(bundle, self.path(_OUTSIDE_CA))
            authority = {"PIP_CERT": _OUTSIDE_CA, "SSL_CERT_FILE": _OUTSIDE_CA}
            self.environment = {**self.environment, **authority}
        # The host has the machine's network for now: nothing may listen there.
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", mode=0o755)
        self.copy_checkout()

    def leave_network(self) -> None:
        """Move to a network of the host's own, with the talk's addresses."""
        inside = "exec unshare --net sh -c 'echo ready; exec sleep infinity'"
        process = self.popen("sh", "-c", inside)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        self.pid = _only_child(process.pid)
        self._ip("link", "set", "lo", "up")
        self.add_address(ADDRESS, SECOND_ADDRESS)


class ReadyHost(InstallHost):
    """Python and Postfix are there, and the checkout is a release: no network is needed.

    `fetches`: it is a checkout, and PyPI is a directory of wheels.
    """

    def __init__(self, suite: str, *, fetches: bool = False) -> None:
        super().__init__(root(suite, READY))
        self.copy_checkout()
        if fetches:
            shutil.copytree(wheels(), self.path(_WHEELS))
            self.environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": _WHEELS}
        else:
            shutil.copytree(vendored(), self.path(f"{SOURCE}/vendor"))
            self.run("chown", "-R", "alice:alice", f"{SOURCE}/vendor")


_REQUIREMENTS = ("packaging/requirements.txt", "packaging/requirements-build.txt")
_RELEASE = "packaging/requirements-release.txt"


def wheels() -> Path:
    """A directory with what pip fetches for a checkout and for a release, kept between runs."""
    made_of = (*_REQUIREMENTS, _RELEASE)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check"]
    command += [f"--requirement={CHECKOUT / name}" for name in made_of]
    return _kept("wheels", made_of, lambda new: [*command, f"--dest={new}"])


def vendored() -> Path:
    """What packaging/vendor makes, kept between runs."""
    script = "packaging/vendor"
    made_of = (*_REQUIREMENTS, script)
    return _kept("vendor", made_of, lambda new: [str(CHECKOUT / script), str(new), sys.executable])


def _kept(name: str, made_of: Sequence[str], command: Callable[[Path], list[str]]) -> Path:
    """The directory that `command` fills, by the contents of the files that it is `made_of`."""
    contents = b"".join((CHECKOUT / file).read_bytes() for file in made_of)
    made = cache_directory() / name / hashlib.sha256(contents).hexdigest()[:10]
    with locked(made.with_name(f"{made.name}.lock")):
        if not made.is_dir():
            new = Path(tempfile.mkdtemp(prefix=f"{made.name}.new-", dir=made.parent))
            subprocess.run(command(new), check=True)
            new.chmod(0o755)
            new.rename(made)
    return made


Item = tuple[str, ...]


def tree(machine: Machine, *, times: bool = False) -> dict[str, Item]:
    """What is on the machine's disks: type, mode, owner, size, contents; `times` adds mtimes."""
    return dict(_walk(machine, "/", times))


def _walk(machine: Machine, directory: str, times: bool) -> Iterator[tuple[str, Item]]:
    device = os.stat(f"{machine.root}{directory}").st_dev  # noqa: PTH116
    for name in sorted(os.listdir(f"{machine.root}{directory}")):  # noqa: PTH208 - names
        path = f"{directory.rstrip('/')}/{name}"
        outer = f"{machine.root}{path}"
        status = os.lstat(outer)
        is_directory = stat.S_ISDIR(status.st_mode)
        # Not os.path.ismount(), which follows /proc/PID/root to the machine's own /.
        if is_directory and status.st_dev != device:
            continue
        what = ""
        if stat.S_ISLNK(status.st_mode):
            what = os.readlink(outer)  # noqa: PTH115
        elif stat.S_ISREG(status.st_mode):
            with open(outer, "rb") as file:  # noqa: PTH123
                what = hashlib.file_digest(file, "sha256").hexdigest()
        size = "" if is_directory else str(status.st_size)
        time = str(status.st_mtime_ns) if times else ""
        yield path, (oct(status.st_mode), f"{status.st_uid}:{status.st_gid}", size, what, time)
        if is_directory:
            yield from _walk(machine, path, times)


def _outside_environment() -> dict[str, str]:
    """What of the tests' own environment tells pip and apt the way out."""
    names = ("PIP_INDEX_URL", "PIP_PROXY", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
    proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {name: os.environ[name] for name in (*names, *proxies) if name in os.environ}


def _only_child(parent: int) -> int:
    """The child of nsenter(1), which forks to enter a PID namespace."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"\nPPid:\t{parent}\n" in (entry / "status").read_text():
                return int(entry.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise LookupError(f"process {parent} has no child")
