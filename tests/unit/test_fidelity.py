"""A wrapper hands on all that it is given, and all that comes back, to the byte.

The wrapped programs are real ones; what arrives is read from the kernel (/proc/self).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.harness.need import find_tool, need_tool

from postwrap.host.naming import Instance
from postwrap.layout import system_layout
from postwrap.render.wrappers import Target, wrappers

CONFIG = b"/etc/postfix-out"
SHELLS = {"dash": "", "bash": "--posix", "busybox": "sh", "mksh": ""}
ADDED = {
    "dash": {b"PWD"},
    "bash": {b"PWD", b"SHLVL", b"_"},
    "busybox": {b"PWD", b"SHLVL", b"PATH"},
    "mksh": {b"PATH", b"_"},
}
"""What each shell may set where it is unset, as postwrap's manual says."""

OWN = {b"IFS": b" \t\n", b"OPTIND": b"1"}
"""Variables that are the shell's own (POSIX, sh): any value given for them is set back."""

REPORT_ARGUMENTS = "import sys; sys.stdout.buffer.write(open('/proc/self/cmdline', 'rb').read())"
ARGUMENTS = st.lists(
    st.binary(max_size=200).map(lambda text: text.replace(b"\0", b"\n")), max_size=20
)

Make = Callable[..., str]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Write the wrapper of a command line as it is where /bin/sh is a given shell."""
    directory = tmp_path_factory.mktemp("wrappers")

    def write(shell: str, *argv: str) -> str:
        need_tool(shell)
        target = Target("report", argv[0], argv)
        instance = Instance(CONFIG.decode(), f"-{len(list(directory.iterdir()))}")
        artifact = next(wrappers(instance, [target], system_layout("/usr/local")))
        shebang = f"#!{find_tool(shell)} {SHELLS[shell]}".rstrip()
        path = directory / Path(artifact.path).name
        path.write_bytes(artifact.content.replace(b"#!/bin/sh", shebang.encode(), 1))
        path.chmod(artifact.mode)
        return str(path)

    return write


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def reporters(make: Make) -> Mapping[str, str]:
    """For each shell a wrapper of a program that prints its arguments as the kernel has them."""
    report = (sys.executable, "-ISc", REPORT_ARGUMENTS)
    return {shell: make(shell, *report) for shell in SHELLS}


@pytest.fixture(scope="session")
def environments(make: Make) -> Mapping[str, str]:
    """For each shell a wrapper of a program that prints its environment as the kernel has it."""
    return {shell: make(shell, "/bin/cat", "/proc/self/environ") for shell in SHELLS}


@settings(max_examples=60, deadline=None)
@given(arguments=ARGUMENTS, shell=st.sampled_from(sorted(SHELLS)))
@example(arguments=[b"", b"", b"-x", b"", b" "], shell="dash")
@example(arguments=[b"a" * 100_000, b"\n" * 100_000, b""], shell="dash")
@example(arguments=[b"\xff" * 100_000, b"$(id)", b"`id`", b"\\", b"'", b"*"], shell="mksh")
@example(arguments=[b"\x01\x7f\x80\x81\x82", b"\\n", b"--", b"-e"], shell="bash")
@example(arguments=[b"\x01\x7f\x80\x81\x82\x83\x88", b"\xc3\xa4"], shell="busybox")
def test_arguments(reporters: Mapping[str, str], arguments: list[bytes], shell: str) -> None:
    done = subprocess.run([reporters[shell].encode(), *arguments], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[3:-1] == arguments
    assert done.stderr == b""


def test_standard_input_of_ten_megabytes(make: Make, shell: str) -> None:
    data = os.urandom(10_000_000)
    done = subprocess.run([make(shell, "/bin/cat")], input=data, capture_output=True, check=True)
    assert done.stdout == data
    assert done.stderr == b""


def test_every_exit_status(make: Make, shell: str) -> None:
    wrapper = make(shell, "/bin/sh", "-c", 'exit "$0"')
    codes = [subprocess.run([wrapper, str(n)]).returncode for n in range(256)]
    assert codes == list(range(256))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_the_program_itself(make: Make, shell: str, number: signal.Signals) -> None:
    sleep = "import sys, time; print('ready', flush=True); time.sleep(60)"
    # Python turns INT into an exception; the program here leaves it as the kernel has it.
    plain = f"import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); {sleep}"
    wrapper = make(shell, sys.executable, "-ISc", plain)
    with subprocess.Popen([wrapper], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(10) == -number


def test_a_closed_pipe_ends_the_program(make: Make, shell: str) -> None:
    with subprocess.Popen([make(shell, "/usr/bin/yes")], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.read(4) == b"y\ny\n"
        process.stdout.close()
        assert process.wait(10) == -signal.SIGPIPE


def test_ignored_signals_stay_ignored(make: Make, shell: str) -> None:
    wrapper = make(shell, "/bin/grep", "Sig[BI]", "/proc/self/status")
    direct = ["/bin/grep", "Sig[BI]", "/proc/self/status"]
    for restore in (True, False):
        through, plainly = (
            subprocess.run(words, capture_output=True, check=True, restore_signals=restore).stdout
            for words in ([wrapper], direct)
        )
        assert through == plainly


def test_the_process_is_the_same(make: Make, shell: str) -> None:
    wrapper = make(shell, "/bin/sh", "-c", "echo $$")
    with subprocess.Popen([wrapper], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert int(process.stdout.read()) == process.pid


def environment_through(wrapper: str, environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    done = subprocess.run([wrapper], env=environment, capture_output=True, check=True)
    assert done.stderr == b""
    pairs = (line.partition(b"=") for line in done.stdout.split(b"\0") if line)
    return {name: value for name, _, value in pairs}


ENVIRONMENTS: list[dict[bytes, bytes]] = [
    {},
    {b"PATH": b"", b"HOME": b"/root"},
    {b"MAIL_CONFIG": b"/etc/postfix-elsewhere", b"PATH": b"/bin"},
    {b"IFS": b"/abc ", b"OPTIND": b"7", b"X": b"a\nb  'c' \xff\x01"},
    {b"ENV": b"/nonexistent", b"BASH_ENV": b"/nonexistent", b"CDPATH": b"/"},
    {b"TZ": b"UTC", b"LANG": b"C", b"LC_ALL": b"C.UTF-8", b"EMPTY": b""},
]


@pytest.mark.parametrize("given", ENVIRONMENTS)
def test_environment(make: Make, shell: str, given: dict[bytes, bytes]) -> None:
    found = environment_through(make(shell, "/bin/cat", "/proc/self/environ"), given)
    expected = given | {b"MAIL_CONFIG": CONFIG}
    expected |= {name: value for name, value in OWN.items() if name in given}
    extra = found.keys() - expected.keys()
    assert extra <= ADDED[shell]
    assert {name: value for name, value in found.items() if name not in extra} == expected


NAMES = st.from_regex(rb"X_[A-Za-z0-9_]{0,12}", fullmatch=True)
VALUES = st.binary(max_size=60).map(lambda text: text.replace(b"\0", b"\xff"))


@settings(max_examples=40, deadline=None)
@given(given=st.dictionaries(NAMES, VALUES, max_size=12), shell=st.sampled_from(sorted(SHELLS)))
def test_any_environment(
    environments: Mapping[str, str], given: dict[bytes, bytes], shell: str
) -> None:
    found = environment_through(environments[shell], given)
    extra = found.keys() - given.keys()
    assert extra <= ADDED[shell] | {b"MAIL_CONFIG"}
    assert {name: found[name] for name in given} == given
    assert found[b"MAIL_CONFIG"] == CONFIG


def test_names_that_are_no_identifiers(make: Make, shell: str) -> None:
    """bash alone hands them on, as the manual says."""
    given = {b"a.b": b"1", b"A-B": b"2", b"GOOD": b"3"}
    found = environment_through(make(shell, "/bin/cat", "/proc/self/environ"), given)
    assert found[b"GOOD"] == b"3"
    odd = {b"a.b", b"A-B"}
    assert found.keys() & odd == (odd if shell == "bash" else set())


def test_current_directory_gone(make: Make, shell: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    wrapper = make(shell, "/bin/echo", "still here")
    script = 'cd "$1"; rmdir "$1"; unset PWD; exec "$2"'
    done = subprocess.run(["sh", "-c", script, "sh", gone, wrapper], capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"still here\n")
    complaints = [line for line in done.stderr.splitlines() if b"getcwd" not in line]
    assert complaints == []


def test_a_command_that_is_gone_is_named(make: Make, shell: str) -> None:
    done = subprocess.run([make(shell, "/nonexistent/mailq")], capture_output=True)
    assert done.returncode in {126, 127}
    assert b"/nonexistent/mailq" in done.stderr
