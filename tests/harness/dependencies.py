"""Postwrap's Python dependencies for a root whose own packages are too old, kept between runs."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.harness.paths import CHECKOUT, cache_directory, locked


def dependencies(version: str) -> Path:
    """A directory for PYTHONPATH with what pyproject.toml wants, for this version of CPython."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted: list[str] = project["dependencies"]
    recipe = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:10]
    made = cache_directory() / "python" / f"{version}-{recipe}"
    with locked(made.with_name(f"{made.name}.lock")):
        if not made.is_dir():
            _make(version, wanted, made)
    return made


def _make(version: str, wanted: list[str], made: Path) -> None:
    """Install beside, then rename."""
    new = Path(tempfile.mkdtemp(prefix=f"{made.name}.new-", dir=made.parent))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", f"--python-version={version}", f"--target={new}", *wanted]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        shutil.rmtree(new)
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
    new.chmod(0o755)
    new.rename(made)
