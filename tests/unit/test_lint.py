"""The linters, as tests: Python, and every hand-written shell file of the checkout."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from tests.harness.lint import lint_shell
from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT

FOLDERS = ("generator", "tests", "benchmarks", "docs", "packaging/releasing")
SHEBANG = re.compile(rb"#! ?(?:/usr/bin/env |/bin/|/usr/bin/)(sh|dash|bash)\b")


def tracked() -> list[str]:
    """The checkout's files: what git knows or would take; in an unpacked archive all."""
    if find_tool("git") is None or not (CHECKOUT / ".git").exists():
        found = (path.relative_to(CHECKOUT) for path in CHECKOUT.rglob("*") if path.is_file())
        # What the tests themselves make begins with a dot, as .venv does; so does .ci.
        own = (path for path in found if path.parts[0] == ".ci" or path.parts[0][0] != ".")
        return sorted(str(path) for path in own)
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in listed.stdout.split("\0") if (CHECKOUT / name).is_file())


def shell_files() -> list[tuple[str, str]]:
    """Hand-written shell files and their dialect; a template is linted as what it renders to."""
    found = []
    for name in tracked():
        content = (CHECKOUT / name).read_bytes()
        shebang = SHEBANG.match(content)
        if shebang and b"{{" not in content and b"{%" not in content:
            found.append((name, "bash" if shebang[1] == b"bash" else "sh"))
    return found


@pytest.mark.parametrize(("name", "dialect"), shell_files())
def test_shell(name: str, dialect: str) -> None:
    lint_shell(CHECKOUT / name, dialect=dialect)


@pytest.mark.parametrize(
    "command",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy", "--strict")],
    ids=" ".join,
)
def test_python(command: tuple[str, ...]) -> None:
    # mypy would need Ansible.
    ansible = ("packaging/ansible",) if command[0] == "ruff" else ()
    folders = [name for name in (*FOLDERS, *ansible) if (CHECKOUT / name).is_dir()]
    done = subprocess.run(
        [sys.executable, "-m", *command, *folders], cwd=CHECKOUT, capture_output=True, text=True
    )
    # mypy's notes list whole signatures.
    told = [line for line in done.stdout.splitlines() if ": note:" not in line]
    if done.returncode != 0:
        pytest.fail("\n".join([*told, done.stderr]), pytrace=False)
