"""What ``postwrap metrics --textfile`` keeps: counts, and where each log was left. Pure.

Counts and places are in one file, so they always fit together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from postwrap.logs.position import Position, position_as_json, position_of
from postwrap.metrics.values import Values, values_of

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Overrides:
    """The values of syslog_name in an instance's master.cf, and what they hang on."""

    stamp: tuple[int, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricsState:
    """All that is kept.

    ``files`` is how far each log file was read, ``journal`` the journal's cursor, None where it was
    not read yet; ``looked`` is when, in nanoseconds since 1970. ``values`` and ``overrides`` are by
    configuration directory.
    """

    looked: int = 0
    files: Mapping[str, tuple[Position, ...]] = field(default_factory=dict)
    journal: str | None = None
    values: Mapping[str, Values] = field(default_factory=dict)
    overrides: Mapping[str, Overrides] = field(default_factory=dict)


def to_text(state: MetricsState) -> str:
    """Return ``state`` as its file has it."""
    told = {
        "schema": _SCHEMA,
        "looked": state.looked,
        "files": {p: [position_as_json(x) for x in found] for p, found in state.files.items()},
        "journal": state.journal,
        "values": {d: values.as_json() for d, values in state.values.items()},
        "overrides": {d: [o.stamp, o.names] for d, o in state.overrides.items()},
    }
    return json.dumps(told) + "\n"


def from_text(text: str) -> MetricsState | None:
    """Return the state that ``text`` is, None where it is none, as a power cut may leave it."""
    try:
        told: Any = json.loads(text)
        if told["schema"] != _SCHEMA:
            return None
        return MetricsState(
            looked=int(told["looked"]),
            files={p: tuple(map(position_of, found)) for p, found in told["files"].items()},
            journal=None if told["journal"] is None else str(told["journal"]),
            values={d: values_of(own) for d, own in told["values"].items()},
            overrides={
                d: Overrides(tuple(map(int, stamp)), tuple(map(str, names)))
                for d, (stamp, names) in told["overrides"].items()
            },
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
