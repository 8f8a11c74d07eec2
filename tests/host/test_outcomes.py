"""What the remedies of check do to mail: every path that worked works again, none is worse off."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from tests.harness.faults import FAULTS, OUT, Case
from tests.harness.outcome import Path, check, outcome, paste, working
from tests.harness.settled import ALL, FILL, RESTART, paths_of, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as FilePath

    from tests.harness.host import Host
    from tests.harness.layers import Layers

pytestmark = pytest.mark.bases("bookworm", "trixie")


@pytest.fixture
def sound(layers: Layers, base: FilePath) -> Iterator[Host]:
    with layers.copy(base, "settled", settle) as host:
        host.start("/etc/postfix", OUT)
        yield host


@pytest.fixture
def paths(sound: Host) -> list[Path]:
    return paths_of(sound)


_OUT = f"postconf -c {OUT}"


_SUITES = ("bookworm", "trixie")
_EVERY = os.environ.get("POSTWRAP_FAULTS") == "all"
PLANTED = [
    (suite, fault)
    for number, fault in enumerate(FAULTS)
    for turn, suite in enumerate(_SUITES)
    if _EVERY or number % len(_SUITES) == turn
]
"""Each fault on one Debian after the other; POSTWRAP_FAULTS=all: on both."""


@pytest.mark.parametrize(("base", "fault"), PLANTED, ids=str, indirect=["base"])
def test_mail_after_the_remedies(sound: Host, paths: list[Path], fault: Case) -> None:
    sound.sh(fault.before)
    result = outcome(
        sound,
        paths,
        fault.script,
        fault.code,
        choice=fault.choice,
        gone=fault.gone,
        after=fault.after,
    )
    assert [f["instance"] for f in result.found] == [fault.where]
    assert result.before == ALL
    assert result.after >= ALL - {*fault.gone}


_COPY = f"""
{_OUT} -e defer_transports=smtp,relay
postfix -c {OUT} reload
printf 'Subject: once\\n\\nx\\n' | sendmail -C {OUT} -f a@example.net bob@example.net
"""

_CP = f"""
cp -rp {OUT} /etc/postfix-two
cp -rp /var/spool/postfix-out /var/spool/postfix-two
cp -rp /var/lib/postfix-out /var/lib/postfix-two
postconf -c /etc/postfix-two -e syslog_name=postfix-two queue_directory=/var/spool/postfix-two \\
    data_directory=/var/lib/postfix-two master_service_disable=inet
postconf -e 'alternate_config_directories={OUT}, /etc/postfix-two'
"""


@pytest.mark.parametrize("sender", [OUT, "/etc/postfix-two"])
def test_a_copied_queue_is_sent_once(sound: Host, paths: list[Path], sender: str) -> None:
    sink = paths[0].sink
    sound.sh(_COPY)
    sound.wait_for(lambda: [q for q in sound.queue(OUT) if q["queue_name"] == "deferred"])
    sound.sh(_CP)
    # The copies get other queue IDs, those of their inodes; without postlogd(8) that fails to log.
    sound.age()
    sound.sh("postfix -c /etc/postfix-two check || :; postwrap install")
    (found,) = (f for f in check(sound) if f["code"] == "copied-queue")
    # The queue whose instance runs keeps its mail.
    assert found["instance"] == "/etc/postfix-two"
    paste(sound, [found])
    assert [q["queue_name"] for q in sound.queue("/etc/postfix-two")] == ["hold"]
    (left,) = (f for f in check(sound) if f["code"] in {"copied-queue", "held-copy"})
    assert (left["code"], left["remedy"], len(left["choices"])) == ("held-copy", "", 2)
    paste(sound, [left], f"{sender} is to send")
    assert not {f["code"] for f in check(sound)} & {"copied-queue", "held-copy"}
    for directory in (OUT, "/etc/postfix-two"):
        sound.run("postconf", "-c", directory, "-X", "defer_transports")
    sound.age()
    sound.sh(f"postfix -c {OUT} reload; postfix -c /etc/postfix-two start")
    sound.sh(f"for d in {OUT} /etc/postfix-two; do postqueue -c $d -f; done")
    sound.wait_for(lambda: not sound.queue(OUT) + sound.queue("/etc/postfix-two"))
    assert [m.recipients for m in sink.messages] == [("bob@example.net",)]


def test_an_idle_default_instance_takes_nothing_from_the_one_that_serves(
    sound: Host, paths: list[Path]
) -> None:
    """As where the default instance is stopped and a secondary listens everywhere."""
    sound.sh(
        f"postfix stop; {_OUT} -F 10.0.0.1:smtp/inet/service=smtp; {_OUT} -e inet_interfaces=all;"
        f" postfix -c {OUT} stop; postfix -c {OUT} start"
    )
    served = working(sound, paths[:3])
    assert served == {"public", "loopback", "private"}
    assert check(sound) == []
    assert working(sound, paths[:3]) == served


def test_two_remedies_that_write_one_parameter(sound: Host, paths: list[Path]) -> None:
    """The default instance leaves the addresses of both secondaries out."""
    sound.add_address("10.0.0.2")
    sound.talk_instance("two", "10.0.0.2")
    sound.sh("postconf -c /etc/postfix-two -e 'relayhost=[127.0.0.9]:2525'; postwrap install")
    fill = FILL.replace(OUT, "/etc/postfix-two")
    sound.sh(fill + "for d in /etc/postfix-two; do postfix -c $d stop; postfix -c $d start; done")
    three = [*paths, Path("two", paths[0].sink, address="10.0.0.2")]
    fault = f"postconf -e inet_interfaces=all; {RESTART}"
    result = outcome(sound, three, fault, "listener-overlap")
    assert [f["instance"] for f in result.found] == [OUT, "/etc/postfix-two"]
    assert result.after == {*ALL, "two"}


def test_a_program_that_died_is_told_until_its_instance_starts_again(
    sound: Host, paths: list[Path]
) -> None:
    assert check(sound) == []
    # Not what was still there before the last change; and the log has whole seconds.
    time.sleep(4.1)
    sound.sh(f"postlog -c {OUT} -t postfix-out/smtpd -p fatal 'no such table' || :")
    sound.wait_log("postfix-out/smtpd", "fatal: no such table")
    (found,) = check(sound)
    assert (found["code"], found["instance"]) == ("dies", OUT)
    assert "smtpd: fatal: no such table" in found["message"]
    time.sleep(1.1)
    sound.age()
    sound.sh(found["remedy"])
    assert check(sound) == []
