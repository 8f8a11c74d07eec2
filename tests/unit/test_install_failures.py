"""Installing where it cannot succeed, or not alone: nothing is left half done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.harness.paths import CHECKOUT

from postwrap.errors import Status

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT / "generator")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with two instances, and commands' directories as a host has them."""
    for name in ("postfix", "postfix-out"):
        directory = tmp_path / "etc" / name
        directory.mkdir(parents=True)
        (directory / "main.cf").touch()
        (directory / "master.cf").touch()
    (tmp_path / "usr/local").mkdir(parents=True)
    return tmp_path


def command(root: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "postwrap", *args, f"--root={root}"]


def postwrap(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(root, *args), capture_output=True, text=True, env=ENVIRONMENT)


def tree(root: Path) -> list[tuple[str, int, bytes]]:
    paths = sorted(root.rglob("*"))
    return [
        (str(p.relative_to(root)), p.lstat().st_mode, p.read_bytes() if p.is_file() else b"")
        for p in paths
    ]


def test_a_failure_on_the_way_is_undone(root: Path) -> None:
    (root / "usr/local/sbin").write_text("no directory\n")
    before = tree(root)
    done = postwrap(root, "install")
    assert done.returncode == Status.FAILED
    assert "usr/local/sbin" in done.stderr
    assert "remedy:" in done.stderr
    assert tree(root) == before


def test_a_full_disk_is_undone(root: Path) -> None:
    assert postwrap(root, "install").returncode == 0
    # Every wrapper has to change, and no file may grow beyond 400 bytes: like a disk that is
    # full before the longest of them is written.
    (root / "etc/postwrap.toml").write_text('default-suffix = "-first"\n')
    before = tree(root)
    limited = ["prlimit", "--fsize=400", *command(root, "install")]
    done = subprocess.run(limited, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == Status.FAILED, done.stderr
    assert tree(root) == before
    assert postwrap(root, "install").returncode == 0


def test_runs_wait_for_one_another(root: Path) -> None:
    runs = [
        subprocess.Popen(command(root, "install"), stderr=subprocess.PIPE, env=ENVIRONMENT)
        for _ in range(5)
    ]
    assert [run.wait(60) for run in runs] == [0] * 5
    assert postwrap(root, "diff").returncode == 0
    left = [p for p in root.rglob("*") if p.name == "lock" or p.name.startswith(".postwrap.")]
    assert left == []


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["nonsense"], Status.USAGE),
        (["install", "--prefix=relative"], Status.USAGE),
        (["install", "--user", "--prefix=/usr"], Status.USAGE),
        (["install", "nobody"], Status.REFUSED),
        (["uninstall", "nobody"], Status.REFUSED),
        (["which", "mailq-nobody"], Status.REFUSED),
    ],
)
def test_bad_words(root: Path, words: list[str], status: Status) -> None:
    before = tree(root)
    done = postwrap(root, *words)
    assert done.returncode == status
    assert done.stderr
    assert "Traceback" not in done.stderr
    assert tree(root) == before


def test_a_torn_manifest_is_named_and_set_aside(root: Path) -> None:
    assert postwrap(root, "install").returncode == 0
    manifest = root / "usr/local/lib/postwrap/manifest.json"
    manifest.write_text("{")
    done = postwrap(root, "install")
    assert done.returncode == 0
    assert "manifest.json" in done.stderr
    aside = manifest.with_name("manifest.json.torn")
    assert aside.read_text() == "{"
    assert postwrap(root, "uninstall").returncode == 0
    # It no longer knows which directories it made; of its files none is left.
    assert [path for path in (root / "usr/local").rglob("*") if not path.is_dir()] == [aside]


def test_the_settings_file_counts(root: Path) -> None:
    (root / "etc/postwrap.toml").write_text(
        'default-suffix = ""\nomit = ["postkick"]\nadd = ["/opt/bin/swaks"]\nshells = []\n'
    )
    (root / "opt/bin").mkdir(parents=True)
    (root / "opt/bin/swaks").touch()
    assert postwrap(root, "install").returncode == 0
    names = {path.name for path in (root / "usr/local").rglob("*in/*")}
    assert "swaks-out" in names
    assert "mailq-out" in names
    assert not {"postkick-out", "mailq-default"} & names
    (root / "etc/postwrap.toml").write_text("shells = 'bash'\n")
    done = postwrap(root, "install")
    assert done.returncode == Status.USAGE
    assert "/etc/postwrap.toml:1" in done.stderr


def test_a_defect_is_no_finding(root: Path) -> None:
    script = (
        "import sys, postwrap.cli.verb_install as b\n"
        "b.assemble = lambda *_: 1 / 0\n"
        "sys.argv = ['postwrap', 'install', *sys.argv[1:]]\n"
        "from postwrap.cli import main; main()\n"
    )
    words = [sys.executable, "-c", script, f"--root={root}"]
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == Status.FAILED
    assert "ZeroDivisionError" in done.stderr
