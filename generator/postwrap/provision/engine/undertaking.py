"""Taking steps and undoing them.

Each step is in the journal before it is taken. Where one fails, those before it are undone and
the journal forgets them; where this program is killed, ``recover`` does so in the next run.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from postwrap.errors import FailedError, PostwrapError, StoppedError
from postwrap.provision.engine.journal import (
    InstanceRecord,
    ProvisionJournal,
    RecordState,
    finished,
)
from postwrap.provision.engine.last_words import LastWords
from postwrap.provision.engine.runner import StepRunner
from postwrap.provision.engine.steps import Step
from postwrap.provision.ownership import Claim


@dataclass
class Undertaking:
    """Steps on their way, with the journal.

    ``default`` is the default instance's directory; ``beside`` tells of other instances that are
    broken and may be what stands in the way; ``begun`` is a time in seconds of 1970.
    """

    runner: StepRunner
    journal: ProvisionJournal
    record: InstanceRecord
    default: str
    beside: str = ""
    begun: float = field(default_factory=time.time)

    def take(self, steps: Sequence[Step]) -> None:
        """Take ``steps``. Raises FailedError after undoing what was done."""
        for step in steps:
            try:
                self._note(replace(self.record, taken=(*self.record.taken, step)))
                self.runner.do(step.do)
            except BaseException as error:
                self._fail(f"{step.title}: ", error)
                raise

    def keep(self, claims: Iterable[Claim]) -> None:
        """Let the journal know that all is done; ``claims`` is what the instance wants now."""
        try:
            self._note(finished(self.record, claims))
        except BaseException as error:
            self._fail("", error)
            raise

    def finish(self, steps: Sequence[Step]) -> None:
        """Take the last ``steps``, which have no undo, and forget the instance."""
        self._note(replace(self.record, state=RecordState.FINISHING, taken=tuple(steps)))
        complete(self.runner, self.journal, self.record)

    def _note(self, record: InstanceRecord) -> None:
        self.record = record
        self.journal.write(record)

    def _fail(self, what: str, error: BaseException) -> None:
        """Undo what was done; raise FailedError with why, and a command that helps on."""
        words = self._last_words() if isinstance(error, PostwrapError) else LastWords()
        undo(self.runner, self.journal, self.record)
        undone = "what was done before is undone"
        if isinstance(error, KeyboardInterrupt):
            message = f"{what}{str(error) or 'interrupted'}"
            raise StoppedError(message, f"{undone}; give the same command again") from None
        if isinstance(error, PostwrapError | OSError):
            said = f"; its log says: {words.text}" if words.text else ""
            beside = f"; {self.beside}" if self.beside and not words.text else ""
            shown = "postwrap check" if beside else words.command
            hint = getattr(error, "hint", "") or shown or "postwrap check"
            raise FailedError(f"{what}{error}{said}{beside}; {undone}", hint) from error

    def _last_words(self) -> LastWords:
        """Return what the instance, or the default one, logged since this began."""
        return self.runner.last_words((self.record.directory, self.default), self.begun)


def undo(runner: StepRunner, journal: ProvisionJournal, record: InstanceRecord) -> None:
    """Undo the steps of ``record`` and let the journal forget them; FailedError if that fails."""
    failures: list[str] = []
    hints: list[str] = []
    for operation in record.undoing():
        try:
            runner.do(operation)
        except (PostwrapError, OSError) as error:
            failures.append(f"{operation.shell}: {error}")
            hints += [error.hint] if isinstance(error, PostwrapError) and error.hint else []
    if failures:
        mend = "; ".join(hints) or "mend that"
        hint = f"{mend}; then run the same command again; see {journal.path(record.directory)}"
        raise FailedError("undoing failed: " + "; ".join(failures), hint)
    if record.existed:
        journal.write(replace(record, state=RecordState.MADE, verb="", taken=(), becomes=""))
    else:
        journal.remove(record)


def complete(runner: StepRunner, journal: ProvisionJournal, record: InstanceRecord) -> None:
    """Take the last steps of ``record`` and forget the instance; FailedError if that fails."""
    for step in record.taken:
        try:
            runner.do(step.do)
        except (PostwrapError, OSError) as error:
            remedy = getattr(error, "hint", "") or "mend that"
            again = f"{remedy}; then run the same command again, which goes on from here"
            raise FailedError(f"{step.title}: {error}", again) from error
    journal.remove(record)


def recover(runner: StepRunner, journal: ProvisionJournal, record: InstanceRecord) -> None:
    """Put back, or finish, what a killed run left; ``record`` is what it wrote."""
    doing = "finishing" if record.state is RecordState.FINISHING else "undoing"
    runner.told(f"{record.directory}: {doing} what an interrupted postwrap {record.verb} began")
    if record.state is RecordState.FINISHING:
        complete(runner, journal, record)
    else:
        undo(runner, journal, record)
