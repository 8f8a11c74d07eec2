"""postwrap probe as a monitor runs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.harness.queues import LAB, OUT, RUNNING, counted, listed, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

PERFORMANCE = re.compile(r"'([^'=|]+)'=(U|\d+)(s?);(\d*);(\d*);0")


@pytest.fixture(scope="module")
def queued(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "queues", prepare) as host:
        host.start(*RUNNING)
        yield host


def probed(host: Host, *words: str, user: str | None = None) -> tuple[int, str, dict[str, str]]:
    """The status, what was said, and the performance data: one line, nothing beside it."""
    done = host.postwrap("probe", *words, user=user, check=False)
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    said, _, data = line.partition(" | ")
    found = PERFORMANCE.findall(data)
    assert " ".join(f"'{n}'={v}{u};{w};{c};0" for n, v, u, w, c in found) == data
    return done.returncode, said, {n: v for n, v, *_ in found}


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("user", [None, "alice", "app"])
def test_its_figures_are_those_of_postqueue(queued: Host, user: str | None) -> None:
    status, said, data = probed(queued, "out", "default", user=user)
    assert status == 0
    for name, directory in (("default", "/etc/postfix"), ("out", OUT)):
        for queue, count in counted(listed(queued, directory)).items():
            assert data[f"{name}_{queue}"] == str(count)
        assert data[f"{name}_messages"] == str(len(listed(queued, directory)))
    total = len(listed(queued, OUT))
    assert said.startswith(f"POSTFIX OK - 2 instances: {total} messages, ")


def test_its_states(queued: Host) -> None:
    assert probed(queued, "out", "-w", "5")[0] == 0, "5 is not above 5"
    status, said, _ = probed(queued, "out", "-w", "4", "-c", "deferred=100")
    assert (status, said) == (1, "POSTFIX WARNING - out: 5 messages (> 4)")
    status, said, _ = probed(queued, "out", "-w", "deferred=1", "-c", "hold=0,deferred=2")
    assert (status, said) == (2, "POSTFIX CRITICAL - out: 4 deferred (> 2); out: 1 hold (> 0)")
    assert probed(queued, "out", "-w", "oldest=1d")[0] == 0
    assert probed(queued, "out", "-w", "oldest=0")[0] == 1
    status, said, data = probed(queued)
    assert status == 2
    assert said.startswith("POSTFIX CRITICAL - broken: stopped; lab: stopped")
    assert data["broken_messages"] == "U"
    assert data["lab_messages"] == str(len(listed(queued, LAB)))
    status, said, _ = probed(queued, "broken", user="app")
    assert (status, said[:31]) == (3, "POSTFIX UNKNOWN - broken: macro"[:31])


@pytest.mark.parametrize(
    "words",
    [
        *(("nope",), ("--nope",), ("-w",), ("-w", "x=1"), ("-w", "many"), ("-c", "oldest=late")),
        ("-w", "-1"),
    ],
)
def test_what_is_wrong_is_unknown(queued: Host, words: tuple[str, ...]) -> None:
    status, said, _ = probed(queued, *words)
    assert status == 3
    assert said.startswith("POSTFIX UNKNOWN - ")
    assert "(remedy: " in said
