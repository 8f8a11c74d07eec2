"""Bad input to create: a message with its remedy, exit 3, and nothing changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pexpect  # type: ignore[import-untyped]
import pytest
from tests.harness.paths import CHECKOUT
from tests.harness.snapshot import Tree, tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.host import Host

CREATE = ("create", "more", "--address", "10.0.0.1")


def everything(host: Host) -> list[Tree]:
    return [tree(host, place) for place in ("/etc", "/usr/local", "/var/lib/postfix")]


def refuses(host: Host, reason: str, *args: str, status: int = 3, user: str | None = None) -> None:
    before, listed = everything(host), sorted(p.name for p in host.path("/var/spool").iterdir())
    done = host.postwrap(*(args or CREATE), check=False, user=user)
    assert done.returncode == status, done.stderr
    assert reason in done.stderr
    assert "remedy: " in done.stderr
    assert everything(host) == before
    assert sorted(p.name for p in host.path("/var/spool").iterdir()) == listed
    assert not host.exists("/var/lib/postwrap")


WORDS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "an address the host lacks": (("--address", "192.0.2.1"), "is not an address of this host", 3),
    "no address": (("--address", "10.0.0.1:x"), "is not a port", 2),
    "a missing certificate": (
        ("--tls-cert", "/etc/none.pem", "--tls-key", "/etc/none.pem"),
        "--tls-cert /etc/none.pem: no such file",
        3,
    ),
    "a file that is no certificate": (
        ("--tls-cert", "/etc/hosts", "--tls-key", "/etc/hosts"),
        "/etc/hosts, /etc/hosts: cannot be read",
        3,
    ),
    "a missing table": (("--header-checks", "/etc/none"), "/etc/none: no such file", 3),
    "another's queue": (
        ("--queue-directory", "/var/spool/postfix"),
        "is the queue_directory of /etc/postfix",
        3,
    ),
    "a taken directory": (("--data-directory", "/var/lib/dpkg"), "exists already", 3),
    "no such parent": (("--queue-directory", "/nowhere/queue"), "/nowhere: no such directory", 3),
    "no such source": (("--from", "/etc/postfix-none"), "is not an instance of this host", 3),
    "a role without an address": (("--role", "outbound"), "has to listen somewhere", 3),
    "no such device": (
        ("--address", "10.0.0.9", "--add-address", "nodev0"),
        "--add-address nodev0: no such device",
        3,
    ),
    "no setting": (("--set", "novalue"), "--set novalue: is not a setting", 2),
}


@pytest.mark.parametrize("case", WORDS)
def test_words(case: str, module_host: Host) -> None:
    options, reason, status = WORDS[case]
    refuses(module_host, reason, "create", "more", *options, status=status)


def test_a_port_of_another_program(module_host: Host) -> None:
    with module_host.sink("10.0.0.1", 2525):
        refuses(module_host, "10.0.0.1:2525: ", "create", "more", "--address", "10.0.0.1:2525")
    listener = module_host.popen("python3", "-c", ANYWHERE)
    assert listener.stdout is not None
    listener.stdout.readline()
    told = "10.0.0.1:2526: python3 listens at [::]:2526"
    refuses(module_host, told, "create", "more", "--address", "10.0.0.1:2526")
    listener.kill()
    listener.wait()


ANYWHERE = """
import socket, time
listener = socket.create_server(("::", 2526), family=socket.AF_INET6, dualstack_ipv6=True)
print("here", flush=True)
time.sleep(600)
"""


def test_not_root(module_host: Host) -> None:
    refuses(module_host, "takes root", user="alice")


def _broken(host: Host) -> None:
    host.postconf("mydestination=$nothing", "inet_interfaces=192.0.2.99")


def _unregistered_log(host: Host) -> None:
    host.run("postconf", "-MX", "postlog/unix-dgram")


def _no_postfix(host: Host) -> None:
    for place in ("/usr/sbin/postconf", "/usr/bin/postconf"):
        host.remove(place)


def _read_only(host: Host) -> None:
    host.sh("mount --bind /etc /etc && mount -o remount,bind,ro /etc")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_broken, "192.0.2.99"),
        (_unregistered_log, "/etc/postfix: "),
        (_no_postfix, "Postfix is not installed here"),
        (_read_only, "/etc: cannot be written to"),
    ],
)
def test_a_host_that_is_not_ready(
    spoil: Callable[[Host], None], reason: str, bare_host: Host
) -> None:
    spoil(bare_host)
    refuses(bare_host, reason)


def test_it_asks_once_on_a_terminal(module_host: Host) -> None:
    before = everything(module_host)
    path = str(CHECKOUT / "generator")
    command, environment = module_host.command(
        *(module_host.python, "-m", "postwrap", *CREATE),
        env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TERM": "dumb"},
    )
    program, *words = map(os.fsdecode, command)
    terminal = pexpect.spawn(program, words, env=environment, timeout=60, encoding="utf-8")
    terminal.expect("listens at +10.0.0.1:25")
    terminal.expect("Create it\\?")
    terminal.sendline("n")
    terminal.expect("not done")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 3
    assert everything(module_host) == before
    assert not module_host.exists("/var/lib/postwrap")
