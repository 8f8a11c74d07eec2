"""Messages between two file systems: a kill at each call of the kernel, and the next run.

The file systems are directories between which rename(2) is made to fail as between two; the kill
is a real SIGKILL, just before or just after the call.
"""

from __future__ import annotations

import errno
import os
import signal
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from postwrap.below import Below
from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem
from postwrap.postfix import Postfix
from postwrap.provision.engine import requeue as door
from postwrap.provision.engine.handover import QueuePair, stages
from postwrap.provision.engine.queue_files import QUEUES, QueueTarget, messages
from postwrap.provision.engine.settling import OLD_STAGE, settle, settle_old
from postwrap.provision.engine.steps import Requeue

CALLS = ("open", "rename", "mkdir", "rmdir", "unlink", "symlink", "fsync", "fchmod")
BODY = b"precious" * 1000
HASHED = frozenset({"deferred", "defer"})


def lay(top: Path) -> Path:
    for queue in (*QUEUES, "bounce", "defer", "trace"):
        (top / queue).mkdir(parents=True, mode=0o700)
    return top


def put(queue_directory: Path, queue: str, body: bytes = BODY) -> str:
    """Put a message, called as Postfix calls it, into a queue; return its name."""
    made = queue_directory / "made"
    made.write_bytes(body)
    made.chmod(0o700)
    name = f"9385A{made.stat().st_ino:X}"
    folder = queue_directory / queue
    if queue == "deferred":
        folder = folder / "9"
        folder.mkdir(exist_ok=True)
        (queue_directory / "defer/9").mkdir(exist_ok=True)
        (queue_directory / "defer/9" / name).write_text(name)
    made.rename(folder / name)
    return name


def pair(giver: Path, taker: Path) -> QueuePair:
    return QueuePair(Below(giver), Below(taker), QueueTarget(str(taker), HASHED, 1))


def apart(real: Any) -> Any:
    """The kernel's rename where each queue directory is a file system of its own."""

    def rename(*args: Any, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> Any:
        if src_dir_fd is None:  # of the tests' own
            return real(*args)
        tops = [os.readlink(f"/proc/self/fd/{fd}") for fd in (src_dir_fd, dst_dir_fd)]  # noqa: PTH115
        names = {top.partition("/fs-")[2].partition("/")[0] for top in tops}
        if len(names) > 1:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return real(*args, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    return rename


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """Two that give and one that takes."""
    monkeypatch.setattr(os, "rename", apart(os.rename))
    out, two, taker = (lay(tmp_path / f"fs-{name}") for name in ("out", "two", "taker"))
    return out, two, taker


def killed(work: Any, number: int, *, after: bool) -> bool:
    """Do `work` in a process that is killed at its call `number`; whether it came so far."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL)
        return status != 0
    count, opened = 0, os.open

    def counted(real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal count
            if real is opened and not args[1] & os.O_CREAT:
                return real(*args, **options)
            count += 1
            if count == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*args, **options)
            finally:
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def leave_half_way(giver: Path, taker: Path) -> str:
    """Be killed when the original has left its queue and the copy waits; return its name."""
    name = put(giver, "incoming")
    for number in range(1, 100):
        killed(partial(hand_over, pair(giver, taker)), number, after=True)
        staged = f".postwrap-*/incoming,{name}"
        if list(giver.glob(staged)) and list(taker.glob(staged)):
            return name
    raise AssertionError("it was never half way")


def hand_over(way: QueuePair) -> list[str]:
    told: list[str] = []
    settle(way, told.append)
    settle_old(way, told.append)
    way.hand_over(messages(Filesystem(), str(way.giver.top)))
    return told


def bodies(queue_directory: Path) -> list[bytes]:
    """What the messages in the queues hold, and none that is called as another file is."""
    found = messages(Filesystem(), str(queue_directory))
    for message in found:
        inode = (queue_directory / message.path).stat().st_ino
        assert message.name == f"9385A{inode:X}"
    return sorted((queue_directory / message.path).read_bytes() for message in found)


def test_two_that_give_to_one_and_a_kill_at_each_call(
    three: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """What the other one does meanwhile leaves alone what the first has left half way."""
    number, came_so_far = 0, True
    while came_so_far:
        number += 1
        out, two, taker = (lay(tmp_path / f"{number}/fs-{name}") for name in "ots")
        given = ("deferred", "active")
        for queue in given:
            put(out, queue, queue.encode() + BODY)
        put(two, "incoming", b"other")
        came_so_far = killed(partial(hand_over, pair(out, taker)), number, after=bool(number % 2))
        hand_over(pair(two, taker))
        told = hand_over(pair(out, taker))
        wanted = sorted([b"other", *(queue.encode() + BODY for queue in given)])
        assert bodies(taker) == wanted, number
        assert bodies(out) == bodies(two) == [], number
        assert told == []
        for top in (out, taker):
            assert not list(top.glob(".postwrap*/[!t]*")), number
        # The taking queue knows of its recipients.
        deferred = [path.name for path in taker.glob("deferred/9/*")]
        assert {path.name for path in taker.glob("defer/9/*")} >= set(deferred)
    assert number > 60
    assert not list(taker.glob(".postwrap*"))
    assert not list(out.glob(".postwrap*"))


def test_each_step_is_on_the_disk_before_the_next(
    three: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, _, taker = three
    put(out, "incoming")
    done: list[str] = []

    def place(fd: int) -> str:
        path = os.readlink(f"/proc/self/fd/{fd}").partition("/fs-")[2]  # noqa: PTH115
        top, _, rest = path.partition("/")
        part = "stage" if rest.startswith(".postwrap-") else rest or "top"
        return f"{top}:{part.partition('/')[0]}"

    real = {name: getattr(os, name) for name in ("fsync", "rename", "unlink", "rmdir")}

    def rename(*args: Any, src_dir_fd: int, dst_dir_fd: int) -> None:
        real["rename"](*args, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        done.append(f"rename {place(src_dir_fd)} {place(dst_dir_fd)}")

    def fsync(fd: int) -> None:
        done.append(f"sync {place(fd)}")
        real["fsync"](fd)

    def unlink(name: str, *, dir_fd: int) -> None:
        done.append(f"unlink {place(dir_fd)}")
        real["unlink"](name, dir_fd=dir_fd)

    for name, call in {"rename": rename, "fsync": fsync, "unlink": unlink}.items():
        monkeypatch.setattr(os, name, call)
    pair(out, taker).hand_over(messages(Filesystem(), str(out)))
    leaves = done.index("rename out:incoming out:stage")
    enters = done.index("rename taker:stage taker:incoming")
    goes = done.index("unlink out:stage")
    assert done[:leaves].count("sync taker:stage") >= 2  # the file, and its name
    assert "sync taker:top" in done[:leaves]
    assert {"sync out:stage", "sync out:incoming"} <= set(done[leaves:enters])
    assert {"sync taker:stage", "sync taker:incoming"} <= set(done[enters:goes])


def test_what_is_renamed_is_on_the_disk_before_the_giver_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, taker = lay(tmp_path / "fs-out"), lay(tmp_path / "fs-taker")
    put(out, "deferred")
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))  # noqa: PTH115
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    pair(out, taker).hand_over(messages(Filesystem(), str(out)))
    assert {f"{taker}/{part}" for part in ("deferred/9", "deferred", "defer/9", "defer")} <= set(
        synced
    )


def test_a_stage_that_others_cannot_enter(three: tuple[Path, Path, Path]) -> None:
    out, _, taker = three
    put(out, "incoming")
    stage_modes: list[int] = []
    way = pair(out, taker)
    real = Below.copy

    def copy(self: Below, path: str, other: Below, place: str) -> None:
        stage = other.top / place.partition("/")[0]
        stage_modes.append(stage.stat().st_mode & 0o7777)
        real(self, path, other, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Below, "copy", copy)
        old = os.umask(0)
        try:
            way.hand_over(messages(Filesystem(), str(out)))
        finally:
            os.umask(old)
    assert stage_modes == [0o700]


def test_what_goes_to_another_queue_is_not_forgotten(three: tuple[Path, Path, Path]) -> None:
    """Killed on the way to one, then handed to another: the command says whose it was."""
    out, two, taker = three
    leave_half_way(out, taker)
    (stage,) = [s for s in stages(Below(out)) if list((out / s).glob("incoming,*"))]
    postfix = FakePostfix(two)
    with pytest.raises(RefusedError, match="on their way to") as error:
        door.requeue(Filesystem(), postfix, Requeue(str(out), "/two"), print)
    assert str(taker) in error.value.hint
    with pytest.raises(RefusedError, match="mail has come in"):
        door.requeue(Filesystem(), postfix, Requeue(str(out)), print)
    assert list((out / stage).glob("incoming,*"))
    hand_over(pair(out, taker))
    assert bodies(taker) == [BODY]


class FakePostfix(Postfix):
    """Knows where a queue is; no Postfix is asked for more than that."""

    def __init__(self, queue_directory: Path) -> None:
        self.queue_directory = queue_directory

    def parameters(self, names: Any, directory: str | None = None) -> dict[str, str]:
        return {
            "queue_directory": str(self.queue_directory),
            "hash_queue_names": "deferred, defer",
            "hash_queue_depth": "1",
        }


def test_a_stage_that_was_lost_with_its_file_system(three: tuple[Path, Path, Path]) -> None:
    out, _, taker = three
    name = leave_half_way(out, taker)
    for stage in taker.glob(".postwrap-*"):
        for copy in stage.iterdir():
            copy.unlink()
        stage.rmdir()
    assert hand_over(pair(out, taker)) == []
    assert bodies(taker) == [BODY]
    assert not (out / f"incoming/{name}").exists()


# -- what postwrap 0.1 left, in the stage that all who gave had in common


def old_stages(giver: Path, taker: Path) -> tuple[Path, Path]:
    for top in (giver, taker):
        (top / OLD_STAGE).mkdir(exist_ok=True)
    return giver / OLD_STAGE, taker / OLD_STAGE


def test_what_an_older_version_left(three: tuple[Path, Path, Path]) -> None:
    out, two, taker = three
    originals, copies = old_stages(out, taker)
    # One was copied and had left its queue; of one a part was copied; one is the other queue's.
    left = put(out, "incoming", b"left")
    (copies / f"incoming,{left}").write_bytes(b"left")
    (out / f"incoming/{left}").rename(originals / f"incoming,{left}")
    begun = put(out, "deferred", b"begun, not ended")
    (copies / f"deferred,{begun}").write_bytes(b"begun")
    others = put(two, "incoming", b"others")
    old_stages(two, taker)
    (copies / f"incoming,{others}").write_bytes(b"others")
    (two / f"incoming/{others}").rename(two / OLD_STAGE / f"incoming,{others}")
    for path in copies.iterdir():
        path.chmod(0o700)
    (told,) = hand_over(pair(out, taker))
    assert f"incoming,{others}: the original of this copy" in told
    assert bodies(taker) == [b"begun, not ended", b"left"]
    assert [path.name for path in copies.iterdir()] == [f"incoming,{others}"]
    assert hand_over(pair(two, taker)) == []
    assert bodies(taker) == [b"begun, not ended", b"left", b"others"]
    assert not copies.exists()


def test_a_namesake_of_another_queue_stays(three: tuple[Path, Path, Path]) -> None:
    """Two file systems may have files of one name: what is in them decides."""
    out, _, taker = three
    _, copies = old_stages(out, taker)
    name = put(out, "incoming", b"mine")
    (copies / f"incoming,{name}").write_bytes(b"another's")
    (copies / f"incoming,{name}").chmod(0o700)
    assert len(hand_over(pair(out, taker))) == 1
    assert (copies / f"incoming,{name}").read_bytes() == b"another's"
    assert bodies(taker) == [b"mine"]


# -- looking


def test_a_message_that_moves_while_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves the queue that comes next for one that has been passed."""
    top = lay(tmp_path / "fs-out")
    name = put(top, "hold")
    real, moved = Below.files, False

    def files(self: Below, directory: str) -> Any:
        nonlocal moved
        if directory == "hold" and not moved:
            moved = True
            (top / "hold" / name).rename(top / "active" / name)
        return real(self, directory)

    monkeypatch.setattr(Below, "files", files)
    assert [m.queue for m in messages(Filesystem(), str(top))] == ["active"]
