"""Linters for what is written by hand and for what postwrap generates."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from tests.harness.need import need_tool

# Who parses shell files: each is the /bin/sh of some system.
SHELLS = (("dash", "-n"), ("bash", "--posix", "-n"))


def lint_shell(script: Path | str, *, dialect: str = "sh", ignore: tuple[str, ...] = ()) -> None:
    """Shellcheck a script (a file, or its text) and let the shells that may run it parse it.

    `dialect` is sh or bash; `ignore` names shellcheck's checks.
    """
    text = script.read_text() if isinstance(script, Path) else script
    name = str(script) if isinstance(script, Path) else "generated script"
    shellcheck = Path(sys.executable).with_name("shellcheck")
    options = [f"--shell={dialect}", "--norc", *(f"--exclude={check}" for check in ignore)]
    _quiet([str(shellcheck), *options, "-"], text, name)
    for parser in SHELLS if dialect == "sh" else (("bash", "-n"),):
        need_tool(parser[0])
        _quiet([*parser, "/dev/stdin"], text, name)


def lint_roff(text: str, name: str = "generated page") -> None:
    """Mandoc finds nothing to warn of in a man page."""
    need_tool("mandoc")
    _quiet(["mandoc", "-T", "lint", "-W", "warning"], text, name)


def lint_units(units: dict[str, str]) -> None:
    """Let systemd-analyze verify units, given as names and texts; their programs may be missing."""
    need_tool("systemd-analyze")
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / name for name in units]
        for path in paths:
            path.write_text(units[path.name])
        _quiet(["systemd-analyze", "verify", "--man=no", *map(str, paths)], "", " ".join(units))


def _quiet(command: list[str], text: str, name: str) -> None:
    """The command, given the text, must say nothing and succeed."""
    done = subprocess.run(
        command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0 or done.stdout:
        said = f"{name}: {Path(command[0]).name} exits {done.returncode}\n{done.stdout}"
        pytest.fail(said, pytrace=False)
