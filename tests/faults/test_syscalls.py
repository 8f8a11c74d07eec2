"""Each system call that changes something fails in turn, or is the last: nothing is left half done.

After each fault the files are all as before or all as they shall be (a kill may leave some of each,
every one whole), the exit status is a documented one, an error names its remedy, and the same
command again finishes. A sample is in the suite; ``tests/run faults`` tries all, and goes on where
it was interrupted where POSTWRAP_FAULTS_DONE names a file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.harness.injection import ERRORS, TRACE, Done, Fault, calls, faults, is_of_start, sample
from tests.harness.need import need_tool
from tests.harness.paths import CHECKOUT
from tests.unit.test_killed import (
    before,
    change,
    differing,
    fresh,
    nothing,
    postwrap,
    tree,
    without_directories,
)

from postwrap.cli.headings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.test_killed import Tree

ALL = os.environ.get("POSTWRAP_FAULTS") == "all"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT / "generator"), "LC_ALL": "C.UTF-8"}
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
SHARDS = 4


@dataclass(frozen=True)
class Case:
    """A verb on a tree: its words, what prepares the tree, and how many faults the sample has."""

    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    then: Callable[[Path], None]
    number: int


CASES = {
    "install": Case(("install",), fresh, nothing, 40),
    "install after changes": Case(("install",), before, change, 36),
    "uninstall": Case(("uninstall",), before, nothing, 24),
    "package": Case(("package", "--format=deb", "--output={root}/made.deb"), fresh, nothing, 8),
}
STATUSES = {0, 1, 2, 3, 4}


@contextmanager
def copy(start: Path) -> Iterator[Path]:
    """A copy of the tree `start`, always under a name of the same length."""
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="postwrap-fault-") as made:
        root = Path(made, "root")
        shutil.copytree(start, root, symlinks=True)
        yield root


def run(case: Case, root: Path, *before: str) -> subprocess.CompletedProcess[str]:
    words = [word.format(root=root) for word in case.words]
    argv = [*before, sys.executable, "-B", "-m", "postwrap", *words, f"--root={root}"]
    return subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)


def found(case: Case, start: Path, kept: Path) -> list[Fault]:
    """All faults of a run; the opens for reading are those in the tree."""
    with copy(start) as root:
        trace = kept / "trace"
        run(case, root, *TRACE, "-o", str(trace), "-e", f"trace={','.join(ERRORS)}")
        return [*faults(calls(trace.read_text(), lambda words: str(root) in words))]


def state(root: Path) -> Tree:
    """The files, without what only tells how far a run has come."""
    files = without_directories(tree(root))
    return {p: f for p, f in files.items() if not p.endswith("postwrap/lock")}


def is_whole(now: Tree, old: Tree, new: Tree) -> bool:
    """Whether every file is the old or the new one, but for what is staged and the manifest."""
    return all(
        file in (old.get(path), new.get(path))
        for path, file in now.items()
        if "/.postwrap." not in f"/{path}" and not path.endswith("postwrap/manifest.json")
    )


def is_mute(fault: Fault) -> bool:
    """Whether nothing can be written from the fault on, standard error included."""
    return fault.stays and fault.call.name == "write"


def wrong(case: Case, fault: Fault, start: Path, old: Tree, new: Tree) -> str:
    """What went wrong with a fault, "" for nothing."""
    with copy(start) as root:
        done = run(case, root, *fault.words)
        now = state(root)
        told = f"{fault}: exit {done.returncode}: {done.stderr.strip()[-300:]}"
        if is_of_start(done.stderr):
            return "" if now == old else f"{told}: changed"
        if "Traceback" in done.stderr:
            return f"{told}: a traceback"
        if fault.is_kill:
            if not is_whole(now, old, new):
                return f"{told}: not whole: {differing(now, new)}"
        elif done.returncode not in STATUSES:
            return f"{told}: not a documented status"
        elif done.returncode and "remedy:" not in done.stderr and not is_mute(fault):
            return f"{told}: no remedy"
        elif done.returncode == 0 and now != new:
            return f"{told}: not done: {differing(now, new)}"
        elif not fault.stays and now not in (old, new):
            return f"{told}: half done: {differing(now, old)}"
        elif not is_whole(now, old, new):
            return f"{told}: not whole: {differing(now, new)}"
        again = postwrap(root, *(word.format(root=root) for word in case.words))
        if again or state(root) != new:
            return f"{told}: again: exit {again}: {differing(state(root), new)}"
    return ""


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Import the command line once, for the runs that are forked."""
    load()


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("name", CASES)
def test_a_fault_at_each_call(name: str, shard: int, tmp_path: Path) -> None:
    need_tool("strace")
    case = CASES[name]
    start = tmp_path / "start"
    case.prepare(start)
    case.then(start)
    with copy(start) as root:
        old = state(root)
        assert run(case, root).returncode == 0
        new = state(root)
    every = found(case, start, tmp_path)
    chosen = every if ALL else sample(every, case.number, name)
    done, bad = Done(), []
    for fault in chosen[shard::SHARDS]:
        key = f"{name}: {fault}"
        if key in done:
            continue
        if said := wrong(case, fault, start, old, new):
            bad.append(said)
        else:
            done.add(key)
    assert not bad, f"{len(bad)} of {len(chosen[shard::SHARDS])}:\n" + "\n".join(bad)
