"""Taking steps and undoing them: the door of this package.

Each step is in the journal before it is taken. Where one fails, those before it are undone and
the journal forgets them; where this program is killed, ``recover`` does so in the next run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from postwrap.bundle import Artifact
from postwrap.errors import FailedError, PostwrapError
from postwrap.filesystem import MISSING, Filesystem, Kind
from postwrap.postfix import SEARCH_PATH, Postfix, PostfixError
from postwrap.provision import proof
from postwrap.provision.journal import Journal, Record, State, finished
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
    Step,
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
            said = (result.stderr or result.stdout).strip().splitlines()
            words = said[-1] if said else f"exit status {result.returncode}"
            raise OperationError(f"{' '.join(argv[:3])}: {words}")

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


@dataclass
class Undertaking:
    """Steps on their way, with the journal."""

    worker: Worker
    journal: Journal
    record: Record

    def take(self, steps: Sequence[Step]) -> None:
        """Take ``steps``. Raises FailedError after undoing what was done."""
        for step in steps:
            self._note(replace(self.record, taken=(*self.record.taken, step)))
            try:
                self.worker.do(step.do)
            except BaseException as error:
                self._fail(step, error)
                raise

    def keep(self, kept: Sequence[Step]) -> None:
        """Let the journal know that all is done; ``kept`` are the steps to take one day."""
        self._note(finished(self.record, kept))

    def finish(self, steps: Sequence[Step]) -> None:
        """Take the last ``steps``, which have no undo, and forget the instance."""
        self._note(replace(self.record, state=State.FINISHING, taken=tuple(steps)))
        complete(self.worker, self.journal, self.record)

    def _note(self, record: Record) -> None:
        self.record = record
        self.journal.write(record)

    def _fail(self, step: Step, error: BaseException) -> None:
        undo(self.worker, self.journal, self.record)
        if isinstance(error, PostwrapError | OSError):
            hint = f"what was done before is undone; mend that and run it again: {step.do.shell}"
            raise FailedError(f"{step.title}: {error}", hint) from error


def undo(worker: Worker, journal: Journal, record: Record) -> None:
    """Undo the steps of ``record`` and let the journal forget them; FailedError if that fails."""
    failures: list[str] = []
    for operation in record.undoing():
        try:
            worker.do(operation)
        except (PostwrapError, OSError) as error:
            failures.append(f"{operation.shell}: {error}")
    if failures:
        hint = f"mend that, then run the same command again; see {journal.path(record.directory)}"
        raise FailedError("undoing failed: " + "; ".join(failures), hint)
    if record.existed:
        journal.write(replace(record, state=State.MADE, verb="", taken=()))
    else:
        journal.remove(record)


def complete(worker: Worker, journal: Journal, record: Record) -> None:
    """Take the last steps of ``record`` and forget the instance."""
    for step in record.taken:
        worker.do(step.do)
    journal.remove(record)


def recover(worker: Worker, journal: Journal, record: Record) -> None:
    """Put back, or finish, what a killed run left; ``record`` is what it wrote."""
    doing = "finishing" if record.state is State.FINISHING else "undoing"
    worker.told(f"{record.directory}: {doing} what an interrupted postwrap {record.verb} began")
    if record.state is State.FINISHING:
        complete(worker, journal, record)
    else:
        undo(worker, journal, record)


def _real(argv: Sequence[str]) -> Sequence[str]:
    if argv[0] == "postwrap":
        return (sys.executable, "-m", "postwrap", *argv[1:])
    return argv


def _environment() -> Mapping[str, str]:
    kept = {k: v for k, v in os.environ.items() if k != "MAIL_CONFIG"}
    return kept | {"LC_ALL": "C", "PATH": f"{os.environ.get('PATH', '')}:{SEARCH_PATH}"}


__all__ = ["OperationError", "PostfixError", "Undertaking", "Worker", "recover", "undo"]
