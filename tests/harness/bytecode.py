"""The package compiled once for a root's Python, instead of at each of a thousand calls.

A host sees the checkout and can write nothing there, so its Python would keep no bytecode.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from typing import TYPE_CHECKING

from tests.harness.paths import CHECKOUT, locked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.host import Host

PACKAGE = CHECKOUT / "generator" / "postwrap"
KEPT = CHECKOUT / ".venv" / "compiled"
INSIDE = "/tmp/bytecode"


def keep_compiled(host: Host, base: Path) -> None:
    """Have bytecode of the package beside its sources for the Python of this host, if it has one.

    `base` is the host's root. Python takes bytecode only for the very source it was made from.
    """
    if not host.path(host.python).exists():
        return
    state = _state()
    made = KEPT / base.name
    with locked(made.with_suffix(".lock")):
        if not made.exists() or made.read_text() != state:
            _compile(host)
            made.write_text(state)


@cache
def _state() -> str:
    """Which sources there are, told by path, size and time."""
    files = [(path, path.stat()) for path in sorted(PACKAGE.rglob("*.py"))]
    return "\n".join(f"{path} {stat.st_size} {stat.st_mtime_ns}" for path, stat in files)


def _compile(host: Host) -> None:
    # -B would keep compileall from writing too.
    prefix = {"PYTHONPYCACHEPREFIX": INSIDE, "PYTHONDONTWRITEBYTECODE": ""}
    host.run(host.python, "-m", "compileall", "-q", str(PACKAGE), env=prefix)
    made = host.path(f"{INSIDE}{PACKAGE}")
    for compiled in made.rglob("*.pyc"):
        directory = (PACKAGE / compiled.relative_to(made)).parent / "__pycache__"
        directory.mkdir(exist_ok=True)
        # Several roots have the same Python: each copies under a name of its own.
        new = directory / f"{compiled.name}.{os.getpid()}"
        shutil.copyfile(compiled, new)
        new.rename(directory / compiled.name)
    host.run("rm", "-rf", INSIDE)
