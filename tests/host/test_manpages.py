"""man(1), whatis(1) and apropos(1) on a host with two instances; install, diff and uninstall."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from postwrap.catalog import CATALOG

if TYPE_CHECKING:
    from tests.harness.host import Host

pytestmark = pytest.mark.bases("bookworm", "trixie")

NAMES = [command.name for command in CATALOG]


@pytest.fixture(scope="module")
def two(module_talk: Host) -> Host:
    module_talk.postwrap("install")
    # minbase roots have man-db told to leave the pages out of the index; ask for one.
    module_talk.run("mandb", "--quiet")
    return module_talk


def man(host: Host, *words: str, user: str | None = None) -> str:
    env = {"MANWIDTH": "132", "MANPAGER": "cat"}
    said = host.run("man", *words, user=user, env=env)
    assert said.stderr == ""
    return re.sub(r".\x08", "", said.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_each_wrapper_leads_to_its_instance(two: Host, name: str) -> None:
    section = {command.name: command.section for command in CATALOG}[name]
    for instance, directory in (("out", "/etc/postfix-out"), ("default", "/etc/postfix")):
        page = " ".join(man(two, str(section), f"{name}-{instance}").split())
        assert f"the Postfix instance in {directory} SYNOPSIS" in page
        said = two.run("whatis", "--long", f"{name}-{instance}").stdout
        assert said.startswith(f"{name}-{instance} ({section})")
        assert said.rstrip().endswith(f"instance in {directory}")


def test_man_tells_where_one_is(two: Host) -> None:
    page = " ".join(man(two, "mailq-out", user="alice").split())
    assert "/var/spool/postfix-out" in page
    assert "/var/lib/postfix-out" in page
    assert "listeners 10.0.0.1:smtp " in page
    assert "88.198.105.204, 127.0.0.1" in page, "inet_interfaces"
    default = " ".join(man(two, "mailq-default").split())
    assert "/var/spool/postfix " in default
    assert "listeners smtp " in default


def test_the_log_is_read_as_the_page_says(two: Host) -> None:
    two.run("/usr/local/sbin/postlog-out", "-t", "postfix-out/test", "a line of mine")
    page = man(two, "postlog-out")
    (command,) = re.findall(r"^ +(grep -F .*)$", page, re.MULTILINE)
    assert "a line of mine" in two.sh(command).stdout
    assert " postfix/" not in two.sh(command).stdout


def test_the_commands_of_the_page_run(two: Host) -> None:
    page = man(two, "postconf-out")
    commands = re.findall(r"^ +(postconf-out -.*)$", page, re.MULTILINE)
    assert len(commands) == 2
    said = [two.sh(command).stdout for command in commands]
    assert "queue_directory = /var/spool/postfix-out\n" in said[0]
    assert said[1].startswith("10.0.0.1:smtp ")


def test_apropos_finds_an_instance(two: Host) -> None:
    found = two.run("apropos", "--exact", "postfix-out", "mailq-out").stdout
    assert "mailq-out (1)" in found
    assert "/etc/postfix-out" in two.run("apropos", "Postfix instance").stdout


@pytest.mark.parametrize("words", [("8", "postwrap"), ("5", "postwrap.toml")])
def test_the_pages_of_postwrap(two: Host, words: tuple[str, str]) -> None:
    assert words[1] in man(two, *words)
    assert two.run("whatis", words[1]).stdout.startswith(f"{words[1]} ({words[0]})")


def test_diff_notices_what_the_page_tells(talk: Host) -> None:
    """A listener more in master.cf is a line of the page."""
    talk.postwrap("install")
    assert talk.postwrap("diff").stdout == ""
    talk.run("postconf", "-c", "/etc/postfix-out", "-Me", "2525/inet=2525 inet n - y - - smtpd")
    changed = talk.postwrap("diff", check=False)
    assert changed.returncode == 1
    assert "\n+10.0.0.1:smtp, 2525\n" in changed.stdout
    talk.postwrap("install")
    assert "10.0.0.1:smtp, 2525" in man(talk, "qshape-out")


def test_uninstall_takes_pages_and_completions_along(bare_host: Host) -> None:
    places = ("/usr/local/share/man", "/usr/local/share/bash-completion", "/usr/local/share/zsh",
              "/etc/fish", "/usr/local/lib/postwrap")  # fmt: skip
    before = bare_host.sh('find "$@" 2>/dev/null | sort || :', *places).stdout
    bare_host.postwrap("install")
    found = bare_host.sh('find "$@" | sort', *places).stdout.splitlines()
    for wanted in ("man1/mailq-default.1", "man8/postwrap.8", "completions/mailq-default",
                   "site-functions/_postwrap", "completions/mailq-default.fish",
                   "postwrap/instance-default"):  # fmt: skip
        assert [path for path in found if path.endswith(wanted)], wanted
    assert bare_host.postwrap("install").stdout.startswith("Nothing to do")
    bare_host.postwrap("uninstall")
    assert bare_host.sh('find "$@" 2>/dev/null | sort || :', *places).stdout == before


def test_in_a_home_directory(two: Host) -> None:
    """The user finds pages and completions by what the shells and man(1) read there."""
    env = {"XDG_RUNTIME_DIR": "/tmp"}
    two.postwrap("install", "--user", user="alice", env=env)
    path = {"PATH": "/home/alice/.local/bin:/usr/bin:/bin:/usr/sbin"}
    home = "/home/alice/.local/share"
    assert two.run("man", "-w", "mailq-out", user="alice", env=path).stdout.startswith(home)
    ask = (
        ". /usr/share/bash-completion/bash_completion; "
        "for load in __load_completion _comp_load; do "
        "declare -F $load >/dev/null && $load mailq-out; done; complete -p mailq-out"
    )
    assert "_postwrap" in two.run("bash", "-c", ask, user="alice", env=path).stdout
    fish = two.run("fish", "-c", "complete -C 'mailq-out -'", user="alice", env=path)
    assert "-v\tverbose" in fish.stdout
    engine = "/home/alice/.local/state/postwrap/complete"
    assert "reload" in two.run(engine, "postfix-out", "rel", user="alice").stdout
    two.postwrap("uninstall", "--user", user="alice", env=env)
