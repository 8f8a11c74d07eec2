"""The workflows for GitHub: by their schema, by a linter for security, and by what they call."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]
from tests.harness.paths import CHECKOUT

FOLDER = CHECKOUT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
USES = re.compile(r"uses: (?P<action>\S+)@(?P<commit>\S+) # v\d")


def linter(name: str, *words: str) -> str:
    """What a linter of the virtual environment says; nothing where it fails nothing."""
    argv = [str(Path(sys.executable).with_name(name)), *words]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=CHECKOUT)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
        ("check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout"),
        ("zizmor", "--offline", "--pedantic", "--quiet"),
    ],
    ids=" ".join,
)
def test_linters_have_nothing_to_say(command: tuple[str, ...]) -> None:
    assert len(WORKFLOWS) == 2
    assert linter(*command, *map(str, WORKFLOWS)) == ""


def test_linters_can_say_something(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    text = (FOLDER / "ci.yml").read_text()
    bad.write_text(text.replace("persist-credentials: false", "fetch-tags: true"))
    assert "artipacked" in linter("zizmor", "--offline", str(bad))
    bad.write_text(text.replace("runs-on:", "run-on:"))
    schema = ("--builtin-schema", "vendor.github-workflows")
    assert "run-on" in linter("check-jsonschema", *schema, str(bad))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.name))
def test_actions_are_pinned_and_files_are_there(path: Path) -> None:
    text = path.read_text()
    pinned = [match["commit"] for match in USES.finditer(text)]
    assert len(pinned) == text.count("uses: ")
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in pinned)
    jobs = yaml.safe_load(text)["jobs"].values()
    steps = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    called = {word for run in steps for word in re.findall(r"(?:packaging|\.ci)/[a-z]+", run)}
    assert called
    assert all((CHECKOUT / name).is_file() for name in called)


def test_both_install_the_same_to_build_a_release() -> None:
    wanted = re.compile(r" debhelper [^-]*?dh-python.*?rpm$", re.MULTILINE | re.DOTALL)
    ci, release = (wanted.findall(path.read_text()) for path in WORKFLOWS)
    assert ci
    assert ci == release
