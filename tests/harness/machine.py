"""A machine whose commands run through nsenter and whose files are reached from outside."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.harness.need import find_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Argument = str | bytes
T = TypeVar("T")
Result = TypeVar("Result", "subprocess.CompletedProcess[str]", "subprocess.CompletedProcess[bytes]")

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


class CommandError(AssertionError):
    """A command in a machine failed; the message carries all that it said."""

    def __init__(self, result: subprocess.CompletedProcess[Any]) -> None:
        self.result = result
        super().__init__(
            f"{result.args!r} exited {result.returncode}\n"
            f"--- stdout\n{result.stdout}\n--- stderr\n{result.stderr}"
        )


class Machine:
    """Namespaces entered through the process `pid`, which the machine's own root is the root of."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.root = Path(f"/proc/{pid}/root")

    # -- commands

    def command(
        self,
        *argv: Argument,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> tuple[list[Argument], dict[str, str]]:
        """The outside's command line and environment that run argv inside."""
        home = self._home(user)
        enter: list[Argument] = [find_tool("nsenter") or "nsenter", f"--target={self.pid}", "--all"]
        enter += ["--root", f"--wd={self.path(cwd or home, follow=True)}", "--", "setpriv"]
        # When nsenter is killed (a timeout), what it runs must not stay behind.
        enter += ["--pdeathsig=KILL"]
        if user is not None:
            enter += [f"--reuid={user}", f"--regid={user}", "--init-groups"]
        name = user or "root"
        environment = {**ENVIRONMENT, "HOME": home, "USER": name, "LOGNAME": name, **(env or {})}
        return [*enter, "--", *argv], environment

    def run(
        self,
        *argv: Argument,
        user: str | None = None,
        input: str | None = None,  # noqa: A002 - subprocess.run's own word
        check: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return what it said; without `input`, stdin is empty."""
        done = self.run_bytes(
            *argv,
            user=user,
            input=None if input is None else input.encode("utf-8", "surrogateescape"),
            check=False,
            env=env,
            cwd=cwd,
            timeout=timeout,
        )
        result = subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode("utf-8", "surrogateescape"),
            done.stderr.decode("utf-8", "surrogateescape"),
        )
        return _checked(result, check)

    def run_bytes(
        self,
        *argv: Argument,
        user: str | None = None,
        input: bytes | None = None,  # noqa: A002 - subprocess.run's own word
        check: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[bytes]:
        """As run, with bytes in and out."""
        command, environment = self.command(*argv, user=user, env=env, cwd=cwd)
        result = subprocess.run(
            command, input=input or b"", capture_output=True, env=environment, timeout=timeout
        )
        # The caller's argv reads better in a failure than the way in.
        result.args = list(argv)
        return _checked(result, check)

    def sh(self, script: str, *args: Argument, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a shell script (sh -eu) inside; options as for run."""
        return self.run("sh", "-euc", script, "sh", *args, **options)

    def popen(
        self,
        *argv: Argument,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: Any = subprocess.DEVNULL,
        stdout: Any = subprocess.PIPE,
        stderr: Any = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a command inside; its streams are bytes. Killing it kills the command inside."""
        command, environment = self.command(*argv, user=user, env=env, cwd=cwd)
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=environment)

    def _home(self, user: str | None) -> str:
        if user is None:
            return "/root"
        for line in self.read("/etc/passwd").splitlines():
            fields = line.split(":")
            if fields[0] == user:
                return fields[5]
        raise LookupError(f"no user {user} in the machine")

    # -- files

    def path(self, path: str | Path, *, follow: bool = False) -> Path:
        """The outside's name of a file inside: links are followed inside, the last part on demand.

        Simply prefixing /proc/PID/root would follow an absolute link into the machine's own files.
        """
        parts = [part for part in Path(path).parts if part != "/"]
        inside, links = Path("/"), 0
        while parts:
            part = parts.pop(0)
            step = inside.parent if part == ".." else inside / part
            outer = Path(f"{self.root}{step}")
            if outer.is_symlink() and (parts or follow) and links < 40:
                links += 1
                target = outer.readlink()
                inside = Path("/") if target.is_absolute() else inside
                parts[:0] = [part for part in target.parts if part != "/"]
            else:
                inside = step
        return Path(f"{self.root}{inside}")

    def exists(self, path: str | Path) -> bool:
        """Whether the path leads to something (a dangling link does not)."""
        return self.path(path, follow=True).exists()

    def read(self, path: str | Path) -> str:
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def read_bytes(self, path: str | Path) -> bytes:
        return self.path(path, follow=True).read_bytes()

    def write(
        self, path: str | Path, text: str | bytes, mode: int = 0o644, owner: str | None = None
    ) -> Path:
        """Write a file and the directories above it; `owner` is a user of the machine."""
        target = self.path(path, follow=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(
            text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        )
        target.chmod(mode)
        if owner is not None:
            self.run("chown", owner, str(path))
        return target

    def remove(self, path: str | Path) -> None:
        """Remove a file, or a directory with all that is in it."""
        target = self.path(path)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    # -- time

    def wait_for(self, predicate: Callable[[], T], timeout: float = 20) -> T:
        """Ask again and again until the predicate gives something true, and return that."""
        return wait_for(predicate, timeout)


def wait_for(predicate: Callable[[], T], timeout: float = 20) -> T:
    """Ask again and again until the predicate gives something true, and return that."""
    end = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {predicate!r} last gave {value!r}")
        time.sleep(0.02)


def _checked(result: Result, check: bool) -> Result:
    if check and result.returncode != 0:
        raise CommandError(result)
    return result
