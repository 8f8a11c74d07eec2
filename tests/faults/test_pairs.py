"""Any two mistakes together: after what check prints is pasted, mail flows and check is content.

The pairs are drawn by POSTWRAP_TEST_SEED, a number; POSTWRAP_FAULT_PAIRS is how many. Each test
says which pair it is, and `-k` repeats it.
"""

from __future__ import annotations

import os
import random
from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from tests.harness.faults import FAULTS, OUT, Case
from tests.harness.outcome import check, restored, working
from tests.harness.settled import ALL, paths_of, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers
    from tests.harness.outcome import Found

_SUITES = ("bookworm", "trixie")
_EVERY = os.environ.get("POSTWRAP_FAULTS") == "all"
COUNT = int(os.environ.get("POSTWRAP_FAULT_PAIRS") or (150 if _EVERY else 6))
_SEED = os.environ.get("POSTWRAP_TEST_SEED", "")
_ROUNDS = 3
"""What one mistake hides is told when that is mended; so often is check asked again."""
_LAST = ("unreadable-settings", "postfix-refuses", "wrapper-refused", "writable")
"""After these, Postfix's own tools may fail, and nothing else can be planted."""


def pairs() -> list[tuple[str, Case, Case]]:
    """Return the pairs that are tried, each on one Debian.

    Two that want another host each, or that move what the other one is planted in, are none.
    """
    rng = random.Random(int(_SEED) if _SEED.isdigit() else 2026)
    singles = [fault for fault in FAULTS if not fault.is_single]
    every = [(a, b) for a, b in combinations(singles, 2) if not (a.before and b.before)]
    chosen = rng.sample(every, min(COUNT, len(every)))
    ordered = (sorted(pair, key=lambda fault: fault.code in _LAST) for pair in chosen)
    return [(rng.choice(_SUITES), first, second) for first, second in ordered]


def paste(host: Host, found: list[Found], choices: tuple[str, ...]) -> list[str]:
    """Paste the remedies as an administrator would, going on where one fails; return the lines."""
    pasted = []
    for finding in found:
        fits = [
            c["remedy"] for c in finding["choices"] if any(word in c["when"] for word in choices)
        ]
        for line in filter(None, [finding["remedy"], *fits[:1]]):
            host.age()
            done = host.run("bash", "-c", line, check=False)
            pasted.append(f"{line} -> {done.returncode} {done.stderr[-200:]}")
    return pasted


def mend(host: Host, choices: tuple[str, ...]) -> list[str]:
    """Paste what check says; return what was found and done, in lines."""
    found = check(host)
    told = [f"{f['code']} {f['instance']}: {f['message']}" for f in found]
    return told + paste(host, found, choices)


@pytest.mark.parametrize(("base", "first", "second"), pairs(), ids=str, indirect=["base"])
def test_two_mistakes(layers: Layers, base: Path, first: Case, second: Case) -> None:
    with layers.copy(base, "settled", settle) as host:
        host.start("/etc/postfix", OUT)
        paths = paths_of(host)
        host.sh(first.before + second.before)
        assert working(host, paths) == ALL
        for fault in (first, second):
            host.age()
            host.sh(fault.script, check=False)
        choices = tuple(filter(None, (first.choice, second.choice)))
        story: list[str] = []
        for _ in range(_ROUNDS):
            story += mend(host, choices)
        if after := "\n".join(filter(None, (first.after, second.after))):
            # What is started now may meet the other instance, which check could not see before.
            host.sh(after, check=False)
            story += mend(host, choices)
        left = [f for f in check(host) if f["remedy"]]
        wanted = ALL - {*first.gone, *second.gone}
        flows = restored(host, paths, wanted)
        told = "\n".join(story)
        assert left == [], f"{left}\n{told}"
        assert flows >= wanted, f"{wanted - flows}\n{told}"
