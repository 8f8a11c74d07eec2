"""Root types postwrap in a directory that an ordinary user has filled, in an environment of his.

Every verb does its work, and nothing of that user's is run.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import typer
from tests.harness.fresh import SOURCE, ReadyHost
from tests.harness.hostile import DIRECTORY, INSTALLER, MARKS, Trap

from postwrap.cli import app
from postwrap.cli.headings import ORDER, load

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

CERTIFICATE = ("--tls-cert", "/etc/tls.pem", "--tls-key", "/etc/tls.pem")
CREATE = ("create", "out", "--address", "10.0.0.7", "--add-address", "lo", *CERTIFICATE, "--yes")

# Each line is run in turn; the statuses are those that tell that it did its work.
LINES: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...] = (
    ((0,), ("--help",)),
    ((0,), ("help", "create")),
    ((0,), ("install",)),
    ((0,), ("list",)),
    ((0,), (*CREATE[:-1], "--dry-run")),
    ((0,), CREATE),
    ((0,), ("list", "--json")),
    ((0,), ("which", "mailq-out")),
    ((0,), ("each", "--", "postconf", "-h", "queue_directory")),
    *(((0,), (verb, "out")) for verb in ("reload", "stop", "start", "restart")),
    *(((0,), (verb, "out")) for verb in ("disable", "enable")),
    ((0,), ("queue", "-v")),
    ((0,), ("queue", "out", "--ids")),
    ((0,), ("map",)),
    ((0,), ("log", "out")),
    ((0,), ("trace", "postmaster@localhost")),
    ((0,), ("env", "out")),
    ((0,), ("shell", "out")),
    ((0,), ("role", "out", "outbound", "--yes")),
    ((0,), ("export",)),
    ((0,), ("apply", "--file", "/etc/instances.toml", "--yes")),
    ((0,), ("apply", "--file", "/etc/instances.toml", "--diff")),
    ((0, 1), ("check",)),
    ((0,), ("probe", "-w", "100")),
    ((0,), ("metrics",)),
    ((0,), ("metrics", "--textfile", "/srv/postwrap.prom")),
    ((0,), ("stats",)),
    ((0, 1), ("diff",)),
    ((0, 3), ("package", "--format", "rpm", "--output", "/srv")),
    ((0,), ("package", "--format", "deb", "--output", "/srv")),
    ((0,), ("rename", "out", "relay", "--yes")),
    ((0,), ("rename", "relay", "out", "--yes")),
    ((0,), ("remove", "out", "--requeue-to", "default", "--yes")),
    ((0,), ("renamed", "/etc/postfix-gone=/etc/postfix-new")),
    ((0,), ("requeue", "/var/spool/postfix-gone")),
    ((0,), ("uninstall",)),
)


@contextmanager
def lay(suite: str, *, fetches: bool = False) -> Iterator[tuple[ReadyHost, Trap]]:
    """Postfix runs, postwrap is installed by install.sh; on one of them sh is bash."""
    with ReadyHost(suite, fetches=fetches) as host:
        host.postconf("maillog_file=/var/log/maillog")
        host.start_default()
        host.install()
        declared = "[instance.out]\naddress = '10.0.0.7'\nrole = 'outbound'\n"
        host.write("/etc/instances.toml", f"{declared}[instance.gone]\nstate = 'absent'\n")
        host.sh(
            "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=out.example.com -days 9 "
            "-keyout /etc/tls.pem -out /etc/tls.crt; cat /etc/tls.crt >>/etc/tls.pem\n"
            "mkdir -p /var/spool/postfix-gone"
        )
        host.run("sendmail", "postmaster@localhost", input="Subject: x\n\nx\n")
        host.wait_log("status=", "postmaster@localhost")
        if suite == "bookworm":
            host.run("ln", "-sf", "bash", "/usr/bin/sh")
        trap = Trap(host)
        trap.lay()
        yield host, trap


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def laid(request: pytest.FixtureRequest) -> Iterator[tuple[ReadyHost, Trap]]:
    with lay(request.param) as made:
        yield made


@pytest.fixture(params=["bookworm", "trixie"])
def laid_alone(request: pytest.FixtureRequest) -> Iterator[tuple[ReadyHost, Trap]]:
    """The same for a test that takes postwrap away, and has pip fetch what it runs on."""
    with lay(request.param, fetches=True) as made:
        yield made


def typed(
    laid: tuple[ReadyHost, Trap], *argv: str, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Type a command there; the terminal's own way in is the machine's."""
    host, trap = laid
    words = [f"{name}={value}" for name, value in {**trap.environment, **(more or {})}.items()]
    return host.run("/usr/bin/env", *words, *argv, cwd=DIRECTORY, check=False, timeout=600)


def test_the_trap_works(laid: tuple[ReadyHost, Trap]) -> None:
    """Who trusts the directory or the environment is caught."""
    _, trap = laid
    typed(laid, "/bin/sh", "-c", "postconf -h mail_name")
    assert any(mark.startswith("program-postconf-") for mark in trap.marks())
    typed(laid, "/usr/bin/python3", "-c", "import typer")
    assert any(mark.startswith("module-") for mark in trap.marks())
    typed(laid, "/usr/bin/bash", "-c", "/usr/sbin/postconf -h mail_name; printf x")
    marks = trap.marks()
    assert any(mark.startswith("start-file-") for mark in marks)
    assert "function-printf" in marks
    assert any(mark.endswith("/usr/sbin/postconf") for mark in marks), "the linker tells of it"


def test_every_verb(laid: tuple[ReadyHost, Trap]) -> None:
    load(ORDER)
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {words[0] for _, words in LINES} - {"--help"} == set(verbs)
    _, trap = laid
    trap.marks()
    caught: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    for statuses, words in LINES:
        done = typed(laid, "/usr/local/sbin/postwrap", *words)
        line = " ".join(words)
        if marks := trap.marks():
            caught[line] = marks
        if done.returncode not in statuses or "hostile" in done.stderr or "foreign" in done.stdout:
            failed[line] = f"{done.returncode}: {done.stdout}{done.stderr}"
    assert caught == {}
    assert failed == {}


def test_what_programs_are_given(laid: tuple[ReadyHost, Trap]) -> None:
    """The whole environment of a program that postwrap starts, and where it starts."""
    host, _ = laid
    host.run("cp", "-a", "/usr/sbin/postconf", "/usr/sbin/postconf.real")
    host.write(
        "/usr/sbin/postconf",
        "#!/bin/dash\nread -r parent </proc/$PPID/comm\n"
        # What postfix(1) starts has what Postfix's own shell script gives it.
        "case $parent in python*) { pwd; /usr/bin/env; } >>/run/given ;; esac\n"
        'exec /usr/sbin/postconf.real "$@"\n',
        0o755,
    )
    try:
        typed(laid, "/usr/local/sbin/postwrap", "check")
        typed(laid, "/usr/local/sbin/postwrap", "check", more={"TZ": "Europe/Berlin"})
        given = host.read("/run/given").splitlines()
    finally:
        host.run("mv", "/usr/sbin/postconf.real", "/usr/sbin/postconf")
    assert {line for line in given if "=" not in line} == {"/"}
    names = {line.partition("=")[0] for line in given if "=" in line}
    # dash adds PWD to its own.
    assert names <= {"PATH", "LC_ALL", "MAIL_CONFIG", "TZ", "PWD"}
    assert "TZ=Europe/Berlin" in given
    assert not [line for line in given if DIRECTORY in line]


def test_a_shell_that_completes_is_not_started(laid: tuple[ReadyHost, Trap]) -> None:
    """Typer would ask bash, by PATH, for its version."""
    _, trap = laid
    done = typed(
        laid, "/usr/local/sbin/postwrap", "--version", more={"_POSTWRAP_COMPLETE": "source_bash"}
    )
    assert done.stdout.startswith("postwrap ")
    assert trap.marks() == []


def test_install_sh(laid_alone: tuple[ReadyHost, Trap]) -> None:
    """Again, with a new environment made; and away."""
    host, trap = laid_alone
    host.run("cp", "-a", SOURCE, "/srv/postwrap")
    host.run("chown", "-R", "root:root", "/srv/postwrap")
    host.sh("echo >>/srv/postwrap/packaging/launcher")
    trap.marks()
    for arguments in (("--yes",), ("--uninstall",)):
        done = typed(
            laid_alone, "/srv/postwrap/install.sh", *arguments, more=dict(host.environment)
        )
        assert trap.marks(INSTALLER) == []
        assert done.returncode == 0, done
    assert not host.exists("/usr/local/lib/postwrap")
    done = typed(laid_alone, "/srv/postwrap/install.sh", more={"PYTHON": f"{DIRECTORY}/python3"})
    assert done.returncode == 3
    assert "other users than root can change that program" in done.stderr
    assert MARKS not in done.stderr
