"""The namespaces of a private host: started in a tenth of a second, gone with the tests."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT

SCRIPT = Path(__file__).with_name("private_host.sh")


class Namespaces:
    """An overlay of `base` as the root of its own mount, PID, UTS, IPC and network namespaces.

    With `network` it keeps the machine's network, for tests that run pip or apt; with `cgroups` it
    sees the machine's control groups, for a systemd inside. `layer` is what save() kept of others.
    """

    def __init__(
        self,
        base: Path,
        *,
        network: bool = False,
        cgroups: bool = False,
        layer: Path | None = None,
    ) -> None:
        kinds = ["--mount", "--pid", "--uts", "--ipc", *([] if network else ["--net"])]
        # The unit that the tests run in, where systemd runs, is nothing to the host.
        kinds += [] if cgroups else ["--cgroup"]
        mountpoint = Path(tempfile.mkdtemp(prefix="postwrap-host-"))
        self._process = subprocess.Popen(
            [
                *(find_tool("unshare") or "unshare", *kinds, "--fork", "--kill-child"),
                *("sh", str(SCRIPT), *(["--cgroups"] if cgroups else [])),
                *([f"--layer={layer}"] if layer else []),
                *map(str, (base, mountpoint, CHECKOUT)),
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

    def save(self, layer: Path) -> None:
        """Keep all that was written over `base`, in a file; sockets are left out."""
        upper = f"/proc/{self.pid}/fd/3"
        kept = ["--acls", "--xattrs", "--xattrs-include=*"]
        command = ["tar", "-C", upper, *kept, "-cf", str(layer), "."]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

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
