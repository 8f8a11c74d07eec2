"""Who runs, who holds a listening socket, and more that /proc tells; see also occupants.

What this user may not read is not there: as an ordinary user, who holds a socket and which
instance a master(8) of root's serves are unknown. See proc(5).
"""

from __future__ import annotations

import ipaddress
import os
import posixpath
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from postwrap.filesystem import Filesystem
from postwrap.host import files
from postwrap.host.addresses import Address, Endpoint
from postwrap.host.model import HeldSocket, Master

_DELETED = " (deleted)"
"""What the kernel puts behind the name of a file or directory that is gone."""
_FULL_SOCKET = "unix_wait_for_peer"
"""Where a process sleeps in the kernel that sends to a full socket: linux/net/unix/af_unix.c."""
_MOMENT = 0.3
_COMM = 15
_LISTEN = "0A"
"""TCP_LISTEN as /proc/net/tcp prints it: linux/include/net/tcp_states.h."""
_LOCK = "/master.lock"
_MASTER = "master"
_SOCKET = "socket:["
_UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")


def masters(filesystem: Filesystem) -> tuple[Master, ...]:
    """Return the master(8) processes of this root file system that run.

    One in a container of its own is not among them, where that can be seen.
    """
    pids = [pid for pid, program in _programs(filesystem) if program == _MASTER]
    return tuple(master for pid in pids if (master := _master(filesystem, pid)))


def _master(filesystem: Filesystem, pid: int) -> Master | None:
    place = f"/proc/{pid}"
    program = _link(filesystem, f"{place}/exe").removesuffix(_DELETED)
    if (program and posixpath.basename(program) != _MASTER) or not _is_here(filesystem, place):
        return None
    queue = _link(filesystem, f"{place}/cwd")
    return Master(
        pid=pid,
        config_directory=_environment(filesystem, pid).get("MAIL_CONFIG", "").rstrip("/"),
        queue_directory=queue.removesuffix(_DELETED),
        unit=unit_of(filesystem, pid),
        is_orphaned=queue.endswith(_DELETED),
        data_directory=_lock_directory(filesystem, pid),
        is_blocked=_is_blocked(filesystem, pid),
    )


def _is_blocked(filesystem: Filesystem, pid: int) -> bool:
    """Whether a process waits for a datagram socket that nobody reads, now and a moment later.

    A busy postlogd(8) makes master(8) wait too, but not for long. See proc_pid_wchan(5), unix(7).
    """
    place = f"/proc/{pid}/wchan"
    if files.text(filesystem, place) != _FULL_SOCKET:
        return False
    time.sleep(_MOMENT)
    return files.text(filesystem, place) == _FULL_SOCKET


def service_processes(filesystem: Filesystem, found: Iterable[Master]) -> dict[int, Counter[str]]:
    """Return how many processes each of the master(8) ``found`` has started, by service.

    The result is by the master's pid; a service is called as in master.cf, ``smtp/unix``.
    """
    counts: dict[int, Counter[str]] = {master.pid: Counter() for master in found}
    for pid, program in _programs(filesystem) if counts else ():
        # What stands before the last parenthesis may hold blanks: the program's name.
        stat = files.text(filesystem, f"/proc/{pid}/stat").rpartition(")")[2].split()
        if len(stat) > 1 and (own := counts.get(int(stat[1]))) is not None:
            own[_service(files.text(filesystem, f"/proc/{pid}/cmdline").split("\0"), program)] += 1
    return counts


def _service(words: list[str], program: str) -> str:
    """Return the service that a daemon was started for.

    master(8) gives it -t with the type, and -n with the name where that is not the program's:
    postfix src/master/master_ent.c.
    """
    after = dict(pairwise(words))
    return f"{after.get('-n', program)}/{after.get('-t', '')}"


def started(pid: int) -> float:
    """Return when the process ``pid`` was started, in seconds since 1970.

    Its directory in /proc does not tell: that is as old as the first look at it. OSError where
    there is no such process. See proc(5), /proc/pid/stat.
    """
    # What stands before the last parenthesis may hold blanks: the program's name.
    fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - (uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def _lock_directory(filesystem: Filesystem, pid: int) -> str:
    """Return the directory of the lock that the master(8) ``pid`` holds in data_directory."""
    place = f"/proc/{pid}/fd"
    held = (_link(filesystem, f"{place}/{name}") for name in files.names(filesystem, place))
    return next((p.removesuffix(_LOCK) for p in held if p.endswith(_LOCK)), "")


def _is_here(filesystem: Filesystem, place: str) -> bool:
    """Whether the process at ``place`` has the root directory that we have, or hides its own."""
    try:
        there, here = os.stat(f"{filesystem.root}{place}/root"), os.stat(f"{filesystem.root}/")  # noqa: PTH116
        return os.path.samestat(there, here)
    except OSError:
        return True


def _environment(filesystem: Filesystem, pid: int) -> dict[str, str]:
    words = files.text(filesystem, f"/proc/{pid}/environ").split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


def _programs(filesystem: Filesystem) -> Iterator[tuple[int, str]]:
    """Yield the processes that run, each with the name of its program: /proc/PID/comm."""
    for name in files.names(filesystem, "/proc"):
        if name.isdigit() and (program := files.text(filesystem, f"/proc/{name}/comm").strip()):
            yield int(name), program


def master_in(filesystem: Filesystem, queue_directory: str) -> Master | None:
    """Return the master(8) that works in ``queue_directory``, as far as this user may see it."""
    real = _resolved(filesystem, queue_directory)
    found = (m for m in masters(filesystem) if m.queue_directory and not m.is_orphaned)
    return next((m for m in found if _resolved(filesystem, m.queue_directory) == real), None)


def runs_in(filesystem: Filesystem, queue_directory: str) -> bool | None:
    """Return whether a master(8) works in ``queue_directory``; None where that may not be seen."""
    if master_in(filesystem, queue_directory):
        return True
    return False if sees_all() else None


def sees_all() -> bool:
    """Whether this user sees the working directory and the environment of every process."""
    return os.geteuid() == 0


def unit_of(filesystem: Filesystem, pid: int) -> str:
    """Return the systemd service that process ``pid`` belongs to, "" for none."""
    units = _UNIT.findall(files.text(filesystem, f"/proc/{pid}/cgroup"))
    return str(units[-1]) if units else ""


def running(
    filesystem: Filesystem, queues: dict[str, str], found: tuple[Master, ...]
) -> dict[str, Master]:
    """Return the master(8) that runs each instance, by configuration directory.

    ``queues`` are the queue directories by configuration directory, "" where postconf cannot
    tell. A master serves the configuration that it was started with, under whatever name, where
    it works in that one's queue; of two configurations with one queue only one is running. One
    whose environment cannot be read serves the only instance that has its queue.
    """
    served = {}
    real = {d: (_resolved(filesystem, d), _resolved(filesystem, q)) for d, q in queues.items()}
    for master in found:
        config = _resolved(filesystem, master.config_directory)
        queue = _resolved(filesystem, master.queue_directory)
        mine = [d for d, (_, q) in real.items() if (queue and q == queue) or (config and not q)]
        own = [d for d in mine if config and real[d][0] == config] if config else mine
        if len(own) == 1 and not master.is_orphaned:
            served[own[0]] = master
    return served


def _resolved(filesystem: Filesystem, path: str) -> str:
    """Return ``path`` on this machine with its links followed, "" for ""."""
    return os.path.realpath(filesystem.real(path)) if path else ""


def sockets(filesystem: Filesystem) -> Iterator[HeldSocket]:
    """Yield the listening TCP sockets, with who holds them where this user may see it."""
    listening = [
        (fields[9], _endpoint(fields[1]))
        for table in ("tcp", "tcp6")
        for line in files.text(filesystem, f"/proc/net/{table}").splitlines()[1:]
        if (fields := line.split())[3] == _LISTEN
    ]
    holders = _holders(filesystem, {inode for inode, _ in listening})
    for inode, endpoint in listening:
        held = HeldSocket(endpoint, frozenset(holders.get(inode, ())))
        yield _described(filesystem, held) if held.pids else held


def _described(filesystem: Filesystem, held: HeldSocket) -> HeldSocket:
    pid = min(held.pids)
    program = files.text(filesystem, f"/proc/{pid}/comm").strip()
    master = _master(filesystem, pid) if program == _MASTER else None
    words = files.text(filesystem, f"/proc/{pid}/cmdline").split("\0") if not master else []
    return replace(
        held,
        program=_whole_name(program, words),
        unit=unit_of(filesystem, pid),
        directory=master.config_directory if master else "",
        arguments=tuple(filter(None, words)),
    )


def _whole_name(program: str, words: list[str]) -> str:
    """Return the name of a program of which the kernel keeps 15 characters: proc_pid_comm(5).

    One that names itself by its path (amavisd) fills these with directories.
    """
    title = words[0].split(maxsplit=1)[0] if words and words[0].strip() else ""
    is_cut = len(program) == _COMM and any(
        name.startswith(program) for name in (title, posixpath.basename(title))
    )
    return posixpath.basename(title if is_cut else program)


def _endpoint(text: str) -> Endpoint:
    """Return the endpoint that /proc/net/tcp prints: 32-bit words in the host's byte order."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[i : i + 8]) for i in range(0, len(host), 8)]
    little = sys.byteorder == "little"
    packed = b"".join(word[::-1] if little else word for word in words)
    address: Address = ipaddress.ip_address(packed)
    return Endpoint(address, int(port, 16))


def _holders(filesystem: Filesystem, inodes: set[str]) -> dict[str, set[int]]:
    """Return the processes that hold each of the sockets ``inodes``, by inode number."""
    holders: dict[str, set[int]] = defaultdict(set)
    for pid, _ in _programs(filesystem) if inodes else ():
        directory = f"/proc/{pid}/fd"
        for name in files.names(filesystem, directory):
            target = _link(filesystem, f"{directory}/{name}")
            if target.startswith(_SOCKET) and target[len(_SOCKET) : -1] in inodes:
                holders[target[len(_SOCKET) : -1]].add(pid)
    return holders


def default_device(filesystem: Filesystem) -> str:
    """Return the network device of the default route, lo where there is none."""
    for line in files.text(filesystem, "/proc/net/route").splitlines()[1:]:
        device, destination, *_ = line.split()
        if destination == "00000000":
            return device
    return "lo"


def may_bind_any(filesystem: Filesystem) -> bool:
    """Whether a program may bind to an address that the host lacks: ip_nonlocal_bind, ip(7)."""
    return files.text(filesystem, "/proc/sys/net/ipv4/ip_nonlocal_bind").strip() == "1"


def _link(filesystem: Filesystem, path: str) -> str:
    """Return what the link ``path`` names, "" where that may not be seen or it is gone."""
    try:
        return os.readlink(filesystem.root + path)  # noqa: PTH115 - asked for each descriptor
    except OSError:
        return ""
