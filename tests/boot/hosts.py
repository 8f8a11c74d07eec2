"""Hosts to boot: what each distribution ships, and the instances of these tests on it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from tests.harness.boot import Boot
from tests.harness.need import need_root, need_tool

from postwrap.errors import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.boot import Booted

Kind = Literal["bookworm", "trixie", "plain"]

DEFAULT_UNITS: dict[Kind, str] = {
    "bookworm": "postfix@-.service",
    "trixie": "postfix.service",
    "plain": "postfix.service",
}
TEMPLATES: dict[Kind, str | None] = {
    "bookworm": "postmulti -i %i",
    "trixie": "MAIL_CONFIG=/etc/postfix-%I",
    "plain": None,
}

# As Fedora has it; Arch's and openSUSE's differ in the paths.
PLAIN_UNIT = """\
[Unit]
Description=Postfix Mail Transport Agent
After=syslog.target network.target

[Service]
Type=forking
PIDFile=/var/spool/postfix/pid/master.pid
ExecStart=/usr/sbin/postfix start
ExecReload=/usr/sbin/postfix reload
ExecStop=/usr/sbin/postfix stop

[Install]
WantedBy=multi-user.target
"""


def unit_of(kind: Kind, escaped: str) -> str:
    """The unit of the instance in /etc/postfix-NAME, NAME escaped."""
    return (
        f"postfix@{escaped}.service" if kind == "trixie" else f"postfix-instance@{escaped}.service"
    )


@contextmanager
def prepare(kind: Kind) -> Iterator[Boot]:
    """A host with the instances, postwrap installed on it, ready to boot.

    out, eu-west and /etc/postfix2 are the talk's; known is postmulti's; off is disabled, broken
    is, open and acl are for others to change, and /etc/postfix-policyd-spf-python is no instance.
    """
    need_root()
    need_tool("unshare", "nsenter", "debootstrap", "setfacl")
    with Boot("bookworm" if kind == "bookworm" else "trixie") as boot:
        if kind == "plain":
            take_template_away(boot)
        numbers = {"out": 1, "eu-west": 2, "off": 3, "broken": 4, "two": 5, "known": 6}
        numbers |= {"open": 7, "acl": 8}
        for name, number in numbers.items():
            if number > 1:
                boot.add_address(f"10.0.0.{number}")
            boot.talk_instance(name, f"10.0.0.{number}", start=False)
        boot.postconf("multi_instance_enable=no", directory="/etc/postfix-off")
        boot.write("/etc/postfix-broken/master.cf", "this is no master.cf\n")
        boot.run("chmod", "777", "/etc/postfix-open")
        boot.set_acl("u:40001:rw", "/etc/postfix-acl/main.cf")
        boot.write("/etc/postfix-policyd-spf-python/policyd-spf.conf", "")
        move_away_from_hyphen(boot, "two", "2")
        make_known_to_postmulti(boot, "known")
        boot.make_command()
        # One instance is broken, and others can change two: install says so.
        done = boot.postwrap("install", check=False)
        assert done.returncode == Status.FOUND, done.stderr
        assert done.stdout.startswith("Files: "), done.stderr
        yield boot


def take_template_away(boot: Boot) -> None:
    boot.sh(
        "rm -f /usr/lib/systemd/system/postfix* /etc/systemd/system/*.wants/postfix*\n"
        "rm -f /usr/lib/systemd/system-generators/postfix*"
    )
    boot.write("/usr/lib/systemd/system/postfix.service", PLAIN_UNIT)
    boot.run("systemctl", "enable", "postfix.service")


def move_away_from_hyphen(boot: Boot, name: str, new: str) -> None:
    """Make /etc/postfix-NAME /etc/postfixNEW, and its queue and data directory alike."""
    boot.sh(
        "for parent in /etc /var/spool /var/lib; do\n"
        '    mv "$parent/postfix-$1" "$parent/postfix$2"\n'
        "done\n"
        'sed -i "s/postfix-$1/postfix$2/g" /etc/postfix/main.cf "/etc/postfix$2/main.cf"',
        name,
        new,
    )
    boot.age()


def make_known_to_postmulti(boot: Boot, name: str) -> None:
    directory = f"/etc/postfix-{name}"
    boot.postconf(
        f"multi_instance_name=postfix-{name}", "multi_instance_enable=yes", directory=directory
    )
    boot.sh(
        "known=$(postconf -h alternate_config_directories)\n"
        'left=$(echo "$known" | sed "s|,* *$1||")\n'
        'postconf -e "alternate_config_directories = $left" "multi_instance_directories = $1"\n'
        "postmulti -e init",
        directory,
    )
    boot.age()


# One that has ended meanwhile has neither an environment nor a control group.
_MASTERS = r"""
for pid in $(pgrep -x -P 1 master); do
    where=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^config_directory=//p')
    unit=$(sed -n 's/^[0-9]*:name=systemd:.*\///p; s/^0::.*\///p' "/proc/$pid/cgroup" | head -n 1)
    [ -z "$where" ] || [ -z "$unit" ] || printf '%s\t%s\n' "$where" "$unit"
done 2>/dev/null
"""


def masters(machine: Booted) -> dict[str, str]:
    """The master(8) processes: the configuration directory of each, and the unit it runs under.

    A directory that two serve is an error.
    """
    listed = machine.sh(_MASTERS).stdout.split()
    pairs = list(zip(listed[::2], listed[1::2], strict=True))
    found = dict(pairs)
    assert len(found) == len(pairs), pairs
    return found


def score(machine: Booted, unit: str) -> float:
    """What systemd-analyze security says of a unit: the lower, the tighter."""
    last = machine.run("systemd-analyze", "security", "--no-pager", unit).stdout.splitlines()[-1]
    return float(last.split(":")[1].split()[0])
