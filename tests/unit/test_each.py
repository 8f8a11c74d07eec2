"""One command for several instances: arguments, streams, statuses and signals, on real programs."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.machine import wait_for
from tests.harness.paths import CHECKOUT

from postwrap.each.feed import StandardInput
from postwrap.each.run import CommandLine, Results, run_each

MARKED = frozenset({1, 2})


@dataclass(frozen=True)
class Said:
    results: Results
    stdout: bytes
    stderr: bytes


def running(
    commands: Sequence[CommandLine],
    stdin: bytes = b"",
    *,
    at_once: int = 1,
    marked: frozenset[int] = frozenset(),
) -> Said:
    """Run the commands with this standard input, and return what came out."""
    with (
        tempfile.TemporaryFile() as source,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        source.write(stdin)
        source.seek(0)
        files = (source, out, err)
        results = with_streams(
            [file.fileno() for file in files],
            lambda: run_each(commands, StandardInput(), at_once=at_once, marked=marked),
        )
        for file in files:
            file.seek(0)
        return Said(results, out.read(), err.read())


def with_streams(descriptors: Sequence[int], do: Callable[[], Results]) -> Results:
    kept = [os.dup(number) for number in range(3)]
    sys.stdout.flush()
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        return do()
    finally:
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


def shell(name: str, script: str, *arguments: str) -> CommandLine:
    return CommandLine(
        name, ("sh", "-c", script, "sh", *arguments), {"MAIL_CONFIG": f"/etc/{name}"}
    )


ARGUMENTS = st.lists(
    st.binary(max_size=12).filter(lambda text: b"\0" not in text).map(os.fsdecode), max_size=5
)
ENDS = st.one_of(
    st.integers(0, 255), st.sampled_from(["TERM", "KILL", "HUP", "USR1", "SEGV", "PIPE"])
)


def expected(end: int | str) -> int:
    return end if isinstance(end, int) else 128 + signal.Signals[f"SIG{end}"]


@given(
    ARGUMENTS,
    st.lists(ENDS, min_size=1, max_size=4),
    st.binary(max_size=300),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_arguments_input_and_statuses(
    arguments: list[str], ends: list[int | str], stdin: bytes, at_once: int
) -> None:
    """Each gets all bytes of the arguments and of standard input; each status is its own."""
    script = 'printf "%s " "$MAIL_CONFIG"; printf "[%s]" "$@"; cat; echo; '
    commands = [
        shell(f"i{n}", script + (f"exit {end}" if isinstance(end, int) else f"kill -{end} $$"),
              *arguments)
        for n, end in enumerate(ends)
    ]  # fmt: skip
    said = running(commands, stdin, at_once=at_once)
    words = b"".join(b"[%s]" % os.fsencode(word) for word in arguments) or b"[]"
    assert said.stdout == b"".join(
        b"/etc/i%d %s%s\n" % (n, words, stdin) for n, _ in enumerate(ends)
    )
    assert said.stderr == b""
    assert said.results.statuses == tuple(map(expected, ends))
    assert said.results.worst == max(map(expected, ends))


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_large_input_reaches_all(at_once: int) -> None:
    stdin = os.urandom(3_000_000)
    commands = [
        shell("none", "exit 3"),
        shell("first", "head -c 5"),
        shell("all", "cat"),
        shell("late", "sleep 0.1; tail -c 7"),
    ]
    said = running(commands, stdin, at_once=at_once)
    assert said.stdout == stdin[:5] + stdin + stdin[-7:]
    assert said.results.statuses == (3, 0, 0, 0)


def test_an_input_that_never_ends() -> None:
    """Only who reads it waits for it."""
    reader, writer = os.pipe()
    with Path(os.devnull).open("wb") as null:
        os.write(writer, b"one\ntwo\n")
        results = with_streams(
            [reader, null.fileno(), null.fileno()],
            lambda: run_each(
                [shell("a", "read x; [ $x = one ]"), shell("b", "true"), shell("c", "read x")],
                StandardInput(),
            ),
        )
    os.close(reader)
    os.close(writer)
    assert results.statuses == (0, 0, 0)


def test_closed_streams() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&-', "sh", sys.executable, "-c", CLOSED],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "generator")},
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, b"", b"")


CLOSED = """
import sys
from postwrap.each.feed import StandardInput
from postwrap.each.run import CommandLine, run_each
sys.exit(run_each([CommandLine("a", ("sh", "-c", "cat; exit 4"))], StandardInput()).worst)
"""


@pytest.mark.parametrize("at_once", [1, 2])
def test_lines_are_marked(at_once: int) -> None:
    commands = [
        shell("out", "echo 1; echo 2 >&2; sleep 0.1; printf 3"),
        shell("default", "echo 4; printf 5 >&2"),
        shell("in", "true"),
        shell("last", "printf '\\377\\n\\n'"),
    ]
    said = running(commands, at_once=at_once, marked=MARKED)
    assert said.stdout == (b"out     | 1\nout     | 3\ndefault | 4\nlast    | \xff\nlast    | \n")
    assert said.stderr == b"out     | 2\ndefault | 5\n"


def test_the_output_of_those_at_once_comes_in_order() -> None:
    commands = [
        shell("slow", "sleep 0.3; echo slow"),
        shell("long", "head -c 2000000 /dev/zero"),
        shell("quick", "echo quick; echo wrong >&2"),
    ]
    began = time.monotonic()
    said = running(commands, at_once=3)
    assert time.monotonic() - began < 10
    assert said.stdout == b"slow\n" + bytes(2_000_000) + b"quick\n"
    assert said.stderr == b"wrong\n"


def test_what_is_left_running_is_not_awaited() -> None:
    began = time.monotonic()
    said = running([shell("a", "sleep 20 & echo started")], marked=MARKED)
    assert time.monotonic() - began < 10
    assert said.stdout == b"a | started\n"


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo $1\n")
    script.chmod(0o755)
    missing = tmp_path / "missing"
    commands = [CommandLine("a", (str(path), "x")) for path in (missing, script)]
    said = running([*commands, shell("b", "echo y")])
    assert said.results.statuses == (126, 0, 0)
    assert said.stdout == b"x\ny\n", "a script without an interpreter is one of sh(1)"
    assert said.stderr == f"postwrap: {missing}: No such file or directory\n".encode()


def test_what_a_command_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's directory and umask, and no search path of his."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TZ", "/etc/shadow")
    monkeypatch.setenv("TERM", "vt100")
    former = os.umask(0o027)
    try:
        said = running([shell("a", 'pwd; umask; echo "${TZ-none} $TERM $PATH"')])
    finally:
        os.umask(former)
    where, mask, (zone, terminal, path) = (
        *said.stdout.decode().splitlines()[:2],
        said.stdout.decode().splitlines()[2].split(),
    )
    assert (where, int(mask, 8), zone, terminal) == (str(tmp_path), 0o027, "none", "vt100")
    assert str(tmp_path) not in path


DRIVER = """
import sys
from postwrap.each.feed import StandardInput
from postwrap.each.run import CommandLine, run_each
script = 'trap "echo got; exit 5" TERM INT HUP; echo ready; while :; do sleep 0.05; done'
commands = [CommandLine(n, ("sh", "-c", script)) for n in ("a", "b")]
sys.exit(run_each(commands, StandardInput(), at_once=int(sys.argv[1])).worst)
"""


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_are_passed_on(number: signal.Signals, at_once: int) -> None:
    """Those that run get it, no more is started, and the status tells of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(at_once)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "generator")},
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.send_signal(number)
    rest = process.stdout.read()
    assert process.wait(20) == 128 + number
    assert rest.count("got") == at_once


def test_a_reader_that_has_gone(tmp_path: Path) -> None:
    """head(1) after its line: no traceback, and nobody who writes stays behind."""
    script = f'{sys.executable} -c "$1" 2>&1 | head -n 1; exit 0'
    mark = f": {tmp_path};"
    driver = DRIVER.replace("echo ready;", mark).replace("sleep 0.05", "echo y; sleep 0.05")
    done = subprocess.run(
        ["sh", "-c", script, "sh", driver.replace("int(sys.argv[1])", "2")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "generator")},
        text=True,
        timeout=30,
    )
    assert done.stdout == "y\n"
    wait_for(lambda: not any(mark in line for line in command_lines()))


def command_lines() -> Iterator[str]:
    """Those of all processes that run."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield place.read_text(errors="replace")


@pytest.mark.parametrize(("at_once", "told"), [(1, b"yes\n"), (2, b"no\n")])
def test_a_terminal_is_read_by_one_alone(at_once: int, told: bytes) -> None:
    main, terminal = pty.openpty()
    command = shell("a", "if [ -t 0 ]; then echo yes; else echo no; fi")
    with tempfile.TemporaryFile() as out:
        with_streams(
            [terminal, out.fileno(), 2],
            lambda: run_each([command], StandardInput(), at_once=at_once),
        )
        out.seek(0)
        assert out.read() == told
    os.close(main)
    os.close(terminal)
