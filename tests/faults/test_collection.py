"""What Ansible's own linters say of the collection; `tests/run faults` runs them.

ansible-test makes a virtual environment for each of its tests, with packages of PyPI, and that
takes minutes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.harness.ansible import documented, environment_of, place_collection
from tests.harness.need import campaign

pytestmark = campaign("takes minutes")

# ansible-test fetches a script that installs pip, and not from PyPI. This does what it does.
BOOTSTRAP = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
words = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "pip", "install", *words], check=True)
"""


def interpreters(directory: Path) -> list[str]:
    """Put each Python that runs on this machine into `directory`, and return their names.

    What a version manager has on PATH may stand for a version that is not there; its versions are
    beside the one that runs the tests.
    """
    directory.mkdir()
    beside = Path(sys.base_prefix).parent
    for minor in range(8, 20):
        name = f"python3.{minor}"
        on_path = (Path(place) / name for place in os.environ.get("PATH", "").split(os.pathsep))
        for path in (*on_path, *beside.glob(f"3.{minor}.*/bin/{name}")):
            if path.exists() and (runs := _executable(path)):
                (directory / name).symlink_to(runs)
                break
    return sorted(path.name for path in directory.iterdir())


def _executable(path: Path) -> str:
    asked = (path, "-c", "import sys, ensurepip; print(sys.executable)")
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def settings_of_pip() -> str:
    """What pip is told on this machine, as a file: ansible-test hands on nothing else."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    pairs = dict(re.findall(r"^[^.\n]*\.([a-z-]+)='(.*)'$", told, re.MULTILINE))
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items())


def test_ansible_test_sanity(tmp_path: Path) -> None:
    place = place_collection(tmp_path, copied=True)
    home, made = tmp_path / "home", environment_of("ansible-core")
    given = {f".ansible/test/cache/get_pip_{v}.py": BOOTSTRAP for v in _versions_of_pip(made)}
    for name, text in {**given, ".config/pip/pip.conf": settings_of_pip()}.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    names = interpreters(tmp_path / "bin")
    done = subprocess.run(
        [made / "bin" / "ansible-test", "sanity", "--venv", "--color=no"],
        cwd=place,
        env={
            "PATH": f"{made}/bin:{tmp_path}/bin:/usr/bin:/bin",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    run = re.findall(
        r'^Running sanity test "(\S+)"(?: on Python (\S+))?', done.stdout, re.MULTILINE
    )
    print(f"{len({test for test, _ in run})} tests; imported by {', '.join(names)}")
    assert {"import", "pylint", "validate-modules", "yamllint"} <= {test for test, _ in run}
    imported = {version for test, version in run if test == "import"}
    assert imported
    assert imported <= {name.removeprefix("python") for name in names}
    assert "Skipping" not in done.stdout, re.findall("^.*Skipping.*$", done.stdout, re.MULTILINE)


def _versions_of_pip(made: Path) -> set[str]:
    """Which pip ansible-test wants, in the names of its files."""
    (file,) = made.glob("lib/*/site-packages/ansible_test/_internal/python_requirements.py")
    return {v.replace(".", "_") for v in re.findall(r"pip='([\d.]+)'", file.read_text())}


def test_ansible_lint(tmp_path: Path) -> None:
    """The production profile, of the document's playbooks too; nothing is fetched of Galaxy."""
    place = place_collection(tmp_path, copied=True)
    (place / "playbooks").mkdir()
    for name in ("site.yml", "rolling.yml"):
        (place / "playbooks" / name).write_text(f"---\n{documented(f'# {name}')}")
    made = environment_of("ansible-core", "ansible-lint")
    done = subprocess.run(
        [made / "bin" / "ansible-lint", "--offline", "--strict", "--profile=production"],
        cwd=place,
        env={
            "PATH": f"{made}/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "it passed" in done.stderr
    assert re.search(r"in [1-9]\d+ files processed", done.stderr), done.stderr
