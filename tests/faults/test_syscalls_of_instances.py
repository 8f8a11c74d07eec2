"""As test_syscalls, for the verbs that make, change and remove an instance, on real Postfix.

Postfix's own programs are among the processes in which a call fails. One host serves all faults of
a verb: what it did is undone by the verb's opposite before the next.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.injection import ERRORS, TRACE, Done, Fault, calls, faults, is_of_start, sample
from tests.harness.paths import CHECKOUT
from tests.harness.snapshot import tree

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.harness.layers import Layers
    from tests.harness.snapshot import Tree

ALL = os.environ.get("POSTWRAP_FAULTS") == "all"
OUT = "/etc/postfix-out"
CREATE = ("create", "out", "--address=10.0.0.1", "--role=fallback-relay", "--no-start", "--yes")
PLACES = ("/etc/postfix", "/etc/.postwrap", "/usr/local/", "/var/lib/post", "/var/spool/postfix-")
STATUSES = {0, 1, 2, 3, 4}
KILLED = {137, -9}


@dataclass(frozen=True)
class Case:
    """A verb, what brings a host to where it begins, and how many faults the sample has."""

    words: tuple[str, ...]
    opposite: tuple[str, ...]
    first: tuple[tuple[str, ...], ...]
    number: int


REMOVE = ("remove", "out", "--purge", "--yes")
CASES = {
    "create": Case(CREATE, REMOVE, (("install",),), 10),
    "remove": Case(REMOVE, CREATE, (("install",), CREATE), 6),
    "role": Case(
        ("role", "out", "outbound", "--yes"),
        ("role", "out", "fallback-relay", "--yes"),
        (("install",), CREATE),
        6,
    ),
}


def prepare(case: Case, host: Host) -> None:
    host.run("postfix", "check")
    for words in case.first:
        host.postwrap(*words, timeout=300)


def run(host: Host, case: Case, *before: str) -> subprocess.CompletedProcess[str]:
    argv = (*before, host.python, "-B", "-m", "postwrap", *case.words)
    return host.run(
        *argv, check=False, env={"PYTHONPATH": str(CHECKOUT / "generator")}, timeout=300
    )


def state(host: Host) -> Tree:
    """The configuration of all instances: the order of what postconf adds, and times, left out."""
    found = {}
    for path, (mode, user, group, content) in tree(host, "/etc").items():
        if path.startswith("postfix") or ".postwrap" in path:
            lines = (
                b"\n".join(sorted(content.splitlines())) if path.endswith("main.cf") else content
            )
            found[path] = (mode, user, group, lines)
    return found


def found(case: Case, host: Host) -> list[Fault]:
    run(host, case, *TRACE, "-o", "/root/trace", "-e", f"trace={','.join(ERRORS)}")
    trace = host.read("/root/trace")
    return [*faults(calls(trace, lambda words: any(place in words for place in PLACES)))]


_HALF_DONE = ("undoing failed", "which goes on from here")
"""What is said where an undo failed too, and where what shall go is not deleted whole.

The same command again then finishes."""


def wrong(host: Host, case: Case, fault: Fault, old: Tree, new: Tree) -> str:
    """What went wrong with a fault, "" for nothing."""
    done = run(host, case, *fault.words)
    now = state(host)
    told = f"{fault}: exit {done.returncode}: {done.stderr.strip()[-400:]}"
    if is_of_start(done.stderr):
        return "" if now == old else f"{told}: changed"
    if "Traceback" in done.stderr:
        return f"{told}: a traceback"
    if done.returncode not in STATUSES | KILLED:
        return f"{told}: not a documented status"
    is_failure = done.returncode not in {0, 1} | KILLED
    is_mute = fault.stays and fault.call.name == "write"
    if is_failure and "remedy:" not in done.stderr and not is_mute:
        return f"{told}: no remedy"
    if done.returncode == 0 and now != new:
        return f"{told}: not done: {differing(now, new)}"
    is_told = any(words in done.stderr for words in _HALF_DONE)
    if is_failure and not fault.stays and now not in (old, new) and not is_told:
        return f"{told}: half done: {differing(now, old)}"
    again = run(host, case)
    if state(host) != new:
        return f"{told}: again: exit {again.returncode} {again.stderr[-400:]}"
    host.postwrap(*case.opposite, timeout=300)
    left = state(host)
    return "" if left == old else f"{told}: the opposite leaves {differing(left, old)}"


def differing(one: Tree, other: Tree) -> list[str]:
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("name", CASES)
def test_a_fault_at_each_call(name: str, layers: Layers, base: Path) -> None:
    case = CASES[name]
    with (
        layers.copy(base, f"faults-{name}", lambda host: prepare(case, host)) as host,
        host.aging(),
    ):
        old = state(host)
        every = found(case, host)
        new = state(host)
        host.postwrap(*case.opposite, timeout=300)
        assert differing(state(host), old) == []
        assert old != new
        chosen = every if ALL else sample(every, case.number // 2, f"{name} {base.name}")
        done = Done()
        for fault in chosen:
            key = f"{base.name} {name}: {fault}"
            if key not in done:
                # A host on which one went wrong is not what the next one begins with.
                assert wrong(host, case, fault, old, new) == ""
                done.add(key)
