"""Native wrappers: what they are made of, and that nothing on its way through them changes."""

from __future__ import annotations

import os
import platform
import random
import signal
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.harness.need import find_tool, need, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.spawn import output_of

from postwrap.host.naming import Instance
from postwrap.layout import system_layout
from postwrap.render.native import machine_of, native
from postwrap.render.wrappers import Target, wrappers

DIRECTORY = "/etc/postfix-out"
SET = b"MAIL_CONFIG=/etc/postfix-out"
CODE = CHECKOUT / "wrappers" / "native"
MACHINES = ("aarch64", "x86_64")
RUNS = int(os.environ.get("POSTWRAP_NATIVE_RUNS", "3000"))
"""How many random command lines are tried; a long campaign tries a million."""


def need_x86_64() -> None:
    need(platform.machine() == "x86_64", "these tests run the wrapper for x86_64 itself")


def write(path: Path, machine: str, *argv: str, directory: str = DIRECTORY) -> bytes:
    """Write the native wrapper of a command line; return its path."""
    path.write_bytes(native(machine, directory, argv, b"#!/bin/sh\n"))
    path.chmod(0o755)
    return os.fsencode(path)


def runner(machine: str) -> list[str]:
    """What starts a program for a machine here: nothing, or an emulator."""
    if platform.machine() == machine:
        return []
    need_tool(f"qemu-{machine}")
    return [find_tool(f"qemu-{machine}") or ""]


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that writes its arguments and environment as the kernel has laid them out."""
    need_x86_64()
    need_tool("as", "ld")
    made = tmp_path_factory.mktemp("report") / "report"
    source = Path(__file__).parent / "native" / "report.S"
    subprocess.run(["as", "-o", f"{made}.o", source], check=True)
    subprocess.run(["ld", "-o", made, f"{made}.o"], check=True)
    return str(made)


@pytest.fixture(scope="session")
def wrapper(report: str) -> bytes:
    return write(Path(f"{report}-out"), "x86_64", report)


@pytest.fixture(scope="session")
def flagged(report: str) -> bytes:
    return write(Path(f"{report}-flagged"), "x86_64", report, "-bp")


def expected(head: Sequence[bytes], arguments: Sequence[bytes], given: Sequence[bytes]) -> bytes:
    """What the wrapped program is to get, with the environment in its order."""
    kept: list[bytes] = []
    for entry in given:
        if not entry.startswith(b"MAIL_CONFIG="):
            kept.append(entry)
        elif SET not in kept:
            kept.append(SET)
    kept += [] if SET in kept else [SET]
    return b"".join(word + b"\0" for word in (*head, *arguments, *kept))


# -- what they are made of


@pytest.mark.parametrize("machine", MACHINES)
def test_the_code_is_made_of_its_source(machine: str, tmp_path: Path) -> None:
    for tool in ("as", "objcopy"):
        own = platform.machine() == machine
        need_tool(tool if own else f"{machine.replace('_', '-')}-linux-gnu-{tool}")
    subprocess.run([CODE / "build", tmp_path], check=True)
    assert (tmp_path / f"{machine}.bin").read_bytes() == (CODE / f"{machine}.bin").read_bytes()


@pytest.mark.parametrize("machine", MACHINES)
def test_nothing_is_writable_and_executable(machine: str) -> None:
    made = native(machine, DIRECTORY, ("/usr/sbin/postqueue",), b"")
    segments = [struct.unpack_from("<IIQQQQQQ", made, 64 + 56 * n) for n in (0, 1)]
    (kind, flags, *_, size, in_memory, _), (stack, stack_flags, *_) = segments
    assert (kind, flags) == (1, 5)  # PT_LOAD: read, execute
    assert (stack, stack_flags) == (0x6474E551, 6)  # PT_GNU_STACK: read, write
    assert size == in_memory == len(made)
    assert machine_of(made[:20]) == machine


@pytest.mark.parametrize("machine", MACHINES)
def test_it_carries_what_it_stands_for(machine: str) -> None:
    instance = Instance(DIRECTORY, "-out")
    target = Target("mailq", "/usr/bin/mailq", ("/usr/sbin/sendmail", "-bp"))
    layout = system_layout("/usr/local")
    script = next(wrappers(instance, [target], layout)).content
    made = next(wrappers(instance, [target], layout, machine=machine))
    assert script in made.content
    assert b"Regenerate: postwrap install" in made.content
    assert len(made.content) <= 2048
    assert made.mode == 0o755


def test_the_command_that_asks_systemd_stays_a_script() -> None:
    target = Target("postfix", "/usr/sbin/postfix", ("/usr/sbin/postfix",))
    found = wrappers(
        Instance(DIRECTORY, "-out"),
        [target],
        system_layout("/usr/local"),
        "postfix@-out.service",
        "x86_64",
    )
    assert next(found).content.startswith(b"#!/bin/sh\n")


@pytest.mark.parametrize(
    ("header", "machine"),
    [
        (b"", ""),
        (b"#!/usr/bin/perl -w\n\n\n\n\n", ""),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00", "x86_64"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00", "aarch64"),
        (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xf3\x00", ""),  # riscv64
        (b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00", ""),  # x32
        (b"\x7fELF\x02\x02\x01" + bytes(9) + b"\x00\x03\x00\xb7", ""),  # aarch64, big endian
        (b"\x7fELF\x02\x01", ""),
    ],
)
def test_the_machine_is_that_of_the_wrapped_program(header: bytes, machine: str) -> None:
    assert machine_of(header) == machine


# -- what goes through


WORDS = st.lists(st.binary(max_size=200).map(lambda text: text.replace(b"\0", b"\n")), max_size=20)
NAMES = st.sampled_from([b"MAIL_CONFIG", b"MAIL_CONFI", b"MAIL_CONFIGS", b"MAIL_CON", b"A", b""])
ENTRIES = st.one_of(
    st.binary(max_size=40).map(lambda text: text.replace(b"\0", b"=")),
    st.tuples(NAMES, st.sampled_from([b"", b"=", b"=/etc/postfix-in"])).map(b"".join),
)


@settings(max_examples=300, deadline=None)
@given(arguments=WORDS, given=st.lists(ENTRIES, max_size=12))
@example(arguments=[b"a" * 100_000, b"", b"\xff"], given=[])
@example(arguments=[], given=[b"MAIL_CONFIG=a", b"X", b"MAIL_CONFIG=b", b"MAIL_CONFIG", b""])
@example(arguments=[], given=[b"N%d=%s" % (n, b"x" * 20) for n in range(5000)])
def test_arguments_and_environment(
    wrapper: bytes, flagged: bytes, report: str, arguments: list[bytes], given: list[bytes]
) -> None:
    program = report.encode()
    found = output_of(wrapper, [b"called", *arguments], given)
    assert found == expected([program], arguments, given)
    found = output_of(flagged, [b"called", *arguments], given)
    assert found == expected([program, b"-bp"], arguments, given)


def test_many_random_command_lines(wrapper: bytes, report: str) -> None:
    seed = int(os.environ.get("POSTWRAP_TEST_SEED", "0") or 0)
    chance = random.Random(seed)
    for _ in range(RUNS):
        arguments = [words(chance) for _ in range(chance.randrange(8))]
        environment = [entry(chance) for _ in range(chance.randrange(8))]
        found = output_of(wrapper, [b"called", *arguments], environment)
        assert found == expected([report.encode()], arguments, environment), seed


def words(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(30)).replace(b"\0", b"\1")


def entry(chance: random.Random) -> bytes:
    names = (b"MAIL_CONFIG=", b"MAIL_CONFIG", b"MAIL_CONFIGX=", b"MAIL_", b"PATH=", b"a.b=", b"")
    return chance.choice(names) + words(chance)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_machine_hands_on_environment_and_arguments(machine: str, tmp_path: Path) -> None:
    start = runner(machine)
    wrapper = os.fsdecode(write(tmp_path / "cat-out", machine, "/bin/cat", "/proc/self/environ"))
    for environment in ({}, {"MAIL_CONFIG": "/x", "A": "1"}, {"A": "1", "MAIL_CONFIGS": "2"}):
        done = subprocess.run([*start, wrapper], env=environment, capture_output=True, check=True)
        found = dict(line.split(b"=", 1) for line in done.stdout.split(b"\0") if line)
        assert found == {k.encode(): v.encode() for k, v in environment.items()} | {
            b"MAIL_CONFIG": DIRECTORY.encode()
        }
        assert done.stderr == b""
    wrapper = os.fsdecode(write(tmp_path / "echo-out", machine, "/bin/echo"))
    done = subprocess.run([*start, wrapper, "a", "", "b c"], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"a  b c\n", b"")


# -- what comes back


@pytest.fixture
def shell(tmp_path: Path) -> str:
    """The wrapper of ``sh -c``."""
    need_x86_64()
    return os.fsdecode(write(tmp_path / "sh-out", "x86_64", "/bin/sh", "-c"))


def test_every_exit_status(shell: str) -> None:
    codes = [subprocess.run([shell, f"exit {n}"]).returncode for n in range(256)]
    assert codes == list(range(256))


def test_the_process_and_its_signals_are_the_programs_own(shell: str) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
        with subprocess.Popen([shell, "echo $$; exec sleep 60"], stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert int(process.stdout.readline()) == process.pid
            process.send_signal(number)
            assert process.wait(10) == -number


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    need_x86_64()
    wrapper = write(tmp_path / "cat-out", "x86_64", "/bin/cat", "/proc/self/status")
    for restore in (True, False):
        through, plainly = (
            subprocess.run(words, capture_output=True, check=True, restore_signals=restore).stdout
            for words in ([wrapper], ["/bin/cat", "/proc/self/status"])
        )
        masks = [
            [line for line in status.splitlines() if line.startswith((b"SigB", b"SigI"))]
            for status in (through, plainly)
        ]
        assert masks[0] == masks[1] != []


def test_nothing_is_said_where_a_shell_would_complain(shell: str, tmp_path: Path) -> None:
    """The current directory gone, an unknown locale, standard streams closed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    true = os.fsdecode(write(tmp_path / "true-out", "x86_64", "/bin/true"))
    script = f'cd "{gone}" && rmdir "{gone}" && LC_ALL=xx_XX.none exec "$1"'
    done = subprocess.run(["sh", "-c", script, "sh", true], capture_output=True, check=True)
    assert done.stderr == b""
    closed = subprocess.run(["sh", "-c", f'exec "{true}" <&- >&- 2>&-'])
    assert closed.returncode == 0


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("missing", 127, b"not found"),
        ("below a file", 127, b"not found"),
        ("not executable", 126, b"Permission denied"),
        ("no program", 126, b"Exec format error"),
        ("a link to itself", 127, b"Too many levels of symbolic links"),
    ],
)
def test_a_command_that_cannot_be_started(
    machine: str, kind: str, status: int, said: bytes, tmp_path: Path
) -> None:
    start = runner(machine)
    command = tmp_path / "mailq"
    if kind == "a link to itself":
        command.symlink_to("mailq")
    elif kind != "missing":
        command.write_bytes(b"\x01\x02\x03\x04")
        command.chmod(0o755 if kind == "no program" else 0o644)
    path = f"{command}/mailq" if kind == "below a file" else str(command)
    wrapper = os.fsdecode(write(tmp_path / "mailq-out", machine, path))
    done = subprocess.run([*start, wrapper], capture_output=True)
    assert done.stderr == b"%s: %s: %s\n" % (wrapper.encode(), path.encode(), said)
    assert (done.returncode, done.stdout) == (status, b"")


def test_an_argument_list_that_is_too_long(tmp_path: Path) -> None:
    need_x86_64()
    directory = "/" + "d" * 140_000  # longer than one string of an environment may be
    wrapper = write(tmp_path / "true-out", "x86_64", "/bin/true", directory=directory)
    done = subprocess.run([wrapper], capture_output=True)
    assert done.returncode == 126
    assert done.stderr.endswith(b"/bin/true: Argument list too long\n")
