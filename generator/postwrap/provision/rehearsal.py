"""Taking the steps that edit main.cf and master.cf on copies, to show what they would change.

Postfix's own postconf(1) edits the copies, so what is shown is what there will be, byte for byte.
"""

from __future__ import annotations

import contextlib
import difflib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from postwrap import programs
from postwrap.errors import FailedError
from postwrap.filesystem import Filesystem
from postwrap.provision.engine.steps import Prove, Rename, Run, Step

_FILES = ("main.cf", "master.cf")


@dataclass
class Rehearsal:
    """Copies of the configurations of ``filesystem``, by configuration directory.

    ``others`` are the titles of the steps that change something else.
    """

    filesystem: Filesystem
    place: Path
    copies: dict[str, Path] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def take(self, steps: Iterable[Step], name: str) -> None:
        """Take ``steps`` of the instance ``name``. Raises FailedError where postconf refuses."""
        for step in steps:
            if not self._is_rehearsed(step):
                self.others.append(f"{name}: {step.title}")

    def diff(self) -> str:
        """Return what has changed as a unified diff."""
        directories = dict.fromkeys((*self.seen, *self.copies))
        pairs = ((d, name) for d in sorted(directories) for name in _FILES)
        return "".join(line for pair in pairs for line in self._compared(*pair))

    def _is_rehearsed(self, step: Step) -> bool:
        """Take ``step`` if it changes configurations; whether that is all it does."""
        match step.do:
            case Rename(source, target):
                if source in self.copies or self._is_configured(source):
                    self.copies[target] = self._copy(source)
                    self.copies.pop(source)
                    return True
                return False
            case Run(commands):
                taken = [self._command(argv) for argv in commands]
                return all(taken)
            case Prove():
                return True
        return False

    def _command(self, argv: Sequence[str]) -> bool:
        match argv:
            case ("postconf", "-c", directory, *words):
                self._edit(directory, words)
            case ("cp", "-a", source, target) if source.endswith("/."):
                self._duplicate(source.removesuffix("/."), target)
            case ("rm", "-f", path) if path.endswith("/makedefs.out"):
                pass
            case ("postfix", "-c", _, "check"):
                pass
            case _:
                return False
        return True

    def _edit(self, directory: str, words: Sequence[str]) -> None:
        done = programs.run(("postconf", "-c", str(self._copy(directory)), *words))
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise FailedError(f"{directory}: postconf {' '.join(words[:2])}: {said[-1]}")

    def _is_configured(self, directory: str) -> bool:
        return self.filesystem.is_file(f"{directory}/main.cf")

    def _copy(self, directory: str) -> Path:
        """Return the copy of ``directory``, made where there is none yet."""
        if directory not in self.copies:
            self.seen.append(directory)
            self._duplicate(directory, directory)
        return self.copies[directory]

    def _duplicate(self, source: str, target: str) -> None:
        made = self.place / str(len(list(self.place.iterdir())))
        made.mkdir()
        for name in _FILES:
            text = self._text(source, name)
            (made / name).write_text(text, errors="surrogateescape")
        self.copies[target] = made

    def _text(self, directory: str, name: str) -> str:
        if copy := self.copies.get(directory):
            return (copy / name).read_text(errors="surrogateescape")
        return self.filesystem.read_text(f"{directory}/{name}")

    def _compared(self, directory: str, name: str) -> Iterator[str]:
        path = f"{directory}/{name}"
        is_there = self.filesystem.is_file(path)
        before = self.filesystem.read_text(path) if is_there else ""
        after = self._text(directory, name) if directory in self.copies else ""
        old = path if is_there else "/dev/null"
        new = path if directory in self.copies else "/dev/null"
        lines = (before.splitlines(keepends=True), after.splitlines(keepends=True))
        for line in difflib.unified_diff(*lines, old, new):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


@contextlib.contextmanager
def rehearsal(filesystem: Filesystem) -> Iterator[Rehearsal]:
    """Yield a rehearsal on the configurations of ``filesystem``."""
    with tempfile.TemporaryDirectory(prefix="postwrap-", dir=programs.SCRATCH) as place:
        yield Rehearsal(filesystem, Path(place))
