"""Doing one operation on the host: the I/O boundary of this package."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from postwrap import installing, programs
from postwrap.assemble import assemble
from postwrap.bundle import Artifact
from postwrap.entries import MISSING, EntryKind
from postwrap.errors import PostwrapError, RefusedError
from postwrap.filesystem import Filesystem
from postwrap.installation import Installation
from postwrap.installing import InstallOutcome
from postwrap.postfix import Postfix
from postwrap.provision.desired import without_word
from postwrap.provision.engine import proof
from postwrap.provision.engine.following import follow
from postwrap.provision.engine.last_words import LastWords, last_words
from postwrap.provision.engine.requeue import holds_mail, requeue
from postwrap.provision.engine.steps import (
    NO_SUCH_COMMAND,
    Install,
    Operation,
    Prove,
    Records,
    RemoveQueue,
    Rename,
    Requeue,
    Restore,
    Run,
    Uninstall,
    Write,
)
from postwrap.provision.engine.touched import Touched, touched
from postwrap.provision.engine.vacancy import await_nobody, need_nobody


class OperationError(PostwrapError):
    """An operation failed; the message is what its program said."""


@dataclass
class StepRunner:
    """What operations are done with. ``told`` is called with what a person should know."""

    filesystem: Filesystem
    postfix: Postfix
    told: Callable[[str], None]
    host: Installation

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
                proof.prove(self.postfix, self.filesystem, operation, self.told)
            case Requeue():
                requeue(self.filesystem, self.postfix, operation, self.told)
            case Install():
                self._install(operation)
            case Uninstall():
                self._uninstall(operation)
            case Records():
                follow(self.filesystem, operation)

    def last_words(self, directories: Sequence[str], since: float) -> LastWords:
        """Return what programs of the instances in ``directories`` said when they died."""
        return last_words(self.postfix, directories, since)

    def _run(self, operation: Run) -> None:
        for argv in operation.commands:
            self._command(argv, operation.accept)
        self._sync(touched(operation.commands))

    def _sync(self, changed: Touched) -> None:
        """Bring what commands have changed to the disk, before the journal tells of the next."""
        names = ("queue_directory", "data_directory")
        trees = list(changed.trees)
        for directory in changed.filled:
            trees += self.postfix.parameters(names, directory).values()
        for tree in trees:
            self.filesystem.sync_tree(tree)
        self.filesystem.sync_names(changed.names)

    def _command(self, argv: Sequence[str], accept: tuple[int, ...]) -> None:
        try:
            result = programs.run(argv)
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
            return said[-1]
        if argv[:2] == ("postfix", "-c"):
            # It may have told the mail log alone; this program reads main.cf too and tells it here.
            postmap = ("postmap", "-c", argv[2], "-q", "x", "static:x")
            return self.postfix.run(*postmap).stderr.strip().rpartition("fatal: ")[2]
        return ""

    def _write(self, operation: Write) -> None:
        there = self.filesystem.entry(operation.path)
        if there.content == operation.content.encode() and there.kind is EntryKind.FILE:
            return
        if there != MISSING:
            raise OperationError(f"{operation.path}: exists already")
        if operation.in_new:
            self._run(operation.directory)
        self.filesystem.put(Artifact(operation.path, operation.content.encode()))

    def _rename(self, operation: Rename) -> None:
        if not self.filesystem.exists(operation.source):
            return
        if self.filesystem.exists(operation.target):
            raise OperationError(f"{operation.target}: is in the way of {operation.source}")
        if operation.queue:
            need_nobody(str(self.filesystem.real(operation.source)))
        self.filesystem.rename(operation.source, operation.target)

    def _restore(self, operation: Restore) -> None:
        if not self.filesystem.is_directory(operation.directory):
            return
        now = self.postfix.stated(operation.directory).get(operation.parameter)
        if now == operation.before:
            return
        if (now or "") == (operation.written or ""):
            self._run(operation.command(operation.before))
        elif operation.element and now:
            rest = without_word(operation.parameter, now, operation.element)
            self._run(operation.command(rest or operation.before))
        else:
            name = operation.parameter
            self.told(f"{operation.directory}: {name} was changed since, and left as it is")

    def _remove_queue(self, operation: RemoveQueue) -> None:
        path = operation.path
        if not self.filesystem.is_directory(path):
            return
        await_nobody(str(self.filesystem.real(path)), self.told)
        if holds_mail(self.filesystem, path):
            hint = f"postwrap requeue {path} default hands it to the default instance"
            self.told(f"{path}: holds mail, and is kept ({hint})")
            return
        self._run(Run((("rm", "-rf", path),)))

    def _install(self, operation: Install) -> None:
        with _as_operation("postwrap install"):
            host = self.host.anew()  # the steps so far have changed it
            try:
                done = installing.install(host, assemble(host, operation.words), self._waiting)
                _need_no_conflict(done)
            except RefusedError as error:
                if not operation.tolerant:
                    raise
                self.told(f"postwrap install: {error.message} (remedy: {error.hint})")

    def _uninstall(self, operation: Uninstall) -> None:
        with _as_operation("postwrap uninstall"):
            try:
                installing.uninstall(self.host.anew(), operation.words, self._waiting)
            except RefusedError:
                if not operation.tolerant:
                    raise

    def _waiting(self) -> None:
        self.told("postwrap: waiting for another run of postwrap to end")


def _need_no_conflict(done: InstallOutcome) -> None:
    for conflict in done.plan.conflicts:
        raise RefusedError(f"{conflict.subject}: {conflict.message}", conflict.hint)


@contextlib.contextmanager
def _as_operation(command: str) -> Iterator[None]:
    """Tell why ``command`` failed as that of any other program is told."""
    try:
        yield
    except PostwrapError as error:
        raise OperationError(f"{command}: {error.message}") from error
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise OperationError(f"{command}: {reason}") from error
