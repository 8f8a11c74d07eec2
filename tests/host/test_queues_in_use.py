"""Mail that is under way while its queue is to go, and users who meddle in the queues."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import SECOND_ADDRESS
from tests.harness.paths import CHECKOUT
from tests.host.test_remove import CREATE, OUT, killed, left_of, queue, steps, submit

if TYPE_CHECKING:
    import subprocess

    from tests.harness.host import Host

BOTH = pytest.mark.bases("bookworm", "trixie")
REQUEUE = ("--requeue-to", "default")
EVERYWHERE = "find / -xdev -type f -perm -100 -path '*spool*' -exec grep -l precious {} + || :"


def python(host: Host, script: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a script that uses postwrap's own modules."""
    path = str(CHECKOUT / "generator")
    environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return host.run(host.python, "-c", script, *args, check=False, env=environment)


def master(host: Host, name: str = "postfix-out") -> str:
    return host.read(f"/var/spool/{name}/pid/master.pid").strip()


def remedies(text: str) -> list[str]:
    return re.findall(r"^ *remedy: (.*)$", text, re.MULTILINE)


def workers(host: Host) -> list[str]:
    """Who has the queue directory of the second instance as working directory, by name."""
    script = (
        "for p in /proc/[0-9]*; do case $(readlink $p/cwd) in "
        "/var/spool/postfix-out*) cat $p/comm;; esac; done 2>/dev/null"
    )
    return host.sh(script).stdout.split()


# -- processes that outlive their master


@BOTH
@pytest.mark.parametrize("how", [(), ("--purge",), REQUEUE, (*REQUEUE, "--purge")], ids=" ".join)
def test_daemons_that_outlive_their_master_keep_the_queue(how: tuple[str, ...], host: Host) -> None:
    """They answer 250 to a message, which is then somewhere."""
    host.postwrap(*CREATE)
    host.postconf("defer_transports=smtp", directory=OUT)
    with host.smtp(SECOND_ADDRESS) as client:
        client.mail("sender@example.net")
        assert client.rcpt("alice@example.com")[0] == 250
        client.putcmd("data")
        assert client.getreply()[0] == 354
        host.run("kill", "-KILL", master(host))
        host.wait_for(lambda: not host.running(OUT))
        assert {"smtpd", "cleanup"} <= set(workers(host))
        done = host.postwrap("remove", "out", *how, check=False)
        client.send(b"Subject: precious\r\n\r\nprecious\r\n.\r\n")
        assert client.getreply()[0] == 250
        assert done.returncode == 3, done.stderr
        assert re.search(r"smtpd \(process \d+\)", done.stderr)
        assert re.search(r"cleanup \(process \d+\)", done.stderr)
        assert host.sh(EVERYWHERE).stdout.count("\n") == 1
        (remedy,) = remedies(done.stderr)
        assert re.fullmatch(r"kill [\d ]+", remedy)
        host.sh(remedy)
    host.wait_for(lambda: not workers(host))
    done = host.postwrap("remove", "out", *REQUEUE, "--purge")
    assert left_of(host) == ""
    assert "has taken over 1 message" in done.stderr


def test_the_master_of_another_configuration_is_named(talk: Host) -> None:
    """Whoever works there counts; who has a master is ended with it."""
    talk.sh("cp -a /etc/postfix-out /etc/postfix.other")
    talk.sh("postfix -c /etc/postfix-out stop; postfix -c /etc/postfix.other start")
    talk.sh("mv /etc/postfix.other /etc/other")
    # Its process ID is another's: it is not the running instance any more.
    pid = master(talk)
    talk.write("/var/spool/postfix-out/pid/master.pid", "1\n")
    done = talk.postwrap("remove", "out", "--purge", check=False)
    assert done.returncode == 3
    assert f"master (process {pid})" in done.stderr
    assert remedies(done.stderr) == [f"kill {pid}"]
    assert talk.exists("/var/spool/postfix-out/active")


@pytest.mark.parametrize("how", ["cwd", "root", "fd"])
def test_whoever_works_in_the_queue_keeps_it(how: str, talk: Host) -> None:
    talk.run("postfix", "-c", OUT, "stop")
    spool = "/var/spool/postfix-out"
    script = {
        "cwd": f"cd {spool}/deferred; exec sleep 600",
        "root": f"exec {talk.python} -c 'import os,time; os.chroot(\"{spool}\"); time.sleep(600)'",
        "fd": f"exec sleep 600 <{spool}/deferred/kept",
    }[how]
    talk.write(f"{spool}/deferred/kept", "x")
    worker = talk.popen("sh", "-c", script)
    program = "python" if how == "root" else "sleep"
    talk.wait_for(lambda: talk.run("pgrep", "-f", "sleep.600", check=False).returncode == 0)
    time.sleep(0.5)
    try:
        done = talk.postwrap("remove", "out", "--purge", check=False)
        refused = talk.postwrap("requeue", spool, "default", check=False)
    finally:
        (remedy,) = set(remedies(done.stderr)) & set(remedies(refused.stderr))
        talk.sh(remedy)
        worker.wait()
    assert (done.returncode, refused.returncode) == (3, 3)
    assert re.search(rf"{program}\S* \(process \d+\) works in it", done.stderr)
    assert f"waiting for {program}" in refused.stderr
    talk.postwrap("remove", "out", "--purge")
    assert not talk.exists(spool)


def test_a_hung_submission_is_named_at_once(host: Host) -> None:
    """What a killed run left is put back only when nobody submits any more."""
    assert killed(host, "after", steps(host, *CREATE), *CREATE)
    with host.popen("sendmail", "-C", OUT, "alice", user="app", stdin=-1) as hung:
        assert hung.stdin
        hung.stdin.write(b"Subject: hung\n\n" + b"x\n" * 10000)
        hung.stdin.flush()
        host.wait_for(lambda: "postdrop" in workers(host))
        path = str(CHECKOUT / "generator")
        began = time.monotonic()
        environment = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        with host.popen(host.python, "-m", "postwrap", "remove", "out", env=environment) as run:
            assert run.stderr
            for line in run.stderr:
                if b"waiting for" in line:
                    break
            assert time.monotonic() - began < 40
            told = line.decode()
            assert re.search(r"1 message to be submitted by .*postdrop \(process \d+\)", told)
            (remedy,) = re.findall(r"; (kill [\d ]+) ends that", told)
            host.sh(remedy)
            assert b"was removed" in run.communicate(timeout=60)[0]
        hung.kill()
    assert left_of(host) == ""


# -- looking into a queue that is in use


def test_a_busy_queue_is_counted(host: Host) -> None:
    host.postconf("relayhost=[127.0.0.1]:2525")
    host.run("postfix", "reload")
    host.sink("127.0.0.1", 2525)
    ended = threading.Event()

    def submitting() -> None:
        while not ended.is_set():
            submit(host, "b@example.net", command=("sendmail", "-f", "a@example.com"))

    threads = [threading.Thread(target=submitting) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        done = python(host, COUNT)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


COUNT = """
import time
from postwrap.filesystem import Filesystem
from postwrap.provision.engine.requeue import has_mail
count, end = 0, time.monotonic() + 8
while time.monotonic() < end:
    has_mail(Filesystem(), "/var/spool/postfix")
    count += 1
print(count)
"""


# -- users who meddle


def test_a_new_directory_that_is_swapped_for_a_link(host: Host) -> None:
    """mail_owner, in whose directory it is made, gains nothing of root's."""
    host.postwrap(*CREATE)
    host.postconf("defer_transports=smtp", directory=OUT)
    submit(host, "bob@nowhere.example")
    host.wait_for(lambda: any(m["queue_name"] == "deferred" for m in queue(host, OUT)))
    host.run("mkdir", "-p", "/etc/victim")
    done = python(host, SWAP, "remove", "out", *REQUEUE)
    assert "swapped" in done.stdout
    assert host.sh("stat -c '%U %G %a' /etc/victim; ls -A /etc/victim").stdout == "root root 755\n"
    assert done.returncode == 4
    assert "is a symbolic link" in done.stderr
    # What was done is undone, and the message is where it was.
    assert len(queue(host, OUT)) == 1
    assert host.running(OUT)


SWAP = """
import os, sys
real = os.mkdir
def mkdir(path, *args, dir_fd=None):
    real(path, *args, dir_fd=dir_fd)
    above = f"/proc/self/fd/{dir_fd}" if dir_fd is not None else os.path.dirname(path)
    place = os.path.realpath(above) + "/" + os.path.basename(path)
    if place.startswith("/var/spool/postfix/defer"):
        os.rename(place, place + ".moved")
        os.symlink("/etc/victim", place)
        print("swapped", flush=True)
os.mkdir = mkdir
sys.argv = ["postwrap", *sys.argv[1:]]
from postwrap.cli import main
main()
"""


def test_what_one_instance_left_half_way_is_not_settled_by_another(host: Host) -> None:
    """Killed between two file systems; then another instance hands its mail to the same one."""
    host.sh("mkdir /mnt/fs; mount -t tmpfs tmpfs /mnt/fs")
    host.postconf("defer_transports=smtp")
    for name, address in (("out", ("--address", SECOND_ADDRESS)), ("two", ())):
        host.postwrap("create", name, *address, "--queue-directory", f"/mnt/fs/{name}")
        host.postconf("defer_transports=smtp", directory=f"/etc/postfix-{name}")
        host.run("postfix", "-c", f"/etc/postfix-{name}", "reload")
        submit(host, f"{name}@nowhere.example", command=("sendmail", "-C", f"/etc/postfix-{name}"))
    for name in ("out", "two"):
        host.wait_for(lambda name=name: queue(host, f"/etc/postfix-{name}"))  # type: ignore[misc]
    assert python(host, KILLED_OUT_OF_STAGE, "remove", "out", *REQUEUE, "--purge").returncode < 0
    host.postwrap("remove", "two", *REQUEUE, "--purge")
    host.postwrap("remove", "out", *REQUEUE, "--purge")
    recipients = sorted(m["recipients"][0]["address"] for m in queue(host))
    assert recipients == ["out@nowhere.example", "two@nowhere.example"]
    assert host.sh("ls -A /mnt/fs; ls -A /var/spool/postfix | grep postwrap || :").stdout == ""


KILLED_OUT_OF_STAGE = """
import os, signal, sys
real = os.rename
def rename(source, target, *, src_dir_fd=None, dst_dir_fd=None):
    above = f"/proc/self/fd/{src_dir_fd}" if src_dir_fd is not None else os.path.dirname(source)
    if os.path.realpath(above).startswith("/var/spool/postfix/.postwrap"):
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
os.rename = rename
sys.argv = ["postwrap", *sys.argv[1:]]
from postwrap.cli import main
main()
"""


def test_mail_is_nobodys_to_read_while_it_is_copied(host: Host) -> None:
    """An ordinary user tries to read it at every call that the copying makes."""
    host.sh("mkdir /mnt/fs; mount -t tmpfs tmpfs /mnt/fs")
    host.postconf("defer_transports=smtp")
    host.postwrap("create", "out", "--address", SECOND_ADDRESS, "--queue-directory", "/mnt/fs/out")
    host.postconf("defer_transports=smtp", directory=OUT)
    host.run("postfix", "-c", OUT, "reload")
    for number in range(3):
        submit(host, f"bob{number}@nowhere.example")
    host.wait_for(lambda: len(queue(host, OUT)) == 3)
    done = python(host, PEEK, "remove", "out", *REQUEUE, "--purge")
    assert done.returncode == 0, done.stderr
    tried = re.findall(r"^(peeked|READ)", done.stdout, re.MULTILINE)
    assert "peeked" in tried
    assert "READ" not in tried
    assert len(queue(host)) == 3


PEEK = """
import os, pwd, sys
user = pwd.getpwnam("app").pw_uid
def peek(event, args):
    if event == "open" or event.startswith(("os.", "shutil.")):
        if os.geteuid() or not os.path.exists("/var/spool/postfix"):
            return
        os.seteuid(user)
        try:
            for top in (t for t in os.listdir("/var/spool/postfix") if t.startswith(".postwrap")):
                print("peeked", flush=True)
                for name in os.listdir(f"/var/spool/postfix/{top}"):
                    with open(f"/var/spool/postfix/{top}/{name}", "rb") as file:
                        print("READ" if file.read() else "opened", flush=True)
        except OSError:
            pass
        finally:
            os.seteuid(0)
inside = False
def hook(event, args):
    global inside
    if not inside:
        inside = True
        try:
            peek(event, args)
        finally:
            inside = False
sys.addaudithook(hook)
sys.argv = ["postwrap", *sys.argv[1:]]
from postwrap.cli import main
main()
"""
