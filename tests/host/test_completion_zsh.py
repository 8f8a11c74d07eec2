"""zsh completion, at a terminal: two instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.completing import (
    CASES,
    DIRECTORY,
    INSTANCES,
    ODD,
    QUEUE_ID_CASES,
    Completing,
    completing,
    other,
)
from tests.harness.terminals import Terminal, zsh

from postwrap.catalog.usages import USAGES
from postwrap.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.host import Host

pytestmark = pytest.mark.bases("bookworm", "trixie")


@pytest.fixture(scope="module")
def two(module_host: Host) -> Completing:
    return completing(module_host)


@pytest.fixture(scope="module")
def shell(two: Completing) -> Iterator[Terminal]:
    with zsh(two.host) as terminal:
        yield terminal


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(("line", "queues"), QUEUE_ID_CASES)
def test_queue_ids(
    two: Completing, shell: Terminal, name: str, line: str, queues: tuple[str, ...]
) -> None:
    # One TAB more than a list needs: the IDs may have a beginning in common.
    shown = shell.complete(line.format(name), tabs=2).shown
    for queue_id in two.queued(name, queues):
        assert queue_id in shown
    for queue_id in two.queued(other(name)) | two.queued(name) - two.queued(name, queues):
        assert queue_id not in shown
    assert f"@{name}.example" in shown, "who sent it"
    assert "-- deferred, " in shown, "which queue it is in"
    assert ("-- every message" in shown) == line.startswith("postsuper")


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(("line", "completed"), CASES)
def test_values(shell: Terminal, name: str, line: str, completed: str) -> None:
    done = shell.complete(line.format(name, DIRECTORY[name]))
    assert done.line.rstrip("/") == completed.format(name, DIRECTORY[name])


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("postconf-out -X smtp_bind_address", "postconf-out -X smtp_bind_address6 "),
        ("postconf-default -X smtp_bind_address", "postconf-default -X smtp_bind_address "),
        ("postlog-out -t p", "postlog-out -t postfix-out "),
        ("postlog-default -t p", "postlog-default -t postfix "),
        ("postconf-out -e no_such_parameter=", "postconf-out -e no_such_parameter="),
        ("postfix-out zz", "postfix-out zz"),
        ("postfix-nosuch rel", "postfix-nosuch rel"),
        ("nice postfix-out rel", "nice postfix-out reload "),
        ("postwrap install o", "postwrap install out "),
        ("postwrap role out fall", "postwrap role out fallback-relay "),
        ("postwrap which mailq-o", "postwrap which mailq-out "),
        ("postwrap create x --role=outb", "postwrap create x --role=outbound "),
    ],
)
def test_other_lines(shell: Terminal, line: str, completed: str) -> None:
    assert shell.complete(line).line == completed


@pytest.mark.parametrize("command", USAGES)
def test_every_option_with_its_description(two: Completing, shell: Terminal, command: str) -> None:
    version = two.host.run("postconf", "-dh", "mail_version").stdout.split(".")
    shown = shell.complete(f"{command}-out -").shown
    words = shown.split()
    for option in USAGES[command].options:
        there = [int(n) for n in option.since.split(".") if n] <= [int(n) for n in version[:2]]
        assert (option.flag in words) == there
        assert (f"-- {option.summary}" in shown) == there, option


def test_postwrap_itself(shell: Terminal) -> None:
    words = shell.complete("postwrap ").shown.split()
    for verb in program().verbs:
        assert verb.name in words
        listed = shell.complete(f"postwrap {verb.name} --").shown.split()
        for option in verb.usage.options:
            assert option.flag in listed or len(option.flag) == 2
    for name in ("remove", "rename"):
        listed = shell.complete(f"postwrap {name} ").shown.split()
        assert "default" not in listed


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("begun", ["", "it"])
def test_an_odd_value_makes_a_line_that_runs(
    two: Completing, shell: Terminal, quote: str, begun: str
) -> None:
    """TAB offers the value, and Enter writes the very same one back; so with an X at its end."""
    ask = ("postconf", "-c", DIRECTORY["out"], "-h", "smtpd_banner")
    assert two.host.run(*ask).stdout == f"{ODD}\n"
    # zsh leaves an open quote for who typed it to close.
    shell.run(f"postconf-out -e {quote}smtpd_banner={begun}\t{quote}")
    assert two.host.run(*ask).stdout == f"{ODD}\n"
    shell.run(f"postconf-out -e {quote}smtpd_banner={begun}\tX{quote}")
    assert two.host.run(*ask).stdout == f"{ODD}X\n"
    two.host.run("postconf", "-c", DIRECTORY["out"], "-e", f"smtpd_banner={ODD}")


def test_a_map_with_spaces_makes_a_line_that_runs(two: Completing, shell: Terminal) -> None:
    shell.run("postmap-out hash:/etc/postfix-out/a\t")
    assert two.host.exists("/etc/postfix-out/a map out.db")
    two.host.run("rm", "/etc/postfix-out/a map out.db")


# -- what must not happen


DEAD = ["postconf-dead -e smtp_", "postqueue-dead -i ", "postsuper-dead -d z", "postconf-dead -M s"]


@pytest.mark.parametrize("user", [None, "alice"])
def test_a_dead_instance_makes_no_noise(two: Completing, user: str | None) -> None:
    with zsh(two.host, user=user) as shell:
        for line in DEAD:
            done = shell.complete(line)
            assert done.line == line
            assert "fatal" not in done.shown
            assert "postconf:" not in done.shown
            assert "error" not in done.shown
        assert shell.complete("postfix-dead sto").line == "postfix-dead stop "


def test_an_ordinary_user(two: Completing) -> None:
    with zsh(two.host, user="alice") as shell:
        shown = shell.complete("postqueue-out -i ", tabs=2).shown
        assert all(queue_id in shown for queue_id in two.queued("out", ["deferred"]))
        two.host.run("postconf", "-c", DIRECTORY["out"], "-e", "authorized_mailq_users=root")
        done = shell.complete("postqueue-out -i ")
        two.host.run("postconf", "-c", DIRECTORY["out"], "-X", "authorized_mailq_users")
        assert done.line == "postqueue-out -i "
        assert "fatal" not in done.shown


def test_nothing_is_left_behind(two: Completing) -> None:
    """Neither variables nor functions nor options; MAIL_CONFIG is what it was."""
    with zsh(two.host) as shell:
        shell.run("export MAIL_CONFIG=/etc/postfix")
        shell.run("snap() { { typeset +; print -l ${(ok)functions}; setopt; env; pwd } >$1 }")
        # The first completion loads what zsh's own completion system is made of.
        shell.complete("postsuper-default -d ")
        shell.complete("postconf-default -e smtp_helo_name=")
        shell.complete("postmap-default hash:/etc/pas")
        shell.run("snap /tmp/before; snap /tmp/before")
        for line in ("postconf-out -e smtp_helo_name=", "postsuper-out -d ", "postwrap role out "):
            shell.complete(line)
        assert shell.complete("postlog-out -t p").line == "postlog-out -t postfix-out "
        shell.run("snap /tmp/after")
        ours = shell.run("print -l ${(k)functions} | grep postwrap")
    assert two.host.read("/tmp/after") == two.host.read("/tmp/before")
    assert {word for word in ours.split() if word.startswith("_")} == {"_postwrap"}


def test_nothing_is_read_before_it_is_wanted(two: Completing) -> None:
    with zsh(two.host) as fresh:
        said = fresh.run("whence -v _postwrap; print ${#functions[_postwrap]}")
    assert "autoload shell function" in said


@pytest.mark.parametrize(
    "setting",
    ["setopt nounset", "setopt ksharrays", "setopt shwordsplit", "setopt noglob", "setopt errexit",
     "setopt cshnullglob", "zstyle ':completion:*' matcher-list 'm:{a-z}={A-Z}'",
     "zstyle ':completion:*' group-name ''", "IFS=po"],
)  # fmt: skip
def test_shells_of_all_sorts(two: Completing, setting: str) -> None:
    with zsh(two.host) as shell:
        shell.run(setting)
        assert shell.complete("postlog-out -t p").line == "postlog-out -t postfix-out "
        done = shell.complete("postconf-out -e smtp_helo_name=").line
        assert done == "postconf-out -e smtp_helo_name=helo-out.example"
        assert "still here" in shell.run("echo still' 'here")
