"""Where files go: a prefix, a staging directory, a foreign tree, a home directory."""

from __future__ import annotations

import json

import pytest
from tests.harness.host import Host

OUT = "/etc/postfix-out"


TREE = """
mkdir -p /tree/etc/postfix /tree/etc/postfix-out; cd /tree/etc
for d in postfix postfix-out; do touch $d/main.cf $d/master.cf; done
"""
"""Another root directory, with the files of two instances and without Postfix."""


@pytest.fixture
def two(talk: Host) -> Host:
    return talk


def listing(host: Host, directory: str) -> str:
    """Return paths, modes and checksums of all files below `directory`."""
    find = 'find . -printf "%p %m %l\\n"; find . -type f -exec sha256sum {} +'
    return host.sh(f'cd "$1"; {{ {find}; }} | sort', directory).stdout


def test_a_staging_directory_is_named_in_no_file(two: Host) -> None:
    two.postwrap("install", "--prefix=/usr", "--destdir=/stage/one")
    two.postwrap("install", "--prefix=/usr", "--destdir=/stage/other")
    assert listing(two, "/stage/one") == listing(two, "/stage/other")
    assert two.run("grep", "-r", "/stage", "/stage/one", check=False).stdout == ""
    assert two.exists("/stage/one/usr/bin/mailq-out")
    assert not two.exists("/usr/bin/mailq-out")
    assert not two.exists("/stage/one/usr/lib/postwrap/lock")


def test_a_package_can_be_built_where_it_is_installed(two: Host) -> None:
    two.postwrap("install", "--prefix=/usr", "--destdir=/stage/one")
    two.postwrap("install", "--prefix=/usr")
    two.postwrap("install", "--prefix=/usr", "--destdir=/stage/again")
    assert listing(two, "/stage/again/usr/bin") == listing(two, "/stage/one/usr/bin")
    assert two.run("/usr/bin/mailq-out").returncode == 0
    two.postwrap("uninstall", "--prefix=/usr")
    assert not two.exists("/usr/bin/mailq-out")


def test_a_foreign_tree_without_postfix(two: Host) -> None:
    two.sh(TREE)
    two.postwrap("install", "--root=/tree", "--prefix=/usr")
    assert "exec /usr/bin/mailq" in two.read("/tree/usr/bin/mailq-out")
    assert "exec /usr/sbin/postfix" in two.read("/tree/usr/sbin/postfix-out")
    assert two.postwrap("diff", "--root=/tree", "--prefix=/usr").stdout == ""


def test_a_package_goes_where_the_systems_pkg_config_files_say(two: Host) -> None:
    two.sh(TREE)
    two.write("/tree/usr/share/pkgconfig/fish.pc", _PC.format(name="fish"))
    two.write("/tree/usr/share/pkgconfig/bash-completion.pc", _PC.format(name="bash-completion"))
    two.postwrap("install", "--root=/tree", "--prefix=/usr")
    assert two.exists("/tree/usr/share/odd/fish/mailq-out.fish")
    assert two.exists("/tree/usr/share/odd/bash-completion/mailq-out")
    assert not two.exists("/tree/usr/share/bash-completion")
    two.postwrap("uninstall", "--root=/tree", "--prefix=/usr")
    assert two.run("find", "/tree/usr", "-name", "*-out*").stdout == ""
    two.run("rm", "-r", "/tree/usr/share/pkgconfig")
    # The administrator's own prefix is none of the distribution's business.
    two.postwrap("install", "--root=/tree")
    assert two.exists("/tree/usr/local/share/bash-completion/completions/mailq-out")


_PC = """\
prefix=/usr
completionsdir=${{prefix}}/share/odd/{name}
Name: {name}
Description: completions
Version: 1
"""


def test_a_user_has_commands_at_home(two: Host) -> None:
    two.postwrap("install", "--user", user="alice")
    assert two.run("find", "/usr/local", "-name", "*-out").stdout == ""
    two.postconf("mail_name=mine", directory=OUT)
    assert (
        two.run("/home/alice/.local/bin/postconf-out", "-h", "mail_name", user="alice").stdout
        == "mine\n"
    )
    assert "Mail queue is empty" in two.run("/home/alice/.local/bin/mailq-out", user="alice").stdout
    two.postwrap("uninstall", "--user", user="alice")
    assert two.run("find", "/home/alice", "-name", "*-out*").stdout == ""


def test_an_ordinary_user_may_not_install_for_all(two: Host) -> None:
    before = listing(two, "/usr/local")
    done = two.postwrap("install", user="alice", check=False)
    assert done.returncode == 3
    assert "--user" in done.stderr
    assert listing(two, "/usr/local") == before


def test_a_second_run_changes_nothing(two: Host) -> None:
    two.postwrap("install")
    everything = 'find /usr/local /etc/postfix* -printf "%p %T@ %C@ %i\\n" | sort'
    before = two.sh(everything).stdout
    assert "Nothing to do" in two.postwrap("install").stdout
    assert two.sh(everything).stdout == before
    assert two.postwrap("diff", "--quiet").stdout == ""


def test_names_narrow_a_run(two: Host) -> None:
    two.postwrap("install", "out")
    assert two.exists("/usr/local/bin/mailq-out")
    assert not two.exists("/usr/local/bin/mailq-default")
    two.postwrap("install", "default")
    two.postwrap("uninstall", "postfix-out")
    assert not two.exists("/usr/local/bin/mailq-out")
    assert two.exists("/usr/local/bin/mailq-default")


def test_a_dry_run_does_nothing_and_tells_all(two: Host) -> None:
    before = listing(two, "/usr/local")
    told = json.loads(two.postwrap("install", "--dry-run", "--json").stdout)
    assert listing(two, "/usr/local") == before
    two.postwrap("install")
    assert {c["action"] for c in told["changes"]} == {"add"}
    assert all(
        two.path(change["path"]).is_symlink() or two.exists(change["path"])
        for change in told["changes"]
    )


def test_without_postfix_it_says_so(bare_host: Host) -> None:
    bare_host.run("mv", "/usr/sbin/postconf", "/usr/sbin/postconf.away")
    done = bare_host.postwrap("install", check=False)
    assert done.returncode == 3
    assert "install Postfix" in done.stderr
