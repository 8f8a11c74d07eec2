"""Booted containers: a private host whose file tree is booted with a real systemd as process 1.

Before and between boots a Boot is a private host like any other: write files, make instances, run
commands in it. `up` boots that tree; the booted machine shares the host's network, so its
addresses are there from the start, and sinks and clients work on either side.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.harness.host import Host
from tests.harness.machine import ENVIRONMENT
from tests.harness.mail import MailMachine
from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator

# nspawn will not boot "/", so it gets the same tree at another place; and control groups of its
# own, for two systemds in one group would end one another's services. The network is the private
# host's, and the booted machine's to configure.
START = """
for group in $GROUPS_TO_JOIN; do
    echo $$ >"$group/cgroup.procs"
done
tree=/run/boot-tree
mkdir -p "$tree"
mountpoint -q "$tree" || mount --bind / "$tree"
exec systemd-nspawn --quiet --directory="$tree" --boot --register=no --keep-unit \\
    --network-namespace-path=/proc/1/ns/net --capability=CAP_NET_ADMIN \\
    --console=read-only "$@"
"""


class Booted(MailMachine):
    """A machine that has booted: run commands in it, ask it what became of the boot."""

    def state(self) -> str:
        """What systemctl is-system-running says when the boot is over: running, degraded."""
        done = self.run("systemctl", "is-system-running", "--wait", check=False)
        return done.stdout.strip()

    def failed(self) -> list[str]:
        """The names of the units that failed."""
        listed = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend").stdout
        return [line.split()[0] for line in listed.splitlines()]

    def active(self, unit: str) -> bool:
        return self.run("systemctl", "is-active", "--quiet", unit, check=False).returncode == 0

    def journal(self, *options: str) -> str:
        """The journal of this boot."""
        return self.run("journalctl", "--boot", "--no-pager", "--output=short", *options).stdout


class Boot(Host):
    """A private host on a root with systemd, of the suite bookworm or trixie, that can be booted.

    `kind` is the root's: boot, or network for who runs a network.

    with Boot("trixie") as boot:
        boot.talk_instance(start=False)
        with boot.up() as machine:
            machine.run("systemctl", "status", "postfix")
    """

    def __init__(self, suite: str, kind: str = "boot") -> None:
        super().__init__(variant(kind, suite), cgroups=True)
        self.suite = suite
        self._groups = [group / f"postwrap-tests-{self.pid}" for group in _control_groups()]
        self.write("/etc/hostname", "mail\n")
        # So that the journal outlives the boot.
        self.run("mkdir", "-p", "/var/log/journal")

    def plug_in(self) -> None:
        """Give the host a network device eth0 that nobody has configured, in place of an old one.

        Between boots the network lives on, so what a device has after the next one might be left
        from the last: a new device has nothing. A kernel may have no dummy device; this is one
        end of a cable, of which the other, peer0, is up.
        """
        if self.exists("/sys/class/net/eth0"):
            self._ip("link", "delete", "eth0")
        self._ip("link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
        self._ip("link", "set", "peer0", "up")

    @contextmanager
    def up(self, timeout: float = 60) -> Iterator[Booted]:
        """Boot, wait until the boot is over, and power off at the end; again for a reboot."""
        with tempfile.TemporaryFile() as console:
            process = self._start(console)
            try:
                machine = self._booted(process, time.monotonic() + timeout)
            except AssertionError as error:
                process.kill()
                console.seek(0)
                told = console.read()[-4000:].decode(errors="replace")
                raise AssertionError(f"{error}\n--- console\n{told}") from None
            try:
                yield machine
            finally:
                self._power_off(machine, process)

    def boot(self, script: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Boot, run a shell script when the boot is over, and power off."""
        with self.up() as machine:
            return machine.sh(script, **options)

    def _start(self, console: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [find_tool("nsenter") or "nsenter", f"--target={self.pid}", "--all", "--root"]
        command += ["--", "sh", "-euc", START, "sh", f"--bind-ro={CHECKOUT}"]
        for group in self._groups:
            group.mkdir()
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            env={**ENVIRONMENT, "GROUPS_TO_JOIN": " ".join(map(str, self._groups))},
        )

    def _booted(self, process: subprocess.Popen[bytes], end: float) -> Booted:
        """Wait for the container's process 1, then for the end of its boot."""
        while time.monotonic() < end:
            assert process.poll() is None, f"nspawn exited {process.returncode}"
            leader = _process_1_below(process.pid)
            if leader is not None:
                machine = Booted(leader)
                if machine.state() in ("running", "degraded"):
                    return machine
            time.sleep(0.05)
        raise AssertionError("the container did not boot")

    def _power_off(self, machine: Booted, process: subprocess.Popen[bytes]) -> None:
        machine.close()
        if process.poll() is None:
            machine.run("systemctl", "poweroff", check=False)
        try:
            process.wait(30)
        finally:
            process.kill()
            self._remove_cgroups()

    def _remove_cgroups(self) -> None:
        """Remove what the container's systemd made, from the leaves up."""
        for top in self._groups:
            for group in sorted(top.glob("**/"), reverse=True):
                group.rmdir()


def _control_groups() -> Iterator[Path]:
    """This process's control groups in the hierarchies that a systemd uses."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        # Who entered a container from outside is in no group that is seen from in there.
        group = "/" if group.startswith("/..") else group
        # With both versions of control groups, the second has a directory of its own.
        places = {"name=systemd": ("systemd",), "": ("unified", ".")}.get(controllers, ())
        mounted = [Path("/sys/fs/cgroup") / place for place in places]
        yield from [top / group.lstrip("/") for top in mounted if top.is_dir()][:1]


def _process_1_below(pid: int) -> int | None:
    """The descendant of a process that is process 1 of a PID namespace of its own."""
    children: dict[int, list[tuple[int, bool]]] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        is_first = fields["NSpid"].split()[-1] == "1"
        children.setdefault(int(fields["PPid"]), []).append((int(fields["Pid"]), is_first))
    below = [pid]
    while below:
        for child, is_first in children.get(below.pop(), []):
            if is_first:
                return child
            below.append(child)
    return None
