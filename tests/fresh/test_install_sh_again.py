"""install.sh where Python and Postfix are: again, interrupted, as somebody else, elsewhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from tests.harness.fresh import PYTHON, READY, SOURCE, Item, ReadyHost, tree, vendored
from tests.harness.roots import root

LIB = "/usr/local/lib/postwrap"


@pytest.fixture
def suite() -> str:
    return "trixie"


@pytest.fixture
def ready(suite: str) -> Iterator[ReadyHost]:
    with ReadyHost(suite) as host:
        yield host


@pytest.fixture
def fetching(suite: str) -> Iterator[ReadyHost]:
    """A host where pip has its part."""
    with ReadyHost(suite, fetches=True) as host:
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


def test_where_pip_fails_nothing_stays(fetching: ReadyHost) -> None:
    before = tree(fetching)
    failed = fetching.install(env={"PIP_FIND_LINKS": "/nowhere"}, check=False)
    assert failed.returncode == 4
    assert "pip could not fetch what postwrap needs" in failed.stderr
    assert changed(before, tree(fetching)) == set()


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_what_is_fetched_is_small_and_pure(fetching: ReadyHost) -> None:
    """As requirements.txt says, by hash, and what a release has in vendor/ is the same."""
    fetching.install()
    assert_whole(fetching)
    place = f"{LIB}/{environments(fetching)[0]}"
    files = fetching.run("find", place, "-type", "f", "-printf", "%P %s\\n").stdout.splitlines()
    sizes = {name: int(size) for name, _, size in (line.rpartition(" ") for line in files)}
    assert not [name for name in sizes if name.endswith(".so")]
    modules = {n: s for n, s in sizes.items() if not n.endswith(".pyc")}
    assert sum(modules.values()) < 5_000_000
    inside = {name.partition("site-packages/")[2] for name in modules}
    released = {str(p.relative_to(vendored())) for p in vendored().rglob("*") if p.is_file()}
    assert released <= inside
    # A file with another content is not installed.
    wrong = fetching.path("/srv/wheels/click-8.1.8-py3-none-any.whl")
    wrong.write_bytes(wrong.read_bytes() + b"x")
    fetching.sh(f"echo >>{SOURCE}/packaging/requirements.txt")
    refused = fetching.install(check=False)
    assert refused.returncode == 4
    assert "HASH" in refused.stderr.upper()
    assert_whole(fetching)


def test_a_new_version_replaces_the_old_or_leaves_it_at_work(ready: ReadyHost) -> None:
    ready.install()
    old = tree(ready)
    module = f"{SOURCE}/generator/postwrap/__init__.py"
    ready.write(module, re.sub('__version__ = ".*"', '__version__ = "9.9"', ready.read(module)))
    ready.sh(f"mv {SOURCE}/vendor/click /root")
    failed = ready.install(check=False)
    ready.sh(f"mv /root/click {SOURCE}/vendor")
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
    assert f"{prefix}/bin is not in your PATH" in done.stdout
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


CHANGED = "Python has changed since postwrap was installed"
REMEDY = "  remedy: in the checkout or release of postwrap: {}\n"


def take_python_away(host: ReadyHost) -> None:
    """The interpreter that the environment leads to is gone."""
    host.sh("rm /usr/bin/python3")


def bring_another_python(host: ReadyHost) -> None:
    """/usr/bin/python3 is Debian 12's from now on, an interpreter of another minor version."""
    other = root("bookworm", READY)
    assert PYTHON["bookworm"] == "3.11"
    shutil.copy2(other / "usr/bin/python3.11", host.path("/usr/bin/python3.11"))
    shutil.copytree(other / "usr/lib/python3.11", host.path("/usr/lib/python3.11"), symlinks=True)
    host.run("ln", "-sfn", "python3.11", "/usr/bin/python3")
    assert host.run("python3", "-c", "import ssl, sys; print(sys.version_info[:2])").stdout == (
        "(3, 11)\n"
    )


@pytest.mark.parametrize("change", [take_python_away, bring_another_python])
def test_after_an_upgrade_of_python_every_verb_says_what_to_type(
    ready: ReadyHost, change: Callable[[ReadyHost], None]
) -> None:
    """As after an upgrade of the distribution: the environment's Python does not know it."""
    ready.install()
    made = environments(ready)
    change(ready)
    for verb in ("list", "check", "install", "create", "--version"):
        done = ready.run("postwrap", verb, check=False)
        assert done.returncode == 3, done
        assert done.stdout == ""
        python = f"postwrap: {LIB}/{made[0]}/bin/python: {CHANGED}\n"
        assert done.stderr == python + REMEDY.format("sudo ./install.sh")
    assert "Mail queue is empty" in ready.run("mailq-default").stdout
    ready.sh("cp -a /usr/local /srv/local")
    ready.install("--uninstall")
    assert not ready.exists("/usr/local/bin/mailq-default")
    assert environments(ready) == []
    ready.sh("rm -r /usr/local; cp -a /srv/local /usr/local")
    ready.install()
    assert_whole(ready)


def test_the_remedy_names_the_prefix(ready: ReadyHost) -> None:
    prefix = "/home/alice/it's mine"
    ready.install(f"--prefix={prefix}", user="alice")
    take_python_away(ready)
    done = ready.run(f"{prefix}/sbin/postwrap", "list", user="alice", check=False)
    assert done.returncode == 3
    again = r"./install.sh --prefix='/home/alice/it'\''s mine'"
    assert done.stderr.endswith(REMEDY.format(again))


def test_a_prefix_is_that_of_every_verb(ready: ReadyHost) -> None:
    ready.install("--prefix=/opt/mail")
    assert ready.exists("/opt/mail/bin/mailq-default")
    postwrap = "/opt/mail/sbin/postwrap"
    assert ready.run(postwrap, "diff", "--quiet").returncode == 0
    ready.run(postwrap, "create", "out", "--no-start", "--yes", timeout=120)
    assert ready.exists("/opt/mail/bin/mailq-out")
    assert not ready.exists("/usr/local/bin/mailq-out")
    ready.write("/etc/postwrap.toml", 'prefix = "/usr"\n')
    refused = ready.install("--prefix=/opt/mail", check=False)
    assert refused.returncode == 3
    assert 'says prefix = "/usr"' in refused.stderr


def test_an_older_installation_is_replaced(ready: ReadyHost) -> None:
    """Its link led to pip's own entry point, which no -I isolates."""
    ready.install()
    (only,) = environments(ready)
    old = f"{LIB}/venv-0123456789abcdef"
    ready.sh(f"mv {LIB}/{only} {old}; rm {old}/bin/postwrap*")
    entry = f"#!{old}/bin/python\nfrom postwrap.cli import main\nmain()\n"
    ready.write(f"{old}/bin/postwrap", entry, 0o755)
    ready.run("ln", "-sfn", f"{old}/bin/postwrap", "/usr/local/sbin/postwrap")
    assert ready.run("postwrap", "--version").stdout.startswith("postwrap ")
    ready.install()
    assert_whole(ready)
    assert "-I" in ready.read("/usr/local/sbin/postwrap")
    assert environments(ready) == [only]


def test_an_older_installation_is_taken_away(ready: ReadyHost) -> None:
    before = tree(ready)
    ready.install()
    (only,) = environments(ready)
    entry = f"#!{LIB}/{only}/bin/python\nfrom postwrap.cli import main\nmain()\n"
    ready.write(f"{LIB}/{only}/bin/postwrap", entry, 0o755)
    ready.install("--uninstall")
    assert changed(before, tree(ready)) == set()


def test_what_follows_create_goes_to_postwrap_create(ready: ReadyHost) -> None:
    ready.start_default()
    unasked = ready.install("--create", "out", "--address", "10.0.0.1", check=False)
    assert unasked.returncode == 3
    assert "give --yes: ./install.sh --yes --create out" in unasked.stderr
    assert not ready.exists("/etc/postfix-out")
    done = ready.install("--yes", "--create", "out", "--address", "10.0.0.1", check=False)
    assert done.returncode == 0, done
    assert ready.running("/etc/postfix-out")
    assert "Mail queue is empty" in ready.run("mailq-out", user="alice").stdout
    wrong = ready.install("--yes", "--create", "out", "--frobnicate", check=False)
    assert wrong.returncode == 2
    assert "--frobnicate" in wrong.stderr
