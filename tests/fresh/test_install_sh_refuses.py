"""What install.sh refuses, and that it then has changed nothing; no network is needed for that."""

from __future__ import annotations

import os
import pty
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.harness.fresh import SOURCE, InstallHost, tree
from tests.harness.need import find_tool, need_tool
from tests.harness.roots import variant

SHELLS = ("dash", "bash --posix", "busybox sh", "mksh")
PACKAGES = "apt-get install --no-install-recommends --no-remove python3 python3-venv postfix"


@pytest.fixture(scope="module")
def bare() -> Iterator[InstallHost]:
    """Neither Python nor Postfix, and no network at all."""
    need_tool("busybox", "mksh")
    with InstallHost(variant("fresh", "bookworm")) as host:
        host.copy_checkout()
        for shell in ("busybox", "mksh"):
            shutil.copy2(Path(find_tool(shell) or shell), host.path(f"/bin/{shell}"))
        yield host


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--no-deps"], 3, ["Python 3.11 or newer with venv and Postfix", f"type: {PACKAGES}\n"]),
        ([], 3, ["standard input is not a terminal", "give --yes", PACKAGES]),
        (
            ["--destdir", "/srv/stage", "--yes"],
            3,
            ["--destdir installs no packages", "python3-venv"],
        ),
        (["--prefix"], 2, ["--prefix needs a directory", "--help"]),
        (["--prefix="], 2, ["--prefix needs a directory"]),
        (["--frobnicate"], 2, ["--frobnicate: no such option"]),
        (["now"], 2, ["now: no such option"]),
        (["--create"], 2, ["--create needs the name"]),
        (["--destdir=/x", "--create", "out"], 2, ["--create: cannot be combined with --destdir"]),
        (["--uninstall", "--create", "out"], 2, ["cannot be combined"]),
    ],
)
def test_refusals(
    bare: InstallHost, shell: str, arguments: list[str], status: int, words: list[str]
) -> None:
    before = tree(bare, times=True)
    done = bare.install(*arguments, shell=shell, check=False)
    assert done.returncode == status, done
    for word in words:
        assert word in done.stderr
    assert "remedy: " in done.stderr
    assert tree(bare, times=True) == before


@pytest.mark.parametrize("shell", SHELLS)
def test_help(bare: InstallHost, shell: str) -> None:
    said = bare.install("--help", shell=shell)
    assert said.stderr == ""
    for option in (
        "--prefix",
        "--destdir",
        "--yes",
        "--no-deps",
        "--uninstall",
        "--create",
        "--help",
    ):
        assert option in said.stdout


def test_an_ordinary_user_is_told_what_to_type(bare: InstallHost) -> None:
    done = bare.install("--yes", "--prefix=/opt/it's", user="alice", check=False)
    assert done.returncode == 3
    assert "/opt: no permission to write" in done.stderr
    assert r"type: sudo ./install.sh --yes '--prefix=/opt/it'\''s'" in done.stderr


def test_an_interpreter_that_will_not_do(bare: InstallHost) -> None:
    done = bare.install("--no-deps", env={"PYTHON": "/bin/false"}, check=False)
    assert done.returncode == 3
    assert "PYTHON=/bin/false: not Python 3.11" in done.stderr


def test_somebody_elses_postwrap_stays(bare: InstallHost) -> None:
    theirs = "/usr/local/sbin/postwrap"
    for content in ("file", "link"):
        bare.run("mkdir", "-p", "/usr/local/sbin")
        bare.run(*(("touch", theirs) if content == "file" else ("ln", "-s", "nowhere", theirs)))
        done = bare.install("--yes", check=False)
        assert done.returncode == 3
        assert f"{theirs}: exists and was not installed by install.sh" in done.stderr
        bare.run("rm", theirs)


def test_a_checkout_with_a_part_missing(bare: InstallHost) -> None:
    bare.run("mv", f"{SOURCE}/wrappers", f"{SOURCE}/away")
    try:
        done = bare.install("--yes", check=False)
    finally:
        bare.run("mv", f"{SOURCE}/away", f"{SOURCE}/wrappers")
    assert done.returncode == 3
    assert f"{SOURCE}/wrappers: is missing" in done.stderr


@pytest.mark.parametrize("answer", ["n", "", "what?"])
def test_it_asks_and_takes_no_for_an_answer(bare: InstallHost, answer: str) -> None:
    before = tree(bare, times=True)
    terminal, end = pty.openpty()
    asked = bare.popen("./install.sh", cwd=SOURCE, stdin=end)
    os.write(terminal, f"{answer}\n".encode())
    said, errors = (stream.decode() for stream in asked.communicate(timeout=60))
    os.close(end)
    os.close(terminal)
    assert asked.returncode == 3
    assert f"{PACKAGES}\nDo that now? [y/N]" in said
    assert "was not installed" in errors
    assert tree(bare, times=True) == before
