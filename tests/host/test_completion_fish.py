"""fish completion, asked for with `complete -C` and typed at a terminal: two instances."""

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
)
from tests.harness.terminals import Terminal, fish

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
    with fish(two.host) as terminal:
        yield terminal


def offered(two: Completing, line: str, user: str | None = None) -> dict[str, str]:
    """What fish offers after `line`, with its descriptions; it says nothing else."""
    result = two.host.run("fish", "-c", "complete -C $argv[1]", line, user=user)
    assert result.stderr == ""
    rows = (row.partition("\t") for row in result.stdout.splitlines())
    return {word: about for word, _, about in rows}


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(("line", "queues"), QUEUE_ID_CASES)
def test_queue_ids(two: Completing, name: str, line: str, queues: tuple[str, ...]) -> None:
    found = offered(two, line.format(name))
    lead = "-qI" if "-qI" in line else ""
    assert {word.removeprefix(lead) for word in found} - {"ALL", "-"} == two.queued(name, queues)
    for word, about in found.items():
        if word not in {"ALL", "-"}:
            assert about.startswith(("deferred, ", "hold, "))
            assert about.endswith(f"@{name}.example")


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(("line", "completed"), CASES)
def test_values(shell: Terminal, name: str, line: str, completed: str) -> None:
    line = line.replace("$(", "(")
    done = shell.complete(line.format(name, DIRECTORY[name]))
    assert done.line.rstrip(" /") == completed.format(name, DIRECTORY[name]).rstrip()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("postconf-out -X smtp_bind_address", {"smtp_bind_address6"}),
        ("postconf-default -X smtp_bind_address", {"smtp_bind_address"}),
        ("postlog-out -t ", {"postfix-out"}),
        ("postlog-default -t ", {"postfix"}),
        ("postlock-out -l ", {"flock", "fcntl", "dotlock"}),
        ("postconf-out -e no_such_parameter=", set()),
        ("postfix-out zz", set()),
        ("nice postfix-out rel", {"reload"}),
        ("postwrap install o", {"out"}),
        ("postwrap role out ", {"fallback-relay", "content-filter", "outbound", "backup-mx"}),
        ("postwrap which mailq-o", {"mailq-out"}),
    ],
)
def test_other_lines(two: Completing, line: str, words: set[str]) -> None:
    assert set(offered(two, line)) == words


@pytest.mark.parametrize("command", USAGES)
def test_every_option_with_its_description(two: Completing, command: str) -> None:
    version = two.host.run("postconf", "-dh", "mail_version").stdout.split(".")
    wanted = {
        option.flag: option.summary
        for option in USAGES[command].options
        if [int(n) for n in option.since.split(".") if n] <= [int(n) for n in version[:2]]
    }
    assert offered(two, f"{command}-out -") == wanted


def test_postwrap_itself(two: Completing) -> None:
    assert offered(two, "postwrap ") == {verb.name: verb.summary for verb in program().verbs}
    assert offered(two, "postwrap -") == {o.flag: o.summary for o in program().usage.options}
    for verb in program().verbs:
        wanted = {option.flag: option.summary for option in verb.usage.options}
        assert offered(two, f"postwrap {verb.name} -") == wanted
    every = {*offered(two, "postwrap stop ")}
    assert "default" in every
    for name in ("remove", "rename"):
        assert {*offered(two, f"postwrap {name} ")} == every - {"default"}


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("begun", ["", "it"])
def test_an_odd_value_makes_a_line_that_runs(
    two: Completing, shell: Terminal, quote: str, begun: str
) -> None:
    """TAB offers the value, and Enter writes the very same one back."""
    ask = ("postconf", "-c", DIRECTORY["out"], "-h", "smtpd_banner")
    two.host.run("postconf", "-c", DIRECTORY["out"], "-e", f"smtpd_banner={ODD}")
    assert two.host.run(*ask).stdout == f"{ODD}\n"
    done = shell.complete(f"postconf-out -e {quote}smtpd_banner={begun}")
    assert len(done.line) > len(ODD)
    shell.run(f"postconf-out -e {quote}smtpd_banner={begun}\t")
    assert two.host.run(*ask).stdout == f"{ODD}\n"


def test_a_map_with_spaces_makes_a_line_that_runs(two: Completing, shell: Terminal) -> None:
    shell.run("postmap-out hash:/etc/postfix-out/a\t")
    assert two.host.exists("/etc/postfix-out/a map out.db")
    two.host.run("rm", "/etc/postfix-out/a map out.db")


# -- what must not happen


@pytest.mark.parametrize("user", [None, "alice"])
def test_a_dead_instance_makes_no_noise(two: Completing, user: str | None) -> None:
    """What it can tell is offered: postconf gets as far as the names."""
    assert offered(two, "postqueue-dead -i ", user) == {}
    assert "ALL" in offered(two, "postsuper-dead -d ", user)
    assert "smtp_helo_name=" in offered(two, "postconf-dead -e smtp_", user)
    assert "smtp/unix" in offered(two, "postconf-dead -M s", user)


def test_a_dead_instance_still_offers_what_needs_no_answer(two: Completing) -> None:
    assert set(offered(two, "postfix-dead sto")) == {"stop"}


def test_an_ordinary_user(two: Completing) -> None:
    line = "postqueue-out -i "
    assert set(offered(two, line, "alice")) == two.queued("out", ["deferred"])
    two.host.run("postconf", "-c", DIRECTORY["out"], "-e", "authorized_mailq_users=root")
    found = offered(two, line, "alice")
    two.host.run("postconf", "-c", DIRECTORY["out"], "-X", "authorized_mailq_users")
    assert found == {}


def test_nothing_is_left_behind(two: Completing) -> None:
    """Neither variables nor functions; MAIL_CONFIG is what it was."""
    with fish(two.host, "set -gx MAIL_CONFIG /etc/postfix") as shell:
        shell.run("function snap; set -n >$argv[1]; functions -n | string split , >>$argv[1]; "
                  "echo $MAIL_CONFIG $PWD >>$argv[1]; end")  # fmt: skip
        shell.complete("postsuper-default -d ")
        shell.complete("postmap-default hash:/etc/pas")
        shell.run("snap /tmp/before; snap /tmp/before")
        shell.complete("postconf-out -e smtp_helo_name=")
        shell.complete("postsuper-out -d ")
        assert shell.complete("postlog-out -t p").line == "postlog-out -t postfix-out "
        shell.run("snap /tmp/after; functions -an | string split , | grep postwrap >/tmp/ours")
    assert two.host.read("/tmp/after") == two.host.read("/tmp/before")
    assert two.host.read("/tmp/ours").split() == ["__postwrap_complete"]


def test_nothing_is_read_before_it_is_wanted(two: Completing) -> None:
    result = two.host.run("fish", "-c", "functions -q __postwrap_complete; or echo none")
    assert result.stdout == "none\n"
