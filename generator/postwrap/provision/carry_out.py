"""Taking steps and undoing them.

Each step is in the journal before it is taken. Where one fails, those before it are undone and
the journal forgets them; where this program is killed, ``recover`` does so in the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from postwrap.errors import FailedError, PostwrapError
from postwrap.provision.journal import Journal, Record, State, finished
from postwrap.provision.steps import Step
from postwrap.provision.worker import Worker


@dataclass
class Undertaking:
    """Steps on their way, with the journal."""

    worker: Worker
    journal: Journal
    record: Record

    def take(self, steps: Sequence[Step]) -> None:
        """Take ``steps``. Raises FailedError after undoing what was done."""
        for step in steps:
            try:
                self._note(replace(self.record, taken=(*self.record.taken, step)))
                self.worker.do(step.do)
            except BaseException as error:
                self._fail(
                    f"{step.title}: ", error, f"; mend that and run it again: {step.do.shell}"
                )
                raise

    def keep(self, kept: Sequence[Step]) -> None:
        """Let the journal know that all is done; ``kept`` are the steps to take one day."""
        try:
            self._note(finished(self.record, kept))
        except BaseException as error:
            self._fail("", error, "")
            raise

    def finish(self, steps: Sequence[Step]) -> None:
        """Take the last ``steps``, which have no undo, and forget the instance."""
        self._note(replace(self.record, state=State.FINISHING, taken=tuple(steps)))
        complete(self.worker, self.journal, self.record)

    def _note(self, record: Record) -> None:
        self.record = record
        self.journal.write(record)

    def _fail(self, what: str, error: BaseException, hint: str) -> None:
        undo(self.worker, self.journal, self.record)
        undone = "what was done before is undone"
        if isinstance(error, KeyboardInterrupt):
            raise FailedError(
                f"{what}interrupted", f"{undone}; give the same command again"
            ) from None
        if isinstance(error, PostwrapError | OSError):
            raise FailedError(f"{what}{error}", undone + hint) from error


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
