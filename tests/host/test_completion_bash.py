"""bash completion, at a terminal: two instances, with bash-completion and without."""

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
from tests.harness.terminals import Terminal, bash

from postwrap.catalog.usages import USAGES
from postwrap.cli.program import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.host import Host

pytestmark = pytest.mark.bases("bookworm", "trixie")

SOURCED = ". /usr/local/share/bash-completion/completions/postwrap"


@pytest.fixture(scope="module")
def two(module_host: Host) -> Completing:
    return completing(module_host)


@pytest.fixture(scope="module")
def shell(two: Completing) -> Iterator[Terminal]:
    with bash(two.host) as terminal:
        yield terminal


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(
    ("line", "queues"),
    QUEUE_ID_CASES,
)
def test_queue_ids(
    two: Completing, shell: Terminal, name: str, line: str, queues: tuple[str, ...]
) -> None:
    # One TAB more than a list needs: the IDs may have a beginning in common.
    shown = shell.complete(line.format(name), tabs=3).shown
    for queue_id in two.queued(name, queues):
        assert queue_id in shown
    for queue_id in two.queued(other(name)) | two.queued(name) - two.queued(name, queues):
        assert queue_id not in shown
    assert f"@{name}.example)" in shown, "who sent it"
    assert "(deferred, " in shown, "which queue it is in"
    assert ("ALL  (every message)" in shown) == line.startswith("postsuper")


@pytest.mark.parametrize("name", INSTANCES)
def test_the_one_message_on_hold(two: Completing, shell: Terminal, name: str) -> None:
    (queue_id,) = two.queued(name, ["hold"])
    line = f"postsuper-{name} -H {queue_id[:3]}"
    assert shell.complete(line).line == f"postsuper-{name} -H {queue_id} "


QUOTED = [
    ('postconf-{0} -e "smtp_helo_name=', 'postconf-{0} -e "smtp_helo_name=helo-{0}.example"'),
    ("posttls-finger-{0} -p '>=TLSv1.3", "posttls-finger-{0} -p '>=TLSv1.3' "),
]


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(("line", "completed"), [*CASES, *QUOTED])
def test_values(shell: Terminal, name: str, line: str, completed: str) -> None:
    done = shell.complete(line.format(name, DIRECTORY[name]))
    assert done.line.rstrip("/") == completed.format(name, DIRECTORY[name]).rstrip("/")


@pytest.mark.parametrize(("name", "tag"), [("default", "postfix"), ("out", "postfix-out")])
def test_log_tag(shell: Terminal, name: str, tag: str) -> None:
    assert shell.complete(f"postlog-{name} -t p").line == f"postlog-{name} -t {tag} "


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("postconf-out -X smtp_bind_address", "postconf-out -X smtp_bind_address6 "),
        ("postconf-default -X smtp_bind_address", "postconf-default -X smtp_bind_address "),
        ("postconf-out -# zz", "postconf-out -# zz"),
        ("postconf-out -e no_such_parameter=", "postconf-out -e no_such_parameter="),
        ("postfix-out zz", "postfix-out zz"),
        ("sudo postfix-out rel", "sudo postfix-out reload "),
    ],
)
def test_other_lines(shell: Terminal, line: str, completed: str) -> None:
    assert shell.complete(line).line == completed


@pytest.mark.parametrize("command", USAGES)
def test_every_option_with_its_description(two: Completing, shell: Terminal, command: str) -> None:
    version = two.host.run("postconf", "-dh", "mail_version").stdout.split(".")
    shown = shell.complete(f"{command}-out -", tabs=2).shown
    for option in USAGES[command].options:
        there = [int(n) for n in option.since.split(".") if n] <= [int(n) for n in version[:2]]
        assert (f"{option.flag}  ({option.summary})" in shown) == there, option


def test_postwrap_itself(shell: Terminal) -> None:
    shown = shell.complete("postwrap ", tabs=2).shown
    for verb in program().verbs:
        assert f"{verb.name}  (" in shown
        listed = shell.complete(f"postwrap {verb.name} -", tabs=3).shown
        for option in verb.usage.options:
            assert f"{option.flag}  ({option.summary})" in listed
    listed = shell.complete("postwrap -", tabs=3).shown
    for option in program().usage.options:
        assert option.flag in listed
    assert shell.complete("postwrap install o").line == "postwrap install out "
    assert shell.complete("postwrap role out fall").line == "postwrap role out fallback-relay "
    for name in ("remove", "rename"):
        listed = shell.complete(f"postwrap {name} ", tabs=2).shown
        assert "out" in listed
        assert "default" not in listed
    # Behind -- it is any command, and then files.
    line = "postwrap each out -- update-passw"
    assert shell.complete(line).line == f"{line}d "
    assert shell.complete("postwrap each o").line == "postwrap each out "
    assert shell.complete("postwrap which mailq-o").line == "postwrap which mailq-out "
    assert shell.complete("postwrap create x --role=outb").line == (
        "postwrap create x --role=outbound "
    )


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize("begun", ["", "it"])
def test_an_odd_value_makes_a_line_that_runs(
    two: Completing, shell: Terminal, quote: str, begun: str
) -> None:
    """TAB offers the value, and Enter writes the very same one back; so with an X at its end."""
    ask = ("postconf", "-c", DIRECTORY["out"], "-h", "smtpd_banner")
    before = two.host.run(*ask).stdout
    assert before == f"{ODD}\n"
    shell.run(f"postconf-out -e {quote}smtpd_banner={begun}\t")
    assert two.host.run(*ask).stdout == before
    shell.run(f"postconf-out -e {quote}smtpd_banner={begun}\tX")
    assert two.host.run(*ask).stdout == f"{ODD}X\n"
    two.host.run("postconf", "-c", DIRECTORY["out"], "-e", f"smtpd_banner={ODD}")


def test_a_map_with_spaces_makes_a_line_that_runs(two: Completing, shell: Terminal) -> None:
    for line in (
        "postmap-out hash:/etc/postfix-out/a\t",
        'postmap-out "hash:/etc/postfix-out/a\t',
        "postmap-out 'hash:/etc/postfix-out/a\t",
    ):
        shell.run(line)
        assert two.host.exists("/etc/postfix-out/a map out.db"), line
        two.host.run("rm", "/etc/postfix-out/a map out.db")


# -- what must not happen


DEAD = ["postconf-dead -e smtp_", "postqueue-dead -i ", "postsuper-dead -d z",
        "postconf-dead -M s", "postfix-nosuch st"]  # fmt: skip


@pytest.mark.parametrize("user", [None, "alice"])
@pytest.mark.parametrize("line", DEAD)
def test_a_dead_instance_makes_no_noise(two: Completing, user: str | None, line: str) -> None:
    with bash(two.host, user=user) as shell:
        done = shell.complete(line)
    assert done.line == line
    assert done.shown.split("% ")[-1].strip() == line.strip(), "nothing but what was typed"


def test_a_dead_instance_still_offers_what_needs_no_answer(shell: Terminal) -> None:
    assert shell.complete("postfix-dead sto").line == "postfix-dead stop "
    assert "-p  (list the queue)" in shell.complete("postqueue-dead -", tabs=2).shown


def test_an_ordinary_user(two: Completing) -> None:
    with bash(two.host, user="alice") as shell:
        shown = shell.complete("postqueue-out -i ", tabs=3).shown
        assert all(queue_id in shown for queue_id in two.queued("out", ["deferred"]))
        two.host.run("postconf", "-c", DIRECTORY["out"], "-e", "authorized_mailq_users=root")
        line = "postqueue-out -i "
        assert shell.complete(line).shown.split("% ")[-1].strip() == line.strip()
        two.host.run("postconf", "-c", DIRECTORY["out"], "-X", "authorized_mailq_users")


SNAPSHOT = (
    "snap() { { compgen -v; compgen -A function; shopt -p; set +o; complete -p; declare -p IFS; "
    "env; pwd; } >$1; }; "
)


def test_nothing_is_left_behind(two: Completing) -> None:
    """Neither variables nor functions nor options; MAIL_CONFIG is what it was."""
    with bash(two.host, f"export MAIL_CONFIG=/etc/postfix; {SOURCED}") as shell:
        shell.run(f"{SNAPSHOT} :")
        shell.run("snap /tmp/before; snap /tmp/before")
        for line in ("postconf-out -e smtp_helo_name=", "postsuper-out -d ", "postwrap role out "):
            shell.complete(line, tabs=2)
        assert shell.complete("postlog-out -t p").line == "postlog-out -t postfix-out "
        shell.run("snap /tmp/after")
    assert two.host.read("/tmp/after") == two.host.read("/tmp/before")


def test_what_is_read_defines_three_functions(two: Completing) -> None:
    with bash(two.host, "true") as shell:
        shell.run("compgen -A function | sort >/tmp/f1; compgen -v | sort >/tmp/v1")
        shell.run(SOURCED)
        shell.run("compgen -A function | sort >/tmp/f2; compgen -v | sort >/tmp/v2")
    news = set(two.host.read("/tmp/f2").split()) - set(two.host.read("/tmp/f1").split())
    assert news == {"_postwrap", "_postwrap_add", "_postwrap_split"}
    assert two.host.read("/tmp/v1").split() == two.host.read("/tmp/v2").split()


def test_without_bash_completion(two: Completing) -> None:
    with bash(two.host, SOURCED) as shell:
        assert shell.complete("postfix-out rel").line == "postfix-out reload "
        assert (
            shell.complete("postconf-default -M onl").line
            == "postconf-default -M onlydefault/unix "
        )
        assert shell.complete("postwrap uni").line == "postwrap uninstall "


def test_nothing_is_read_before_it_is_wanted(two: Completing, shell: Terminal) -> None:
    with bash(two.host) as fresh:
        said = fresh.run("declare -F _postwrap; complete -p mailq-out")
    assert "no completion specification" in said


@pytest.mark.parametrize(
    "setting",
    ["set -eu", "shopt -s failglob", "shopt -s nullglob", "shopt -s nocasematch", "set -f",
     "IFS=po", "set -o posix", "COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]/}", "PATH=",
     "mkdir /tmp/gone$$; cd /tmp/gone$$; rmdir /tmp/gone$$"],
)  # fmt: skip
def test_shells_of_all_sorts(two: Completing, setting: str) -> None:
    with bash(two.host, f"{SOURCED}; {setting}") as shell:
        assert shell.complete("postlog-out -t p").line == "postlog-out -t postfix-out "
        done = shell.complete("postconf-out -e smtp_helo_name=").line
        assert done == "postconf-out -e smtp_helo_name=helo-out.example"
        assert "still here" in shell.run("echo still' 'here")
