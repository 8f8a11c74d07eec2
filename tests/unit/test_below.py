"""Directories that another user can write are walked by descriptors: no link in them is followed.

The other user's part is played at the worst moment: he swaps just before a call of the kernel.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from postwrap.below import Below


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A directory outside, and a file in it, that nobody is to touch."""
    outside = tmp_path / "victim"
    outside.mkdir(mode=0o755)
    (outside / "secret").write_text("secret")
    return outside


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    made = tmp_path / "queue"
    (made / "deferred/A").mkdir(parents=True)
    (made / "incoming").mkdir(mode=0o700)
    return made


def swap_before(monkeypatch: pytest.MonkeyPatch, call: str, directory: Path, link: Path) -> None:
    """Before the next `call` on its last part, let a link stand for `directory`."""
    real = getattr(os, call)

    def swapped(path: Any, *args: Any, **options: Any) -> Any:
        if path == directory.name and directory.is_dir() and not directory.is_symlink():
            directory.rename(directory.with_name("moved"))
            directory.symlink_to(link)
        return real(path, *args, **options)

    monkeypatch.setattr(os, call, swapped)


def seen(directory: Path) -> list[tuple[str, int, int]]:
    """What a change in a directory would show in."""
    status = directory.stat()
    return [
        (str(status.st_mode), status.st_uid, status.st_ctime_ns),
        *((entry.name, entry.stat().st_uid, entry.stat().st_mode) for entry in directory.iterdir()),
    ]


def test_what_is_made_in_a_directory_that_is_swapped(
    queue: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(victim)
    (queue / "deferred/A").rmdir()
    swap_before(monkeypatch, "open", queue / "deferred/A", victim)
    with pytest.raises(NotADirectoryError, match="is a symbolic link"):
        Below(queue).make_parents("deferred/A/B/message", "incoming")
    assert (queue / "deferred/A").is_symlink()
    assert seen(victim) == before


@pytest.mark.parametrize("act", ["remove", "rename", "copy", "status", "names"])
def test_what_is_done_in_a_directory_that_is_swapped(
    act: str, queue: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(victim)
    below = Below(queue)
    (queue / "deferred/A/secret").write_text("mail")
    swap_before(monkeypatch, "open", queue / "deferred/A", victim)
    acts: dict[str, Any] = {
        "remove": lambda: below.remove("deferred/A/secret"),
        "rename": lambda: below.rename("deferred/A/secret", below, "incoming/secret"),
        "copy": lambda: below.copy("deferred/A/secret", below, "incoming/secret"),
        "status": lambda: below.status("deferred/A/secret"),
        "names": lambda: below.names("deferred/A"),
    }
    with pytest.raises(NotADirectoryError, match="deferred/A"):
        acts[act]()
    assert seen(victim) == before
    assert not list((queue / "incoming").iterdir())


def test_into_a_directory_that_is_swapped(
    queue: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(victim)
    below = Below(queue)
    (queue / "incoming/message").write_text("mail")
    swap_before(monkeypatch, "open", queue / "deferred/A", victim)
    for act in (below.rename, below.copy):
        with pytest.raises(NotADirectoryError):
            act("incoming/message", below, "deferred/A/message")
    assert seen(victim) == before
    assert (queue / "incoming/message").read_text() == "mail"


@pytest.mark.parametrize("kind", ["symbolic", "hard", "fifo"])
def test_what_is_no_file_of_the_queues_own_is_not_read(
    kind: str, queue: Path, victim: Path
) -> None:
    message = queue / "deferred/A/message"
    if kind == "symbolic":
        message.symlink_to(victim / "secret")
    elif kind == "hard":
        message.hardlink_to(victim / "secret")
    else:
        os.mkfifo(message)
    below = Below(queue)
    with pytest.raises(OSError, match="deferred/A/message"):
        below.copy("deferred/A/message", below, "incoming/message")
    assert not list((queue / "incoming").iterdir())


def test_a_copy_is_nobody_elses_until_it_is_whole(
    queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = queue / "deferred/A/message"
    message.write_bytes(b"mail" * 1_000_000)
    message.chmod(0o4744)
    os.utime(message, (1, 2))
    seen: list[tuple[str, int]] = []
    calls = ("fchown", "fchmod", "fsync", "utime")

    def watch(call: str, real: Any) -> Any:
        def watched(handle: int, *args: Any, **options: Any) -> Any:
            seen.append((call, stat.S_IMODE(os.fstat(handle).st_mode)))
            assert os.fstat(handle).st_size == 4_000_000
            return real(handle, *args, **options)

        return watched

    for call in calls:
        monkeypatch.setattr(os, call, watch(call, getattr(os, call)))
    old = os.umask(0)
    try:
        Below(queue).copy("deferred/A/message", Below(queue), "incoming/message")
    finally:
        os.umask(old)
    assert seen == [("utime", 0o600), ("fchown", 0o600), ("fchmod", 0o600), ("fsync", 0o744)]
    copied = queue / "incoming/message"
    assert copied.read_bytes() == message.read_bytes()
    assert (copied.stat().st_mtime, copied.stat().st_mode & 0o7777) == (2, 0o744)


def test_a_copy_never_takes_the_place_of_a_file(queue: Path) -> None:
    for name in ("deferred/A/message", "incoming/message"):
        (queue / name).write_text(name)
    with pytest.raises(FileExistsError):
        Below(queue).copy("deferred/A/message", Below(queue), "incoming/message")
    assert (queue / "incoming/message").read_text() == "incoming/message"


def test_files_that_vanish_while_they_are_listed(
    queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (queue / "deferred/A" / name).write_text(name)
    real = os.scandir

    def vanishing(handle: int) -> Any:
        entries = real(handle)
        names = list(entries)
        (queue / "deferred/A/b").unlink(missing_ok=True)
        return _Entries(names)

    monkeypatch.setattr(os, "scandir", vanishing)
    found = sorted(path for path, _ in Below(queue).files("deferred"))
    assert found == ["deferred/A/a", "deferred/A/c"]


class _Entries(list[Any]):
    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_hashed_directory_that_is_a_link_is_told(queue: Path, victim: Path) -> None:
    (queue / "deferred/B").symlink_to(victim)
    (queue / "deferred/message-like-link").symlink_to(victim / "secret")
    with pytest.raises(NotADirectoryError, match="deferred/B"):
        list(Below(queue).files("deferred"))


def test_directories_are_made_as_the_one_above(queue: Path) -> None:
    (queue / "deferred").chmod(0o750)
    old = os.umask(0o077)
    try:
        Below(queue).make_parents("deferred/C/D/message", "incoming")
        Below(queue).make_parents("hold/message", "incoming")
    finally:
        os.umask(old)
    modes = {
        path: stat.S_IMODE((queue / path).stat().st_mode)
        for path in ("deferred/C", "deferred/C/D", "hold")
    }
    assert modes == {"deferred/C": 0o750, "deferred/C/D": 0o750, "hold": 0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="chown takes root")
def test_a_directory_is_its_owners_from_the_start(
    queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is root's for a moment, and the rights to make it are the owner's."""
    os.chown(queue / "deferred", 1234, 1234)
    seen: list[int] = []
    real = os.open

    def watched(path: Any, *args: Any, **options: Any) -> int:
        if path == "C":
            with contextlib.suppress(FileNotFoundError):
                seen.append(os.stat("C", dir_fd=options["dir_fd"]).st_uid)
        return real(path, *args, **options)

    monkeypatch.setattr(os, "open", watched)
    Below(queue).make_parents("deferred/C/message", "incoming")
    made = (queue / "deferred/C").stat()
    assert (made.st_uid, made.st_gid, os.geteuid(), os.getegid()) == (1234, 1234, 0, 0)
    assert seen
    assert set(seen) == {1234}
