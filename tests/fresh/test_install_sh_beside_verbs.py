"""install.sh while postwrap is at work: it waits, and takes no environment away that is in use."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from tests.fresh.test_install_sh_again import LIB, assert_whole, environments
from tests.harness.fresh import SOURCE, ReadyHost

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE = ("create", "out", "--no-start", "--yes")
RECORDS = "/var/lib/postwrap"


@pytest.fixture(params=["bookworm", "trixie"])
def ready(request: pytest.FixtureRequest) -> Iterator[ReadyHost]:
    with ReadyHost(request.param) as host:
        host.install("--yes")
        host.sh("postfix check || :; postwrap list")
        yield host


def changed(host: ReadyHost, version: str) -> None:
    """Make the checkout another version."""
    module = f"{SOURCE}/generator/postwrap/__init__.py"
    text = re.sub('__version__ = ".*"', f'__version__ = "{version}"', host.read(module))
    host.write(module, text)


def test_it_waits_for_a_verb_and_leaves_it_its_environment(ready: ReadyHost) -> None:
    changed(ready, "9.9")
    # A verb that is at work: it has the lock, and runs from the old environment.
    (old,) = environments(ready)
    ready.write(
        "/root/verb.py",
        "import os, sys, time\n"
        "sys.argv = ['postwrap', 'create', 'out', '--no-start', '--yes']\n"
        "from postwrap.provision.engine import undertaking\n"
        "take = undertaking.Undertaking.take\n"
        "def slowly(self, steps):\n"
        "    open('/root/at-work', 'w').close()\n"
        "    while not os.path.exists('/root/go'): time.sleep(0.05)\n"
        "    take(self, steps)\n"
        "undertaking.Undertaking.take = slowly\n"
        "from postwrap.launch import main\n"
        "main()\n",
    )
    verb = ready.popen(f"{LIB}/{old}/bin/python", "-I", "/root/verb.py")
    ready.wait_for(lambda: ready.exists("/root/at-work"), 60)
    installing = ready.popen(
        "sh", "-c", "cd /home/alice/postwrap; exec ./install.sh --yes", env=ready.environment
    )
    assert installing.stdout is not None
    first = [installing.stdout.readline(), installing.stdout.readline()]
    assert first[1] == b"waiting for another run of postwrap to end\n", first
    assert installing.poll() is None
    assert len(environments(ready)) == 2
    ready.write("/root/go", "")
    said, complaint = verb.communicate(timeout=120)
    assert verb.returncode == 0, (said, complaint)
    said, complaint = installing.communicate(timeout=120)
    assert installing.returncode == 0, (said, complaint)
    assert "9.9" in ready.run("postwrap", "--version").stdout
    assert not ready.exists(RECORDS + "/lock")
    assert_whole(ready)
    ready.run("postwrap", "remove", "out", "--purge", "--yes")
    assert not ready.exists(RECORDS)


def command_lines(ready: ReadyHost) -> str:
    """Those of all processes; some end while they are read."""
    return ready.run("sh", "-c", "cat /proc/[0-9]*/cmdline", check=False).stdout


def test_an_environment_in_use_goes_with_the_next_run(ready: ReadyHost) -> None:
    changed(ready, "9.9")
    (old,) = environments(ready)
    reader = ready.popen("postwrap", "log", "--follow")
    ready.wait_for(lambda: old in command_lines(ready), 30)
    time.sleep(1)
    said = ready.install("--yes").stdout
    assert f"{LIB}/{old} is in use" in said
    assert len(environments(ready)) == 2
    assert reader.poll() is None
    reader.kill()
    reader.communicate()
    ready.wait_for(lambda: old not in command_lines(ready), 30)
    ready.install("--yes")
    assert_whole(ready)


def test_who_begins_while_it_is_removed_is_told(ready: ReadyHost) -> None:
    (only,) = environments(ready)
    holder = ready.popen("flock", f"{LIB}/{only}", "sh", "-c", "echo held; sleep 2")
    assert holder.stdout is not None
    holder.stdout.readline()
    beginner = ready.popen("postwrap", "list")
    time.sleep(0.5)
    ready.sh(f"rm {LIB}/{only}/complete")
    _, complaint = beginner.communicate(timeout=30)
    holder.communicate(timeout=30)
    assert beginner.returncode == 3
    assert b"remedy: run the same command again" in complaint
