"""Native wrappers on a host: installed, kept, and taken back."""

from __future__ import annotations

import json
import platform

import pytest
from tests.harness.host import Host
from tests.harness.need import need

BOTH = pytest.mark.bases("bookworm", "trixie")
SCRIPT = b"#!/bin/sh\n"
ELF = b"\x7fELF"


@pytest.fixture(autouse=True)
def _machine() -> None:
    need(
        platform.machine() in {"x86_64", "aarch64"}, "there are native wrappers for these machines"
    )


def content(host: Host, name: str) -> bytes:
    directory = "bin" if name.startswith(("mailq", "newaliases")) else "sbin"
    return host.path(f"/usr/local/{directory}/{name}").read_bytes()


@BOTH
def test_they_do_what_the_scripts_do(talk: Host) -> None:
    talk.postwrap("install")
    lines = ("mailq-out", "postconf-out -n", "postqueue-out -j", "postmap-out -q x /etc/passwd")
    before = [talk.sh(line, check=False) for line in lines]
    assert "updated" in talk.postwrap("install", "--native").stdout
    assert content(talk, "mailq-out").startswith(ELF)
    after = [talk.sh(line, check=False) for line in lines]
    assert [(d.returncode, d.stdout, d.stderr) for d in before] == [
        (d.returncode, d.stdout, d.stderr) for d in after
    ]
    assert talk.run("postconf-out", "-h", "queue_directory").stdout == "/var/spool/postfix-out\n"
    shown = talk.run("/bin/sh", "-c", "grep -a MAIL_CONFIG= /usr/local/bin/mailq-out").stdout
    assert "export MAIL_CONFIG=/etc/postfix-out" in shown


def test_they_stay_until_they_are_taken_back(talk: Host) -> None:
    talk.postwrap("install")
    script = content(talk, "mailq-out")
    talk.postwrap("install", "--native")
    assert "up to date" in talk.postwrap("install").stdout
    assert talk.postwrap("diff").stdout == ""
    which = json.loads(talk.postwrap("which", "mailq-out", "--json").stdout)
    assert which["kind"] == f"native program for {platform.machine()}"
    assert which["state"] == "installed"
    talk.postwrap("install", "--no-native")
    assert content(talk, "mailq-out") == script


def test_the_settings_may_want_them(talk: Host) -> None:
    talk.write("/etc/postwrap.toml", 'wrappers = "native"\n')
    talk.postwrap("install")
    assert content(talk, "mailq-out").startswith(ELF)
    talk.write("/etc/postwrap.toml", 'wrappers = "shell"\n')
    talk.postwrap("install")
    assert content(talk, "mailq-out").startswith(SCRIPT)
    talk.write("/etc/postwrap.toml", 'wrappers = "fast"\n')
    done = talk.postwrap("install", check=False)
    assert done.returncode == 2
    assert 'postwrap.toml:1: wrappers: must be "shell" or "native"' in done.stderr


def test_scripts_where_there_is_no_code_for_the_machine(talk: Host) -> None:
    talk.sh(
        "mkdir -p /tree/etc/postfix-out /tree/usr/sbin; cd /tree/etc/postfix-out\n"
        "touch main.cf master.cf\n"
        "printf '\\177ELF\\002\\001\\001\\0\\0\\0\\0\\0\\0\\0\\0\\0\\003\\0\\363\\0'"
        " >/tree/usr/sbin/postqueue; chmod 755 /tree/usr/sbin/postqueue"
    )
    done = talk.postwrap("install", "--root=/tree", "--native")
    assert "there are none for this machine" in done.stderr
    assert talk.read("/tree/usr/local/sbin/postqueue-out").startswith("#!/bin/sh")


def test_a_package_has_scripts(talk: Host) -> None:
    talk.postwrap("install", "--native")
    talk.postwrap("package", "--format=tar", "--output=/tmp/out.tar.gz")
    talk.sh("mkdir /tmp/out && tar -C /tmp/out -xf /tmp/out.tar.gz")
    assert talk.read("/tmp/out/usr/bin/mailq-out").startswith("#!/bin/sh")


def test_both_at_once_are_refused(talk: Host) -> None:
    done = talk.postwrap("install", "--native", "--no-native", check=False)
    assert done.returncode == 2
    assert "--no-native" in done.stderr
