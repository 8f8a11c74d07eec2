"""As test_power_cuts, for the verbs that make, change and remove an instance, on real Postfix.

Looked at in memory after each operation: no configuration is torn, nothing is changed that the
journal does not tell of, and what it tells as done is there. Some of the states are laid out in a
host, where the same command finishes.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.faults.test_syscalls_of_instances import CASES, differing, prepare, run, state
from tests.harness.powercut import RECORD, Disk, Node

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.test_syscalls_of_instances import Case
    from tests.harness.host import Host
    from tests.harness.layers import Layers
    from tests.harness.powercut import State

ALL = os.environ.get("POSTWRAP_FAULTS") == "all"
PLACES = ("/etc", "/usr/local", "/var/lib", "/var/spool")
RECORD_PATH = "/var/lib/postwrap/%2Fetc%2Fpostfix-out.json"
WATCHED = (
    "/etc/postfix/main.cf",
    "/etc/postfix/master.cf",
    "/etc/postfix-out/main.cf",
    "/etc/postfix-out/master.cf",
)
TRIED = 3


def recorded(case: Case, host: Host) -> tuple[Disk, list[tuple[str, str, State]], list[State]]:
    """The states that cuts may leave, with call and kind, and what readers saw at each call."""
    disk = Disk("", Node.part(host.root, PLACES), lambda path: host.read_bytes(path))
    seen = [disk.now()]
    done = run(host, case, *RECORD, "-o", "/root/trace")
    assert done.returncode == 0, done.stderr
    trace = host.path("/root/trace").read_text(encoding="latin-1")
    left = []
    for number, call in enumerate(disk.replay(trace)):
        left += [(call, kind, cut) for kind, cut in disk.states(number)]
        seen.append(disk.now())
    return disk, left, seen


def is_record(content: bytes | None) -> bool:
    return bool(content) and json.loads(content or b"{}")["directory"] == "/etc/postfix-out"


def wrong(cut: State, old: State, new: State, seen: dict[str, set[bytes | None]]) -> str:
    """What is wrong with a state, "" for nothing."""
    for path in WATCHED:
        if path in cut and cut[path] not in seen[path]:
            return f"{path} is torn"
    if cut.get(RECORD_PATH) not in seen[RECORD_PATH]:
        return "the record is torn"
    # Debian 13's Postfix fills the default instance's jail at each `postfix check`.
    theirs = ("/usr/local", "/var/spool/postfix/etc/")
    ours = {p for p in cut.keys() | old.keys() if "postfix" in p and not p.startswith(theirs)}
    changed = [p for p in ours if cut.get(p, b"-") != old.get(p, b"-") and "/lib/postwrap" not in p]
    late = [path for path in changed if cut.get(path, b"-") != new.get(path, b"-")]
    record = cut.get(RECORD_PATH)
    if late and not is_record(record) and record == old.get(RECORD_PATH):
        return f"{late[0]} is changed and no journal tells of it"
    if record == new.get(RECORD_PATH) != old.get(RECORD_PATH):
        missing = [path for path in WATCHED if cut.get(path) != new.get(path)]
        return f"{missing[0]} is not there, and all is told as done" if missing else ""
    return ""


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("name", CASES)
def test_a_cut_after_each_operation(name: str, layers: Layers, base: Path) -> None:
    case = CASES[name]
    made = f"faults-{name}"
    with layers.copy(base, made, lambda host: prepare(case, host)) as host, host.aging():
        _, left, seen = recorded(case, host)
        goal = state(host)
    versions = {path: {then.get(path) for then in seen} for path in (*WATCHED, RECORD_PATH)}
    old, new = seen[0], seen[-1]
    bad = [
        (call, kind, said) for call, kind, cut in left if (said := wrong(cut, old, new, versions))
    ]
    assert bad == []
    assert len(left) > 100
    step = 1 if ALL else len(left) // TRIED
    for call, kind, cut in left[step // 2 :: step]:
        with layers.copy(base, made, lambda host: prepare(case, host)) as host, host.aging():
            lay(host, cut, old)
            done = run(host, case)
            assert differing(state(host), goal) == [], (call, kind, done.stderr)


def lay(host: Host, cut: State, old: State) -> None:
    """Change the files of a host, which are those of `old`, to those of a state."""
    for path in sorted(old.keys() - cut.keys(), reverse=True):
        host.remove(path) if host.path(path).exists() or host.path(path).is_symlink() else None
    for path in sorted(cut):
        content = cut[path]
        if old.get(path, b"none") == content:
            continue
        if content is None:
            host.path(path).mkdir(exist_ok=True)
        elif content.startswith(b"-> "):
            host.path(path).unlink(missing_ok=True)
            host.path(path).symlink_to(os.fsdecode(content[3:]))
        else:
            existed = host.path(path).exists()
            host.path(path).write_bytes(content)
            if not existed:
                host.path(path).chmod(0o755 if "/bin/" in path or "/sbin/" in path else 0o644)
