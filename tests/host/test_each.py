"""postwrap each: one command for all instances, also for those that are broken, stopped or slow."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postwrap.errors import Status

if TYPE_CHECKING:
    from tests.harness.host import Host

pytestmark = pytest.mark.bases("bookworm", "trixie")

WHERE = ("each", "--", "sh", "-c")


@pytest.fixture(scope="module")
def several(module_talk: Host) -> Host:
    """The talk's two instances; dead does not run, torn has a main.cf that Postfix cannot read."""
    host = module_talk
    for name in ("dead", "torn"):
        host.talk_instance(name, start=False)
    host.postconf("multi_instance_group=edge", directory="/etc/postfix-out")
    host.write("/etc/postfix-torn/main.cf", "this is = no main.cf\nat all\n")
    return host


def test_all_instances_in_order(several: Host) -> None:
    done = several.postwrap(*WHERE, 'echo "$MAIL_CONFIG"')
    assert done.stdout.split() == [
        "/etc/postfix",
        "/etc/postfix-dead",
        "/etc/postfix-out",
        "/etc/postfix-torn",
    ]
    done = several.postwrap("each", "torn", "out", "--", "printenv", "MAIL_CONFIG")
    assert done.stdout.split() == ["/etc/postfix-torn", "/etc/postfix-out"]
    done = several.postwrap("each", "--group", "edge", "--", "printenv", "MAIL_CONFIG")
    assert done.stdout == "/etc/postfix-out\n"


@pytest.mark.parametrize("parallel", ["1", "4"])
def test_a_broken_instance_stops_no_other(several: Host, parallel: str) -> None:
    """Its status is the highest; one that is slow is waited for."""
    script = "case $MAIL_CONFIG in */postfix-out) sleep 1 ;; esac; exec postconf -h queue_directory"
    done = several.postwrap("each", "--parallel", parallel, *WHERE[1:], script, check=False)
    assert done.stdout == "/var/spool/postfix\n/var/spool/postfix-dead\n/var/spool/postfix-out\n"
    assert done.returncode == 1
    assert "/etc/postfix-torn/main.cf" in done.stderr
    stopped = several.postwrap("each", "dead", "out", "--", "postfix", "status", check=False)
    assert stopped.returncode == 1


def test_statuses_are_not_changed(several: Host) -> None:
    """postmulti(1) makes 75 a 1, and stops at an instance that it cannot read."""
    script = "case $MAIL_CONFIG in */postfix-out) exit 75 ;; esac; exit 3"
    assert several.postwrap(*WHERE, script, check=False).returncode == 75
    assert several.postwrap(*WHERE, "kill -KILL $$", check=False).returncode == 128 + 9


ARGUMENTS = st.lists(
    st.binary(max_size=12).filter(lambda text: b"\0" not in text).map(os.fsdecode), max_size=4
)
ENDS = st.tuples(*[st.one_of(st.integers(0, 255), st.sampled_from(["TERM", "KILL", "HUP"]))] * 4)
SCRIPT = """
printf '[%s]' "$@" | od -An -v -tx1 | tr -d ' \\n'
echo
case $MAIL_CONFIG in
/etc/postfix) {} ;;
/etc/postfix-dead) ! postfix status 2>/dev/null && {} ;;
/etc/postfix-out) sleep 0.1; {} ;;
/etc/postfix-torn) ! postconf -h queue_directory 2>/dev/null && {} ;;
esac
"""


@given(ARGUMENTS, ENDS, st.sampled_from(["1", "4"]))
@settings(max_examples=12)
def test_any_arguments_and_statuses(
    several: Host, arguments: list[str], ends: tuple[int | str, ...], parallel: str
) -> None:
    """One that is down, one that cannot be read and a slow one change nothing for the others."""
    acts = [f"exit {end}" if isinstance(end, int) else f"kill -{end} $$" for end in ends]
    words = ("each", "--raw", "--parallel", parallel, "--", "sh", "-c", SCRIPT.format(*acts), "sh")
    done = several.postwrap(*words, *arguments, check=False)
    told = b"".join(b"[%s]" % os.fsencode(word) for word in arguments) or b"[]"
    assert done.stdout.splitlines() == [told.hex()] * 4
    numbers = [end if isinstance(end, int) else 128 + signal.Signals[f"SIG{end}"] for end in ends]
    assert done.returncode == max(numbers)


def test_each_gets_the_message(several: Host) -> None:
    """Standard input reaches each sendmail(1); as root and as an ordinary user."""
    words = ("each", "default", "out", "--", "sendmail", "-f", "app@example.com", "bob@h.invalid")
    for user in (None, "app"):
        several.postwrap(*words, user=user, input=f"Subject: x\n\nby {user}\n")
        for directory in ("/etc/postfix", "/etc/postfix-out"):
            several.wait_for(lambda directory=directory: several.queue(directory))  # type: ignore[misc]
            script = 'for id in $(postqueue -j | sed \'s/.*"queue_id": "\\([^"]*\\).*/\\1/\'); do '
            script += "postcat -qb $id; done; postsuper -d ALL"
            several.wait_for(
                lambda script=script, directory=directory, user=user: (  # type: ignore[misc]
                    f"by {user}\n"
                    in several.sh(script, env={"MAIL_CONFIG": directory}, check=False).stdout
                )
            )


def test_what_is_left_out_is_said(several: Host) -> None:
    several.run("chmod", "777", "/etc/postfix-dead")
    try:
        done = several.postwrap("each", "--", "printenv", "MAIL_CONFIG", check=False)
        assert done.stdout.split() == ["/etc/postfix", "/etc/postfix-out", "/etc/postfix-torn"]
        assert "/etc/postfix-dead: " in done.stderr
        assert "remedy: " in done.stderr
        assert done.returncode == Status.FOUND
        named = several.postwrap("each", "dead", "--", "true", check=False)
        assert named.returncode == Status.REFUSED
    finally:
        several.run("chmod", "755", "/etc/postfix-dead")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("each",), Status.USAGE, "COMMAND: is missing"),
        (("each", "out", "--"), Status.USAGE, "COMMAND: is missing"),
        (("each", "--parallel", "0", "--", "true"), Status.USAGE, "--parallel 0: not a whole"),
        (("each", "--raw", "--mark", "--", "true"), Status.USAGE, "--raw: cannot be combined"),
        (("each", "--", "no-such-program"), Status.REFUSED, "no-such-program: no such command"),
        (("each", "--", "/etc/passwd"), Status.REFUSED, "/etc/passwd: Permission denied"),
        (("each", "nobody", "--", "true"), Status.REFUSED, "nobody: no such instance"),
        (("each", "--group", "x", "--", "true"), Status.REFUSED, "--group x: no instance has"),
    ],
)
def test_errors(several: Host, words: tuple[str, ...], status: Status, message: str) -> None:
    done = several.postwrap(*words, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(f"postwrap: {message}")
    assert "\n  remedy: " in done.stderr
