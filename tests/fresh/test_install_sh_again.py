"""install.sh where Python and Postfix are: again, interrupted, as somebody else, elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from tests.harness.fresh import SOURCE, Item, ReadyHost, tree

LIB = "/usr/local/lib/postwrap"


@pytest.fixture
def suite() -> str:
    return "trixie"


@pytest.fixture
def ready(suite: str) -> Iterator[ReadyHost]:
    with ReadyHost(suite) as host:
        yield host


def environments(host: ReadyHost, lib: str = LIB) -> list[str]:
    return sorted(path.name for path in host.path(lib).glob("venv-*"))


def assert_whole(host: ReadyHost) -> None:
    """One environment, the link leads to it, and postwrap finds nothing to do."""
    (only,) = environments(host)
    link = host.path("/usr/local/sbin/postwrap")
    assert str(link.readlink()) == f"{LIB}/{only}/bin/postwrap"
    assert host.run("postwrap", "--version").stdout.startswith("postwrap ")
    assert host.run("postwrap", "diff", "--quiet", check=False).returncode == 0
    assert host.exists("/usr/local/bin/mailq-default")


def changed(before: dict[str, Item], after: dict[str, Item]) -> set[str]:
    paths = before.keys() | after.keys()
    return {path for path in paths if before.get(path) != after.get(path)}


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_second_run_writes_nothing_and_away_leaves_nothing(ready: ReadyHost) -> None:
    untouched = tree(ready)
    source_before = {p: i for p, i in tree(ready, times=True).items() if p.startswith(SOURCE)}
    ready.install()
    assert_whole(ready)
    once = tree(ready, times=True)
    assert {p: i for p, i in once.items() if p.startswith(SOURCE)} == source_before
    ready.install("--yes")
    assert changed(once, tree(ready, times=True)) == set()
    said = ready.install("--uninstall").stdout
    assert "packages" not in said
    assert changed(untouched, tree(ready)) == set()
    assert ready.install("--uninstall").stdout.startswith("nothing to do")


def test_where_pip_fails_nothing_stays(ready: ReadyHost) -> None:
    before = tree(ready)
    failed = ready.install(env={"PIP_FIND_LINKS": "/nowhere"}, check=False)
    assert failed.returncode == 4
    assert "pip could not install postwrap" in failed.stderr
    assert changed(before, tree(ready)) == set()


def test_a_new_version_replaces_the_old_or_leaves_it_at_work(ready: ReadyHost) -> None:
    ready.install()
    old = tree(ready)
    module = f"{SOURCE}/generator/postwrap/__init__.py"
    ready.write(module, re.sub('__version__ = ".*"', '__version__ = "9.9"', ready.read(module)))
    failed = ready.install(env={"PIP_FIND_LINKS": "/nowhere"}, check=False)
    assert failed.returncode == 4
    assert "remedy:" in failed.stderr
    assert {path for path in changed(old, tree(ready)) if not path.startswith(SOURCE)} == set()
    assert_whole(ready)
    ready.install()
    assert_whole(ready)
    assert ready.run("postwrap", "--version").stdout == "postwrap 9.9\n"


def unfinished(host: ReadyHost, pattern: str) -> Callable[[], bool]:
    return lambda: any(host.path(LIB).glob(f"venv-*/{pattern}"))


@pytest.mark.parametrize("moment", ["pyvenv.cfg", "lib/*/site-packages/jinja2", "bin/postwrap"])
def test_killed_and_run_again_it_is_whole(ready: ReadyHost, moment: str) -> None:
    """The kill leaves pip behind, still at work: the next run has to wait for it."""
    argv = ("sh", "-c", f"cd {SOURCE} && exec ./install.sh")
    running = ready.popen(*argv, env=ready.environment)
    ready.wait_for(unfinished(ready, moment), timeout=120)
    running.kill()
    running.wait()
    ready.install()
    assert_whole(ready)


def test_terminated_it_cleans_up_and_says_so(ready: ReadyHost) -> None:
    script = f"cd {SOURCE}; echo $$ >/run/install.pid; exec ./install.sh"
    running = ready.popen("sh", "-c", script, env=ready.environment)
    ready.wait_for(unfinished(ready, "pyvenv.cfg"), timeout=120)
    ready.sh("kill -TERM $(cat /run/install.pid)")
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 4
    assert b"interrupted" in errors
    assert b"run the same command again" in errors
    assert environments(ready) == []
    assert not ready.path("/usr/local/sbin/postwrap").is_symlink()


def test_two_runs_at_once_wait_for_one_another(ready: ReadyHost) -> None:
    argv = ("sh", "-c", f"cd {SOURCE} && exec ./install.sh")
    runs = [ready.popen(*argv, env=ready.environment) for _ in range(2)]
    for run in runs:
        _, errors = run.communicate(timeout=300)
        assert (run.returncode, errors) == (0, b"")
    assert_whole(ready)


def test_an_ordinary_user_in_a_prefix_with_a_space(ready: ReadyHost) -> None:
    prefix = "/home/alice/my tools"
    before = tree(ready)
    done = ready.install(f"--prefix={prefix}", user="alice")
    assert f"{prefix}/sbin is not in your PATH" in done.stdout
    assert ready.run(f"{prefix}/sbin/postwrap", "--version", user="alice").stdout.startswith(
        "postwrap"
    )
    assert "Mail queue is empty" in ready.run("/home/alice/.local/bin/mailq-default").stdout
    ready.install("--prefix", prefix, "--uninstall", user="alice")
    assert changed(before, tree(ready)) == set()


def test_staged_by_an_ordinary_user_it_knows_its_final_place_alone(ready: ReadyHost) -> None:
    ready.install("--prefix=/usr", "--destdir=/home/alice/stage", user="alice")
    found = ready.run("grep", "-rl", "home/alice/stage", "/home/alice/stage", check=False)
    assert (found.returncode, found.stdout) == (1, "")
    ready.run("cp", "-a", "/home/alice/stage/.", "/")
    ready.run("rm", "-r", "/home/alice/stage", SOURCE)
    assert ready.run("/usr/sbin/postwrap", "--version").stdout.startswith("postwrap ")
    assert ready.run("postconf-default", "-h", "mail_name").stdout == "Postfix\n"


def test_a_wrapper_edited_by_hand_stays(ready: ReadyHost) -> None:
    ready.install()
    ready.sh("echo '# mine' >>/usr/local/bin/mailq-default")
    done = ready.install("--uninstall", check=False)
    assert done.returncode == 1
    assert "/usr/local/bin/mailq-default" in done.stderr
    assert ready.read("/usr/local/bin/mailq-default").endswith("# mine\n")
    assert environments(ready) == []


def test_a_python_that_went_away_is_replaced(ready: ReadyHost) -> None:
    """As after an upgrade of the distribution: the old environment has no interpreter."""
    ready.install()
    (only,) = environments(ready)
    ready.run("ln", "-sfn", "/usr/bin/python3.1", f"{LIB}/{only}/bin/python3")
    assert ready.install("--uninstall", check=False).returncode == 3
    ready.install()
    assert_whole(ready)


def test_what_follows_create_goes_to_postwrap_create(ready: ReadyHost) -> None:
    ready.start_default()
    done = ready.install("--yes", "--create", "out", "--address", "10.0.0.1", "--yes", check=False)
    assert done.returncode == 0, done
    assert ready.running("/etc/postfix-out")
    assert "Mail queue is empty" in ready.run("mailq-out", user="alice").stdout
    wrong = ready.install("--create", "out", "--frobnicate", check=False)
    assert wrong.returncode == 2
    assert "--frobnicate" in wrong.stderr
