"""Who runs and who holds a socket, read from a /proc of files."""

from __future__ import annotations

import os
import subprocess
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from postwrap.filesystem import Filesystem
from postwrap.host import procfs
from postwrap.host.addresses import Endpoint
from postwrap.host.model import HeldSocket, Master

QUEUE = "/var/spool/postfix"
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100000A:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 100 1
   1: 0100007F:0019 0100007F:9999 01 00000000:00000000 00:00000000 00000000 0 0 101 1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 102 1
"""
TCP6 = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0019 0:0 0A 0:0 0:0 0 0 0 103 1
"""


class Proc:
    """A root directory with a /proc in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.filesystem = Filesystem(str(root))

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def link(self, path: str, target: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def process(
        self, pid: int, program: str, *, cwd: str = "", environ: str = "", exe: str = ""
    ) -> None:
        self.write(f"proc/{pid}/comm", f"{program}\n")
        self.write(f"proc/{pid}/environ", environ.replace(" ", "\0"))
        if cwd:
            self.link(f"proc/{pid}/cwd", cwd)
        if exe:
            self.link(f"proc/{pid}/exe", exe)

    def master(self, pid: int, directory: str = "", queue: str = QUEUE, **facts: str) -> None:
        environ = f"A=b MAIL_CONFIG={directory} odd" if directory else ""
        self.process(pid, "master", cwd=queue, environ=environ, **facts)

    def masters(self) -> tuple[Master, ...]:
        return procfs.masters(self.filesystem)

    def running(self, **queues: str) -> dict[str, int]:
        named = {f"/etc/{d.replace('_', '-')}": q for d, q in queues.items()}
        found = procfs.running(self.filesystem, named, self.masters())
        return {directory: master.pid for directory, master in found.items()}


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_a_master_is_known_by_its_process(proc: Proc) -> None:
    proc.write("proc/7/cgroup", "0::/system.slice/system-postfix.slice/postfix@out.service\n")
    proc.master(7, "/etc/postfix-out/", exe="/usr/lib/postfix/sbin/master")
    proc.process(8, "smtpd", cwd=QUEUE)
    proc.process(9, "master", cwd="/srv", exe="/usr/bin/sshd")
    assert proc.masters() == (
        Master(7, "/etc/postfix-out", QUEUE, unit="postfix@out.service", is_orphaned=False),
    )


def test_a_master_whose_program_or_queue_is_gone(proc: Proc) -> None:
    exe = "/usr/lib/postfix/sbin/master (deleted)"
    proc.master(7, "/etc/postfix", f"{QUEUE} (deleted)", exe=exe)
    assert proc.masters() == (Master(7, "/etc/postfix", QUEUE, is_orphaned=True),)
    assert proc.running(postfix=QUEUE) == {}


@pytest.mark.parametrize(("place", "is_blocked"), [("unix_wait_for_peer", True), ("0", False)])
def test_a_master_that_waits_for_its_log(proc: Proc, place: str, is_blocked: bool) -> None:
    proc.master(7, "/etc/postfix")
    proc.write("proc/7/wchan", place)
    assert [m.is_blocked for m in proc.masters()] == [is_blocked]


def test_a_master_in_another_root_is_not_ours(proc: Proc, tmp_path: Path) -> None:
    proc.master(7, "/etc/postfix")
    (tmp_path / "container").mkdir()
    proc.link("proc/7/root", str(tmp_path / "container"))
    proc.master(8, "/etc/postfix")
    proc.link("proc/8/root", str(tmp_path))
    assert [master.pid for master in proc.masters()] == [8]


def test_of_two_configurations_with_one_queue_the_one_that_was_started_runs(proc: Proc) -> None:
    proc.master(7, "/etc/postfix-out")
    assert proc.running(postfix=QUEUE, postfix_out=QUEUE) == {"/etc/postfix-out": 7}


def test_a_master_of_an_unknown_configuration_runs_nobody(proc: Proc) -> None:
    proc.master(7, "/etc/postfix-gone")
    assert proc.running(postfix=QUEUE) == {}


def test_a_master_that_works_in_a_former_queue_is_not_running_the_instance(proc: Proc) -> None:
    proc.master(7, "/etc/postfix", "/var/spool/old")
    assert proc.running(postfix=QUEUE) == {}


def test_an_unreadable_environment_is_of_the_only_one_with_the_queue(proc: Proc) -> None:
    proc.master(7)
    assert proc.running(postfix=QUEUE) == {"/etc/postfix": 7}
    assert proc.running(postfix=QUEUE, postfix_out=QUEUE) == {}


def test_an_instance_whose_queue_is_unknown_is_known_by_its_configuration(proc: Proc) -> None:
    proc.master(7, "/etc/postfix-out")
    assert proc.running(postfix_out="") == {"/etc/postfix-out": 7}


def test_a_link_to_the_configuration_or_the_queue_is_the_same(proc: Proc) -> None:
    proc.write("etc/postfix-out/main.cf", "")
    proc.write("srv/queue/x", "")
    (proc.root / "etc/alias").symlink_to("postfix-out")
    (proc.root / "var/spool").mkdir(parents=True)
    (proc.root / "var/spool/postfix").symlink_to("../../srv/queue")
    proc.master(7, "/etc/alias", "/srv/queue")
    assert proc.running(postfix_out=QUEUE) == {"/etc/postfix-out": 7}


def test_a_queue_directory_that_somebody_runs_in(
    proc: Proc, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc.master(7, "/etc/postfix")
    assert procfs.runs_in(proc.filesystem, QUEUE) is True
    found = procfs.master_in(proc.filesystem, QUEUE)
    assert found
    assert found.pid == 7
    for uid, answer in ((0, False), (1000, None)):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)
        assert procfs.runs_in(proc.filesystem, "/var/spool/other") is answer


def test_listening_sockets_and_their_holders(proc: Proc) -> None:
    proc.write("proc/net/tcp", TCP)
    proc.write("proc/net/tcp6", TCP6)
    proc.master(7, "/etc/postfix")
    proc.write("proc/7/cgroup", "0::/system.slice/postfix.service\n")
    proc.process(8, "nginx")
    for pid, inode in ((7, 100), (7, 103), (8, 102), (9, 102)):
        proc.link(f"proc/{pid}/fd/{inode}", f"socket:[{inode}]")
    proc.process(9, "nginx")
    proc.link("proc/9/fd/1", "/dev/null")
    ours = ("master", "postfix.service", "/etc/postfix")
    proc.write("proc/8/cmdline", "nginx\0-g\0daemon off;\0")
    web = ("nginx", "-g", "daemon off;")
    found = list(procfs.sockets(proc.filesystem))
    assert found == [
        HeldSocket(Endpoint(ip_address("10.0.0.1"), 25), frozenset({7}), *ours),
        HeldSocket(Endpoint(ip_address("0.0.0.0"), 80), frozenset({8, 9}), "nginx", arguments=web),
        HeldSocket(Endpoint(ip_address("::1"), 25), frozenset({7}), *ours),
    ]


def test_a_holder_that_may_not_be_seen(proc: Proc) -> None:
    proc.write("proc/net/tcp", TCP)
    found = list(procfs.sockets(proc.filesystem))
    assert [held.pids for held in found] == [frozenset(), frozenset()]


def test_the_device_of_the_default_route(proc: Proc) -> None:
    assert procfs.default_device(proc.filesystem) == "lo"
    proc.write("proc/net/route", "Iface Dest\neth1 000000C0 0 0\neth0 00000000 010000C0 0\n")
    assert procfs.default_device(proc.filesystem) == "eth0"
    proc.write("proc/net/route", "Iface Dest\neth1 000000C0 0 0\n")
    assert procfs.default_device(proc.filesystem) == "lo"


def test_binding_to_any_address(proc: Proc) -> None:
    assert not procfs.may_bind_any(proc.filesystem)
    proc.write("proc/sys/net/ipv4/ip_nonlocal_bind", "1\n")
    assert procfs.may_bind_any(proc.filesystem)


def test_a_process_without_a_unit(proc: Proc) -> None:
    proc.write("proc/7/cgroup", "0::/user.slice/session-1.scope\n")
    assert procfs.unit_of(proc.filesystem, 7) == ""


def test_when_a_process_was_started() -> None:
    before = time.time()
    with subprocess.Popen(["sleep", "60"]) as process:
        time.sleep(1.5)
        found = procfs.started(process.pid)
        process.kill()
    assert abs(found - before) < 0.5


@pytest.mark.parametrize(
    ("comm", "title", "program"),
    [
        ("/usr/sbin/amavi", "/usr/sbin/amavisd (master)", "amavisd"),
        ("rspamd", "rspamd: main process", "rspamd"),
        ("a-long-program-", "/opt/x/a-long-program-name\0-v", "a-long-program-name"),
        ("fifteen-letters", "fifteen-letters", "fifteen-letters"),
        ("fifteen-letters", "", "fifteen-letters"),
        ("python3", "python3\0filter.py", "python3"),
    ],
)
def test_a_program_is_called_by_its_whole_name(
    proc: Proc, comm: str, title: str, program: str
) -> None:
    proc.write("proc/net/tcp", TCP)
    proc.process(9, comm)
    proc.write("proc/9/cmdline", title)
    proc.link("proc/9/fd/3", "socket:[100]")
    held = next(h for h in procfs.sockets(proc.filesystem) if h.pids)
    assert held.program == program
