"""postwrap is killed at each of its file operations in turn, and the next run makes it good.

The kill is a real SIGKILL, sent from an audit hook of the interpreter just before the operation.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from postwrap.cli import app, main
from postwrap.cli.headings import load

OPERATIONS = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink"}
)
KILLED = -signal.SIGKILL

Tree = dict[str, tuple[int, bytes]]

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: a kill loses nothing there, and syncs cost none."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="postwrap-killed-") as made:
        yield Path(made)


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import and compile all that the command line needs once, not in each of the processes."""
    load()
    root = tmp_path_factory.mktemp("warm")
    fresh(root)
    for verb in ("install", "diff", "uninstall"):
        assert CliRunner().invoke(app, [verb, f"--root={root}"]).exit_code == 0


def postwrap(root: Path, *args: str, kill_at: int = 0) -> int:
    """Run postwrap on the tree `root` in a process of its own; return its exit status.

    The process is killed at the file operation number `kill_at` below `root`, counted from 1.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.argv = ["postwrap", *args, f"--root={root}"]
    if kill_at:
        _arm(str(root), kill_at)
    try:
        main()
        os._exit(0)
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    except BaseException:
        os._exit(99)


def _arm(root: str, number: int) -> None:
    left = number

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in OPERATIONS and str(arguments[0]).startswith(root) and _writes(event, arguments):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _writes(event: str, arguments: tuple[object, ...]) -> bool:
    return event != "open" or bool(int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def instance(root: Path, name: str) -> None:
    (root / "etc").mkdir(parents=True, exist_ok=True)
    (root / "etc/postwrap.toml").write_text('shells = ["bash"]\n')  # fewer points to be killed at
    directory = root / "etc" / name
    directory.mkdir(parents=True)
    for file in ("main.cf", "master.cf"):
        (directory / file).touch()


def command(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).touch()


def before(root: Path) -> None:
    """A host with two secondary instances and two commands, their wrappers installed."""
    for name in ("postfix", "postfix-out", "postfix-gone"):
        instance(root, name)
    command(root, "usr/bin/mailq")
    command(root, "usr/sbin/postqueue")
    assert postwrap(root, "install") == 0


def change(root: Path) -> None:
    """One instance goes, one comes, and every mailq wrapper has to say something else."""
    shutil.rmtree(root / "etc/postfix-gone")
    instance(root, "postfix-new")
    (root / "usr/bin/mailq").unlink()
    command(root, "usr/sbin/sendmail")


def tree(root: Path) -> Tree:
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes())
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def wrappers(root: Path) -> Tree:
    local = root / "usr/local"
    return {
        p: f
        for p, f in tree(local).items()
        if p.startswith(("bin/", "sbin/")) and "/.postwrap." not in p
    }


def without_directories(files: Tree) -> Tree:
    """Leave out which directories the manifest takes for ours.

    The few above the manifest itself are made before there is a manifest to tell of them, so
    that one of them may stay behind, empty, after a kill in that moment and an uninstall.
    """
    path = "usr/local/lib/postwrap/manifest.json"
    if path not in files:
        return files
    mode, content = files[path]
    document = json.loads(content) | {"directories": [], "sum": ""}
    return files | {path: (mode, json.dumps(document).encode())}


def differing(one: Tree, other: Tree) -> list[str]:
    """Return the paths that are not the same in both."""
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


Prepare = Callable[[Path], None]


def nothing(_root: Path) -> None:
    pass


def fresh(root: Path) -> None:
    instance(root, "postfix")
    instance(root, "postfix-out")
    command(root, "usr/bin/mailq")


CASES = {
    "first install": ("install", fresh, nothing),
    "changes": ("install", before, change),
    "uninstall": ("uninstall", before, nothing),
}


@pytest.mark.parametrize("case", CASES)
def test_killed_at_each_operation(case: str, tmp_path: Path) -> None:
    verb, prepare, then = CASES[case]
    start, goal = tmp_path / "start", tmp_path / "goal"
    prepare(start)
    then(start)
    shutil.copytree(start, goal, symlinks=True)
    assert postwrap(goal, verb) == 0
    old, new, finished = wrappers(start), wrappers(goal), without_directories(tree(goal))
    assert old != new

    for number in range(1, 1000):
        root = tmp_path / f"killed-{number}"
        shutil.copytree(start, root, symlinks=True)
        status = postwrap(root, verb, kill_at=number)
        for path, file in wrappers(root).items():
            assert file in (old.get(path), new.get(path)), (number, path)
        assert not (old.keys() & new.keys()) - wrappers(root).keys(), number
        assert postwrap(root, verb) == 0, number
        assert differing(without_directories(tree(root)), finished) == [], number
        if verb == "install":
            assert postwrap(root, "diff") == 0, number
        shutil.rmtree(root)
        if status == 0:
            break
        assert status == KILLED
    assert number > 10


def test_uninstall_leaves_the_tree_as_it_was(tmp_path: Path) -> None:
    fresh(tmp_path)
    directories = sorted(tmp_path.rglob("*"))
    files = tree(tmp_path)
    assert postwrap(tmp_path, "install") == 0
    assert tree(tmp_path) != files
    assert postwrap(tmp_path, "uninstall") == 0
    assert sorted(tmp_path.rglob("*")) == directories
    assert tree(tmp_path) == files
