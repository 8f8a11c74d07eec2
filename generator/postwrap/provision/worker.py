"""Doing one operation on the host: the door of this package."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from postwrap.bundle import Artifact
from postwrap.errors import PostwrapError
from postwrap.filesystem import MISSING, Filesystem, Kind
from postwrap.postfix import SEARCH_PATH, Postfix
from postwrap.provision import proof
from postwrap.provision.requeue import has_mail, requeue
from postwrap.provision.steps import (
    NO_SUCH_COMMAND,
    Operation,
    Prove,
    RemoveQueue,
    Rename,
    Requeue,
    Restore,
    Run,
    Write,
)


class OperationError(PostwrapError):
    """An operation failed; the message is what its program said."""


@dataclass
class Worker:
    """What operations are done with. ``told`` is called with what a person should know."""

    filesystem: Filesystem
    postfix: Postfix
    told: Callable[[str], None]

    def do(self, operation: Operation) -> None:
        """Do ``operation``. Raises OperationError or OSError."""
        match operation:
            case Run():
                self._run(operation)
            case Write():
                self._write(operation)
            case Rename():
                self._rename(operation)
            case Restore():
                self._restore(operation)
            case RemoveQueue():
                self._remove_queue(operation)
            case Prove():
                proof.prove(self.postfix, self.filesystem, operation)
            case Requeue():
                requeue(self.filesystem, self.postfix, operation, self.told)

    def _run(self, operation: Run) -> None:
        for argv in operation.commands:
            self._command(argv, operation.accept)

    def _command(self, argv: Sequence[str], accept: tuple[int, ...]) -> None:
        try:
            result = subprocess.run(
                _real(argv),
                capture_output=True,
                check=False,
                encoding="utf-8",
                env=_environment(),
                errors="surrogateescape",
                stdin=subprocess.DEVNULL,
                umask=0o022,
            )
        except FileNotFoundError:
            if NO_SUCH_COMMAND in accept:
                return
            raise OperationError(f"{argv[0]}: there is no such command") from None
        if result.returncode not in accept:
            words = self._words(argv, result) or f"exit status {result.returncode}"
            raise OperationError(f"{' '.join(argv[:4])}: {words}")

    def _words(self, argv: Sequence[str], result: subprocess.CompletedProcess[str]) -> str:
        """Return why a command failed, in its own words."""
        said = (result.stderr or result.stdout).strip().splitlines()
        if said:
            # Of postwrap's the last line is the remedy.
            return said[0].removeprefix("postwrap: ") if argv[0] == "postwrap" else said[-1]
        if argv[:2] == ("postfix", "-c"):
            # It may have told the mail log alone; this program reads main.cf too and tells it here.
            postmap = ("postmap", "-c", argv[2], "-q", "x", "static:x")
            return self.postfix.run(*postmap).stderr.strip().rpartition("fatal: ")[2]
        return ""

    def _write(self, operation: Write) -> None:
        there = self.filesystem.entry(operation.path)
        if there.content == operation.content.encode() and there.kind is Kind.FILE:
            return
        if there != MISSING:
            raise OperationError(f"{operation.path}: exists already")
        if operation.in_new:
            self._run(operation.directory)
        self.filesystem.stage(Artifact(operation.path, operation.content.encode()))
        self.filesystem.commit(operation.path)

    def _rename(self, operation: Rename) -> None:
        if not self.filesystem.exists(operation.source):
            return
        if self.filesystem.exists(operation.target):
            raise OperationError(f"{operation.target}: is in the way of {operation.source}")
        self.filesystem.rename(operation.source, operation.target)

    def _restore(self, operation: Restore) -> None:
        if not self.filesystem.is_directory(operation.directory):
            return
        now = self.postfix.stated(operation.directory).get(operation.parameter)
        if now == operation.before:
            return
        if (now or "") == operation.written:
            self._run(operation.command(operation.before))
        elif operation.element and now:
            words = now.replace(",", " ").split()
            rest = ", ".join(word for word in words if word != operation.element)
            self._run(operation.command(rest or operation.before))
        else:
            name = operation.parameter
            self.told(f"{operation.directory}: {name} was changed since, and left as it is")

    def _remove_queue(self, operation: RemoveQueue) -> None:
        if has_mail(self.filesystem, operation.path):
            self.told(f"{operation.path}: holds mail, and is kept")
            return
        self._run(Run((("rm", "-rf", operation.path),)))


def _real(argv: Sequence[str]) -> Sequence[str]:
    if argv[0] == "postwrap":
        return (sys.executable, "-m", "postwrap", *argv[1:])
    return argv


def _environment() -> Mapping[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "MAIL_CONFIG"}
    return kept | {"LC_ALL": "C", "PATH": f"{os.environ.get('PATH', '')}:{SEARCH_PATH}"}
