"""The time in which one run of postwrap may change an installation, and no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from postwrap.errors import RefusedError
from postwrap.filesystem import Filesystem, unused
from postwrap.install.apply import Transaction
from postwrap.install.lock import locked
from postwrap.install.manifest import Manifest, load, manifest_path
from postwrap.install.plan import InstallPlan
from postwrap.layout import Layout


@dataclass
class Session:
    """A held lock: read the manifest, plan, apply."""

    filesystem: Filesystem
    layout: Layout
    made: list[str] = field(default_factory=list)
    """The directories made for the lock's sake, and on the way out those to remove if empty."""

    aside: str = ""
    """What a torn manifest is called since."""

    @property
    def state(self) -> str:
        """The state directory."""
        return self.layout.state

    def manifest(self) -> Manifest:
        """Return the manifest as it is now."""
        return load(self.filesystem, manifest_path(self.state), self.layout)

    def apply(self, plan: InstallPlan, before: Manifest) -> None:
        """Make the changes of ``plan``; see Transaction.run. A torn manifest is set aside."""
        if before.torn:
            path = manifest_path(self.state)
            self.aside = unused(self.filesystem, f"{path}.torn")
            self.filesystem.rename(path, self.aside)
        transaction = Transaction(self.filesystem, plan, before, self.state, tuple(self.made))
        self.made = [*transaction.run().directories]

    def prepare(self) -> None:
        """Make the state directory; a staging directory that is not there yet, too."""
        if self.filesystem.root:
            self.filesystem.real("").mkdir(parents=True, exist_ok=True)
        state = PurePosixPath(self.state)
        for directory in (*reversed(state.parents), state):
            if not self.filesystem.is_directory(str(directory)):
                with contextlib.suppress(FileExistsError):
                    self.filesystem.make_directory(str(directory))
                    self.made.append(str(directory))
        self.filesystem.sync_names(self.made)


def lock_path(state: str) -> str:
    """Return where the lock file is: while a run goes on, or after one that was killed."""
    return f"{state}/lock"


@contextlib.contextmanager
def session(
    filesystem: Filesystem, layout: Layout, on_wait: Callable[[], None]
) -> Iterator[Session]:
    """Hold the installation of ``layout``; wait while another run does.

    Where there is no manifest at the end, nothing of the installation stays behind.
    """
    state = layout.state
    held = Session(filesystem, layout)
    lock = filesystem.real(lock_path(state))
    try:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(lock, held.prepare, on_wait))
            except OSError as error:
                # Nothing is lost by then, nor changed but for the directories that go below.
                hint = "run postwrap as root, or give --user or another --prefix"
                raise RefusedError(f"{error.filename}: {error.strerror}", hint) from error
            yield held
    finally:
        if not filesystem.exists(manifest_path(state)):
            for directory in sorted({*held.made, state}, reverse=True):
                filesystem.remove_directory(directory)
