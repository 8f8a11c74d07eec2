"""How programs are started: found in the system's directories, the same whoever calls."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.harness.paths import CHECKOUT

from postwrap import launch, programs


def test_where_programs_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, shared, linked = (tmp_path / name for name in ("own", "shared", "linked"))
    for directory in (own, shared):
        directory.mkdir(mode=0o755)
        (directory / f"tool-{directory.name}").write_text("#!/bin/sh\n")
        (directory / f"tool-{directory.name}").chmod(0o755)
    linked.symlink_to(shared)
    shared.chmod(0o775)
    places = f"{own}:{linked}:{tmp_path}/missing"
    monkeypatch.setattr(programs, "SEARCH_PATH", places)
    monkeypatch.setenv("PATH", str(shared))
    monkeypatch.setattr(programs, "is_roots_own", lambda place: place != str(linked))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert programs.find("tool-own") == f"{own}/tool-own"
    assert programs.find("tool-shared") == ""
    assert programs.find(f"{shared}/tool-shared") == f"{shared}/tool-shared"
    assert programs.find("shared/tool-shared") == ""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert programs.find("tool-shared") == f"{linked}/tool-shared"


def test_whose_a_directory_is(tmp_path: Path) -> None:
    assert programs.is_roots_own("/usr/bin")
    assert programs.is_roots_own("/usr/bin/not-there/yet")
    shared = tmp_path / "shared"
    (shared / "below").mkdir(parents=True)
    shared.chmod(0o777)
    (tmp_path / "link").symlink_to(shared / "below")
    assert not programs.is_roots_own(str(shared))
    assert not programs.is_roots_own(str(shared / "below"))
    assert not programs.is_roots_own(str(tmp_path / "link"))


@pytest.mark.parametrize(
    ("zone", "is_given"),
    [
        ("Europe/Berlin", True),
        ("CET-1CEST,M3.5.0,M10.5.0/3", True),
        ("<+0330>-3:30", True),
        ("/etc/shadow", False),
        (":/etc/shadow", False),
        ("../../../etc/shadow", False),
        ("", False),
    ],
)
def test_what_programs_get(zone: str, is_given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LD_PRELOAD", "BASH_ENV", "HOME", "POSTWRAP_ROOT", "MAIL_CONFIG"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("TZ", zone)
    done = programs.run(("sh", "-c", "pwd; umask; env"), environment={"MAIL_CONFIG": "/etc/x"})
    where, mask, *lines = done.stdout.splitlines()
    assert (where, int(mask, 8)) == ("/", 0o022)
    names = {line.partition("=")[0] for line in lines} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names == {"PATH", "LC_ALL", "MAIL_CONFIG"} | ({"TZ"} if is_given else set())
    assert "MAIL_CONFIG=/etc/x" in lines


def test_a_program_that_is_missing() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        programs.run(("no-such-program",))
    assert caught.value.filename == "no-such-program"


def test_postwrap_itself_keeps_what_it_obeys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is for the caller's own shell alone."""
    seen: list[object] = []
    monkeypatch.setattr("postwrap.cli.main", seen.append)
    for name in [*os.environ]:
        monkeypatch.delenv(name)
    given = {"OPENSSL_CONF": "/x", "PATH": "/x", "TMPDIR": "/x", "LC_ALL": "C", "TERM": "dumb"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    launch.main()
    assert dict(os.environ) == {"LC_ALL": "C", "TERM": "dumb"}
    assert seen == [given]


def test_no_other_module_starts_a_program() -> None:
    """programs does, and enter becomes the caller's own shell."""
    words = ("subprocess.run(", "subprocess.Popen(", "check_output(", "os.exec", "os.spawn")
    found = {
        file.name
        for file in (CHECKOUT / "generator").rglob("*.py")
        if any(word in file.read_text() for word in (*words, "os.system(", "os.popen("))
    }
    assert found == {"programs.py", "enter.py"}
    assert not [
        file.name
        for file in (CHECKOUT / "generator").rglob("*.py")
        if "sys.executable" in file.read_text()
    ]
