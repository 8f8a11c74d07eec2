"""The namespaces of a private host: started in a tenth of a second, gone with the tests."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = Path(__file__).with_name("private_host.sh")


class Namespaces:
    """An overlay of `base` as the root of its own mount, PID, UTS, IPC and network namespaces.

    With `network` it keeps the machine's network, for tests that run pip or apt; with `cgroups` it
    sees the machine's control groups, for a systemd inside.
    """

    def __init__(
        self,
        base: Path,
        *,
        network: bool = False,
        cgroups: bool = False,
        show: Sequence[Path] = (CHECKOUT,),
    ) -> None:
        kinds = ["--mount", "--pid", "--uts", "--ipc", *([] if network else ["--net"])]
        mountpoint = Path(tempfile.mkdtemp(prefix="postwrap-host-"))
        self._process = subprocess.Popen(
            [
                *(find_tool("unshare") or "unshare", *kinds, "--fork", "--kill-child"),
                *("sh", str(SCRIPT), *(["--cgroups"] if cgroups else [])),
                *map(str, (base, mountpoint, *show)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self.pid = self._until_ready()
        except BaseException:
            self.close()
            raise
        finally:
            # The mount is in the other namespace alone; here the directory is empty.
            mountpoint.rmdir()

    def _until_ready(self) -> int:
        """The process id of the host's process 1, once all is in place."""
        assert self._process.stdout is not None
        said: list[str] = []
        for line in self._process.stdout:
            if line == "ready\n":
                return int(said[0])
            said.append(line)
        raise RuntimeError("a private host did not come up: " + "".join(said))

    def close(self) -> None:
        """End process 1, and with it all that runs in these namespaces."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def elsewhere() -> list[Path]:
    """Directories of the tests' interpreter that an overlay of / does not show as they are."""
    needed = {Path(sys.prefix), Path(sys.base_prefix)}
    return sorted(d for d in needed if CHECKOUT not in d.parents and _is_hidden(d))


def _is_hidden(directory: Path) -> bool:
    """Whether it is on another mount than /, or below one of the host's own."""
    other_mount = directory.stat().st_dev != Path("/").stat().st_dev
    return other_mount or directory.parts[1] in ("tmp", "run", "dev", "home")
