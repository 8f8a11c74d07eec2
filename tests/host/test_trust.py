"""Who can change a configuration: install, check, create and the boot hold one rule.

A host with an instance of every kind that others than root can change, and two that they cannot.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.need import need_tool
from tests.harness.paths import CHECKOUT

from postwrap.host.model import Init
from postwrap.layout import system_layout
from postwrap.render.boot import BootFacts, boot, generator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

ALICE = 40001
SCRIPT = "/etc/init.d/postfix-instances"
GENERATOR = generator(system_layout("/usr/local"))

# By the name of the instance: what is done to it (D is its directory), and by which path others
# than root can change it then.
KINDS: dict[str, tuple[str, str]] = {
    "opendir": ("chmod 777 $D", "$D"),
    "sticky": ("chmod 1777 $D", "$D"),
    "openfile": ("chmod 666 $D/main.cf", "$D/main.cf"),
    "adm": ("chgrp adm $D/main.cf; chmod 664 $D/main.cf", "$D/main.cf"),
    "rootgroup": ("chmod 664 $D/main.cf", "$D/main.cf"),
    "acldir": ("setfacl -m u:40001:rwx $D", "$D"),
    "aclmain": ("setfacl -m u:40001:rw $D/main.cf", "$D/main.cf"),
    "aclmaster": ("setfacl -m g:40001:rw $D/master.cf", "$D/master.cf"),
    "mailowner": ("chown postfix $D/main.cf", "$D/main.cf"),
    "home": (
        "chown alice $D/main.cf; mv $D/main.cf /home/alice/; ln -s /home/alice/main.cf $D",
        "/home/alice",
    ),
    "parent": (
        (
            "mkdir -p /srv/hers/etc; mv $D/master.cf /srv/hers/etc/; chown alice /srv/hers;"
            " ln -s ../../srv/hers/etc/master.cf $D"
        ),
        "/srv/hers",
    ),
    "linked": (
        "mkdir -m 1777 /srv/open; mv $D /srv/open/; ln -s /srv/open/postfix-linked $D",
        "/srv/open",
    ),
    "hop": (
        (
            "mkdir -p /srv/real /home/alice/hop; mv $D /srv/real/; ln -s /home/alice/hop/x $D;"
            " ln -s /srv/real/postfix-hop /home/alice/hop/x"
        ),
        "/home/alice",
    ),
    "herlink": (
        (
            "mkdir -p /srv/real; mv $D/main.cf /srv/real/; ln -s /srv/real/main.cf $D;"
            " chown -h alice $D/main.cf"
        ),
        "$D/main.cf",
    ),
    # Links to places of root's alone are no harm, nor is an ACL that lets somebody read.
    "fine": ("mkdir -p /srv/real; mv $D /srv/real/fine; ln -s ../srv/real/./fine $D", ""),
    "readable": ("setfacl -m u:40001:r $D/main.cf; setfacl -m d:u:40001:r $D", ""),
}
# Registered outside /etc, below a directory that is a user's.
ELSEWHERE = "/srv/team/postfix-away"
TEMPORARY = "/tmp/postfix-temporary"

# A second instance in all that matters here.
_MAKE = """
name=$1 D=$2
cp -a /etc/postfix "$D"
postconf -c "$D" -e "queue_directory = /var/spool/postfix-$name" \\
    "data_directory = /var/lib/postfix-$name" "syslog_name = postfix-$name" \\
    "inet_interfaces = 127.0.0.1" "master_service_disable = inet"
postconf -c "$D" -X alternate_config_directories
mkdir -p "/var/spool/postfix-$name"
install -d -o postfix -g postfix -m 700 "/var/lib/postfix-$name"
"""


def directory(name: str) -> str:
    return {"away": ELSEWHERE, "temporary": TEMPORARY}.get(name, f"/etc/postfix-{name}")


def path_of(name: str, path: str) -> str:
    return path.replace("$D", directory(name))


FAULTS = {
    **{directory(n): path_of(n, p) for n, (_, p) in KINDS.items() if p},
    ELSEWHERE: "/srv/team",
    TEMPORARY: "/tmp",
}
FINE = ["/etc/postfix-fine", "/etc/postfix-readable"]
assert len(FAULTS) + len(FINE) == len(KINDS) + 2


@pytest.fixture
def afflicted(layers: Layers, base: Path) -> Iterator[Host]:
    need_tool("setfacl")
    with layers.copy(base, "afflicted", afflict) as host:
        # What is below /tmp is not copied.
        host.sh(_MAKE, "temporary", TEMPORARY)
        host.age(TEMPORARY)
        yield host


def afflict(host: Host) -> None:
    """Make the instances."""
    host.postconf("inet_interfaces=127.0.0.1")
    host.sh("mkdir -p /srv/team")
    for name in (*KINDS, "away", "temporary"):
        host.sh(_MAKE, name, directory(name))
    host.postconf(f"alternate_config_directories={ELSEWHERE}, {TEMPORARY}")
    host.age()
    for name, (script, _) in KINDS.items():
        spoil(host, name, script)
    host.sh("chown 40001 /srv/team")
    # It makes the queue directory.
    host.run("postfix", "-c", FINE[0], "check")
    artifacts = boot(system_layout("/usr/local"), BootFacts(Init.SYSV))
    for artifact in (*artifacts, GENERATOR):
        host.write(artifact.path, artifact.content, artifact.mode)
    path = str(CHECKOUT / "generator")
    shim = f'#!/bin/sh\nPYTHONPATH={path} exec {host.python} -B -m postwrap "$@"\n'
    host.write("/usr/local/sbin/postwrap", shim, 0o755)


def spoil(host: Host, name: str, script: str) -> None:
    """Run one of KINDS."""
    for command in script.split("; "):
        if command.startswith("setfacl "):
            host.set_acl(command.split()[2], path_of(name, command.split()[3]))
        else:
            host.sh(f"D=$1; {command}", directory(name))


BOTH = pytest.mark.bases("bookworm", "trixie")


@BOTH
def test_install_serves_what_is_roots_alone_and_names_the_path(afflicted: Host) -> None:
    done = afflicted.postwrap("install", "--json", check=False)
    assert done.returncode == 1
    told = {p["subject"]: p for p in json.loads(done.stdout)["problems"]}
    assert set(told) == set(FAULTS)
    for place, path in FAULTS.items():
        assert told[place]["message"].startswith("can be changed by others than root: ")
        assert f"{path} " in told[place]["message"]
        assert told[place]["hint"]
        assert not afflicted.exists(f"/usr/local/bin/mailq{place.rpartition('/postfix')[2]}")
    for place in ("-default", "-fine", "-readable"):
        assert afflicted.exists(f"/usr/local/bin/mailq{place}")


@BOTH
def test_check_names_the_same(afflicted: Host) -> None:
    found = writable(afflicted)
    assert set(found) == set(FAULTS)
    for place, path in FAULTS.items():
        assert f"{path} " in found[place]["message"]


def writable(host: Host) -> dict[str, dict[str, str]]:
    done = host.postwrap("check", "--json", check=False)
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert {f["code"] for f in findings} >= {"writable"}
    return {f["instance"]: f for f in findings if f["code"] == "writable"}


@BOTH
@pytest.mark.parametrize("name", ["opendir", "aclmain", "home", "away", "mailowner"])
def test_create_copies_none_of_them_and_no_other_verb_uses_one(afflicted: Host, name: str) -> None:
    place = directory(name)
    for words in (
        ("create", "new", "--from", place, "--dry-run"),
        ("role", place, "outbound", "--dry-run"),
        ("remove", place, "--dry-run"),
        ("env", place),
        ("which", f"mailq-{name}"),
        ("log", place),
    ):
        done = afflicted.postwrap(*words, check=False)
        assert (words, done.returncode, done.stdout) == (words, 3, "")
        assert f"{FAULTS[place]} " in done.stderr
        assert "remedy: " in done.stderr


@BOTH
@pytest.mark.parametrize("shell", ["dash", "busybox sh"])
def test_the_boot_starts_the_same(afflicted: Host, shell: str) -> None:
    listed = afflicted.run(*shell.split(), GENERATOR.path, "--list").stdout
    lines = {line.split("\t")[0]: line.split("\t") for line in listed.splitlines()}
    assert lines.keys() == {"/etc/postfix", *FAULTS, *FINE}
    held = {
        d: why.rpartition(": see ")[2]
        for d, (_, _, starts, why) in lines.items()
        if starts == "no" and "others than root" in why
    }
    assert held == FAULTS
    assert all(lines[d][2] == "yes" for d in FINE)


@BOTH
def test_the_init_script_starts_the_same(afflicted: Host) -> None:
    done = afflicted.run(SCRIPT, "start", check=False)
    assert running(afflicted) == FINE
    for place, path in FAULTS.items():
        assert (
            f"{place}: left alone: it can be changed by others than root: see {path}\n"
            in done.stderr
        )
    assert afflicted.run(SCRIPT, "start", "opendir", check=False).returncode == 6
    assert running(afflicted) == FINE


def running(host: Host) -> list[str]:
    every = [*FAULTS, *FINE]
    done = [d for d in every if host.run("postfix", "-c", d, "status", check=False).returncode == 0]
    return sorted(done)


@pytest.fixture
def programs(afflicted: Host) -> Host:
    """Alice has put programs of her own where a main.cf of hers names them."""
    afflicted.sh(
        "mkdir -p /srv/evil\n"
        "for name in postmap postconf postfix postqueue sendmail; do\n"
        "    printf '#!/bin/sh\\necho \"$0 $*\" >>/srv/evil/ran\\n' >/srv/evil/$name\n"
        "    chmod 755 /srv/evil/$name\n"
        "done\n"
        "echo command_directory = /srv/evil >>/etc/postfix-openfile/main.cf"
    )
    return afflicted


@BOTH
def test_nothing_that_such_a_main_cf_names_is_run(programs: Host) -> None:
    for words in (("check",), ("list",), ("map",), ("install",), ("diff",)):
        programs.postwrap(*words, check=False)
    assert not programs.exists("/srv/evil/ran")


@BOTH
def test_a_default_instance_that_others_can_change(programs: Host) -> None:
    """It is named, the others are served, and their commands run nothing that it names."""
    programs.sh(
        "echo command_directory = /srv/evil >>/etc/postfix/main.cf\n"
        "echo sendmail_path = /srv/evil/sendmail >>/etc/postfix/main.cf\n"
        "chmod 666 /etc/postfix/main.cf"
    )
    done = programs.postwrap("install", check=False)
    assert done.returncode == 1
    assert "/etc/postfix: can be changed by others than root: /etc/postfix/main.cf" in done.stderr
    programs.run("/usr/local/sbin/postqueue-fine", "-j")
    programs.run("/usr/local/sbin/sendmail-fine", "-bp", check=False)
    found = writable(programs)
    assert set(found) == {"/etc/postfix", *FAULTS}
    done = programs.postwrap("create", "new", "--dry-run", check=False)
    assert done.returncode == 3
    assert "/etc/postfix/main.cf can be written to" in done.stderr
    assert "chmod go-w /etc/postfix/main.cf" in done.stderr
    assert not programs.exists("/srv/evil/ran")


@BOTH
def test_the_remedies_mend_them(afflicted: Host) -> None:
    """With the remedies of check pasted, all are root's alone, served and started."""
    found = writable(afflicted)
    afflicted.sh(found[TEMPORARY]["remedy"] + " || :")
    for place, finding in found.items():
        if place != TEMPORARY:
            afflicted.sh(finding["remedy"])
    afflicted.age()
    afflicted.postwrap("install", check=False)
    left = json.loads(afflicted.postwrap("check", "--json", check=False).stdout)["findings"]
    assert [f for f in left if f["code"] in {"writable", "not-served"}] == []
    # The one that moved is known by its new directory; the others were never made known.
    moved = [f for f in left if "temporary" in f["instance"] and f["code"] == "not-authorised"]
    assert moved == []
    listed = afflicted.run("dash", GENERATOR.path, "--list").stdout
    lines = [line.split("\t") for line in listed.splitlines()]
    assert {d for d, _, starts, _ in lines if starts == "yes"} >= {
        *(place.replace("/tmp/", "/etc/") for place in FAULTS),
        *FINE,
    }
    # Her home is as it was.
    assert afflicted.path("/home/alice").stat().st_uid == ALICE
    assert afflicted.path("/tmp").stat().st_mode & 0o1777 == 0o1777
