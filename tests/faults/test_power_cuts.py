"""The power fails after each file operation: every file is old or new, and the next run finishes.

The harness is shown to see what a postwrap that does not sync would lose.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.test_syscalls import ENVIRONMENT, MEMORY, copy
from tests.harness.need import need_tool
from tests.harness.powercut import RECORD, Disk, Node, lay_out
from tests.unit.test_killed import before, change, differing, fresh, nothing, postwrap, tree
from tests.unit.test_killed import without_directories as without_progress

from postwrap.cli.headings import load

if TYPE_CHECKING:
    from tests.harness.powercut import State

ALL = os.environ.get("POSTWRAP_FAULTS") == "all"
CASES = {
    "install": ("install", fresh, nothing),
    "install after changes": ("install", before, change),
    "uninstall": ("uninstall", before, nothing),
}
START = "from postwrap.launch import main; main()"
UNSAFE = {
    "no file is synced": "sync_files",
    "no directory is synced": "sync_directories",
}


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Import the command line once, for the runs that are forked."""
    load()


@dataclass
class Cut:
    """What a cut left, and after which call."""

    after: str
    kind: str
    state: State


def cuts(verb: str, start: Path, script: str = START) -> tuple[list[Cut], State, State]:
    """All that cuts of a run on the tree `start` may leave, and the files before and after."""
    with copy(start) as root:
        disk = Disk(str(root), Node.of(root), lambda path: Path(path).read_bytes())
        old = disk.now()
        trace = root.parent / "trace"
        argv = [*RECORD, "-o", str(trace), sys.executable, "-B", "-c", script, verb]
        subprocess.run([*argv, f"--root={root}"], check=True, capture_output=True, env=ENVIRONMENT)
        found: dict[tuple[object, ...], Cut] = {}
        for number, call in enumerate(disk.replay(trace.read_text(encoding="latin-1"))):
            for kind, state in disk.states(number):
                found.setdefault(tuple(sorted(state.items())), Cut(call, kind, state))
        for number in range(8):  # all is done, and what was not synced is lost all the same
            for kind, state in disk.states(f"end {number}"):
                found.setdefault(tuple(sorted(state.items())), Cut("the end", kind, state))
        new = disk.now()
        assert new == Disk(str(root), Node.of(root), disk.read).now()
    return [*found.values()], old, new


def is_own(path: str) -> bool:
    """Whether a path is a file that users see: neither staged nor postwrap's record of itself."""
    return "/.postwrap." not in path and not path.endswith(("postwrap/manifest.json", "/lock"))


def torn(cut: Cut, old: State, new: State) -> list[str]:
    """The files that are neither as before nor as they shall be, and those that are missing."""
    both = old.keys() & new.keys()
    wrong = [
        path
        for path, content in cut.state.items()
        if is_own(path) and content is not None and content not in (old.get(path), new.get(path))
    ]
    return wrong + [path for path in both if path not in cut.state and new[path] is not None]


def unfinished(cut: Cut, verb: str, modes: dict[str, int], goal: Path) -> str:
    """What the next run does not bring to its end, "" for nothing."""
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="postwrap-cut-") as made:
        root = Path(made)
        lay_out(cut.state, modes, root)
        status = postwrap(root, verb)
        left = differing(without_progress(tree(root)), without_progress(tree(goal)))
        left = [path for path in left if ".torn" not in path]
        return f"exit {status}, {left}" if status or left else ""


@pytest.mark.parametrize("name", CASES)
def test_a_cut_after_each_operation(name: str, tmp_path: Path) -> None:
    need_tool("strace")
    verb, prepare, then = CASES[name]
    start, goal = tmp_path / "start", tmp_path / "goal"
    prepare(start)
    then(start)
    subprocess.run(["cp", "-a", str(start), str(goal)], check=True)
    assert postwrap(goal, verb) == 0
    found, old, new = cuts(verb, start)
    assert len(found) > 20
    wrong = [(cut.after, cut.kind, lost) for cut in found if (lost := torn(cut, old, new))]
    assert wrong == []
    modes = {
        f"/{path.relative_to(tree_)}": path.stat().st_mode & 0o7777
        for tree_ in (start, goal)
        for path in tree_.rglob("*")
        if path.is_file()
    }
    step = 1 if ALL else max(1, len(found) // 40)
    for cut in found[::step]:
        assert unfinished(cut, verb, modes, goal) == "", (cut.after, cut.kind)


@pytest.mark.parametrize("name", UNSAFE)
def test_what_is_not_synced_is_missed(name: str, tmp_path: Path) -> None:
    need_tool("strace")
    verb, prepare, then = CASES["install after changes"]
    prepare(tmp_path / "start")
    then(tmp_path / "start")
    script = f"from postwrap import durable; durable.{UNSAFE[name]} = lambda _: None; {START}"
    found, old, new = cuts(verb, tmp_path / "start", script)
    lost = [path for cut in found for path in torn(cut, old, new)]
    # Where no directory is, the names of before may be all that is left, which is a whole state;
    # but then the manifest of the end can be there before what it tells of.
    ahead = [cut for cut in found if is_ahead(cut, old, new)]
    assert lost or ahead


def is_ahead(cut: Cut, old: State, new: State) -> bool:
    """Whether the last manifest is there and not all that it tells of."""
    place = "/usr/local/lib/postwrap/manifest.json"
    if cut.state.get(place) != new.get(place):
        return False
    return any(cut.state.get(p) != content for p, content in new.items() if is_own(p) and content)
