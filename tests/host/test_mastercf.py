"""What postwrap reads of master.cf beside what Postfix does with it: listeners and chroots."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.paths import CHECKOUT

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"

CASES = {
    "the talk": "",
    "one off": "postconf -c {} -e master_service_disable=submission/inet",
    "all off": "postconf -c {} -e master_service_disable=inet",
    "all off but one": "postconf -c {} -e 'master_service_disable=!mysub/inet, inet'",
    "the first match counts": "postconf -c {} -e 'master_service_disable=INET !mysub/inet'",
    "two negations": "postconf -c {} -e 'master_service_disable=!!submission.inet'",
    "no type": "postconf -c {} -e 'master_service_disable=submission, *'",
    "ports by name": "postconf -c {} -e 'known_tcp_ports=mysub=2587, submission=other=2588'",
    "level 0": "postconf -c {} -e compatibility_level=0",
    "level 3.6": "postconf -c {} -e compatibility_level=3.6",
}


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("script", CASES.values(), ids=list(CASES))
def test_what_is_read_is_what_postfix_does(host: Host, script: str) -> None:
    host.talk_instance(start=False)
    host.postconf("known_tcp_ports=mysub=2587, smtp=25, submission=587", directory=OUT)
    for name in ("submission", "mysub"):
        line = f"{name}/inet={name} inet n - - - - smtpd"
        host.run("postconf", "-c", OUT, "-Me", line)
    host.postconf("inet_interfaces=10.0.0.1", directory=OUT)
    # All columns as Postfix has them by default.
    host.run("postconf", "-c", OUT, "-F", "*/unix/chroot=-", "qmgr/unix/chroot=-")
    for program in ("local", "virtual", "pipe"):
        host.sh(f'postconf -c {OUT} -M | awk \'$8 == "{program}" {{print $1"/"$2}}\' >/tmp/names')
        host.sh(f"while read -r n; do postconf -c {OUT} -F $n/chroot=n; done </tmp/names")
    host.sh(script.format(OUT))
    host.age()
    host.run("postfix", "-c", OUT, "start")
    told = read(host)
    # It runs the same in the jail as outside: what is looked at is how master(8) starts it.
    assert told["listens"] == listening(host)
    assert told["chroots"] == {name: is_started_chrooted(host, name) for name in ("qmgr", "pickup")}


_READ = """
import json
from postwrap.cli.program import program
from postwrap.installation import Installation, Where
model = Installation(Where(), program()).model
out = model.of("/etc/postfix-out")
print(json.dumps({
    "listens": sorted(str(listener) for listener in out.listeners),
    "chroots": {s.name: s.chroot for s in out.services if s.name in ("qmgr", "pickup")},
}))
"""


def read(host: Host) -> dict[str, object]:
    """What postwrap says of the secondary instance."""
    path = str(CHECKOUT / "generator")
    done = host.run(host.python, "-c", _READ, env={"PYTHONPATH": path})
    return dict(json.loads(done.stdout))


def listening(host: Host) -> list[str]:
    """The sockets that the secondary's master(8) holds."""
    pid = host.read("/var/spool/postfix-out/pid/master.pid").strip()
    script = f"ss -Hltnp | awk '/pid={pid},/ {{print $4}}' | sort"
    return host.sh(script).stdout.split()


def is_started_chrooted(host: Host, program: str) -> bool:
    """Whether the secondary's ``program`` was started with -c."""
    pid = host.read("/var/spool/postfix-out/pid/master.pid").strip()
    script = f"for i in 1 2 3 4 5 6 7 8 9; do pgrep -P {pid} -x {program} && exit; sleep 1; done"
    found = host.sh(script).stdout.split()[0]
    return "-c" in host.read(f"/proc/{found}/cmdline").split("\0")
