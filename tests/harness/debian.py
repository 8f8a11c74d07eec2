"""Programs of Debian's packages that need no installation: unpacked once, kept between runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.harness.need import find_tool, need, need_tool
from tests.harness.paths import cache_directory, locked


def unpacked(package: str) -> Path:
    """The files of a package of the machine's own Debian; skips where there is none to be had."""
    need_tool("apt-get", "dpkg-deb")
    made = cache_directory() / "unpacked" / package
    made.parent.mkdir(parents=True, exist_ok=True)
    with locked(made.with_name(f"{package}.lock")):
        if not made.is_dir():
            _unpack(package, made)
    return made


def _unpack(package: str, made: Path) -> None:
    new = made.with_name(f"{package}.new")
    shutil.rmtree(new, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        done = _apt("download", package, place=place)
        if done.returncode:  # the lists are not there, or too old
            _apt("update", place=place)
            done = _apt("download", package, place=place)
        need(done.returncode == 0, f"{package} of Debian: {done.stderr.strip()}")
        (file,) = Path(place).glob("*.deb")
        subprocess.run([find_tool("dpkg-deb") or "dpkg-deb", "-x", file, new], check=True)
    new.rename(made)


def _apt(*words: str, place: str) -> subprocess.CompletedProcess[str]:
    # As the user that calls: a directory of its own is not for apt's.
    options = ("-q", "-o", "APT::Sandbox::User=root")
    argv = [find_tool("apt-get") or "apt-get", *options, *words]
    return subprocess.run(argv, cwd=place, capture_output=True, text=True)


def machine_suite() -> str:
    """The name of the machine's own Debian, whose packages these are."""
    lines = Path("/etc/os-release").read_text().splitlines()
    return next((x.partition("=")[2] for x in lines if x.startswith("VERSION_CODENAME=")), "")
