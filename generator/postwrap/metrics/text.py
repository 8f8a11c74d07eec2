"""The text form of metrics, version 0.0.4, as Prometheus and node_exporter read it. Pure.

See prometheus.io/docs/instrumenting/exposition_formats. Every family has one HELP and one TYPE.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from postwrap.metrics.families import Family


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a counter or gauge, with the values of its family's labels."""

    name: str
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram: how many values each bucket has, the last one those above all bounds."""

    name: str
    labels: tuple[str, ...]
    counts: Sequence[int]
    sum: float


def exposition(families: Mapping[Family, Iterable[Sample | Histogram]]) -> str:
    """Return the text of ``families``; ``name`` is the first label of each sample."""
    return "".join(line + "\n" for family, found in families.items() for line in _of(family, found))


def _of(family: Family, found: Iterable[Sample | Histogram]) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.kind}"
    names = ("name", *family.labels)
    for each in found:
        pairs = tuple(zip(names, (each.name, *each.labels), strict=True))
        if isinstance(each, Sample):
            yield f"{family.name}{_labels(pairs)} {_number(each.value)}"
        else:
            yield from _histogram(family, pairs, each)


def _histogram(
    family: Family, pairs: tuple[tuple[str, str], ...], found: Histogram
) -> Iterator[str]:
    total = 0
    for bound, count in zip((*family.bounds, math.inf), found.counts, strict=True):
        total += count
        end = "+Inf" if bound == math.inf else f"{bound:g}"
        yield f"{family.name}_bucket{_labels((*pairs, ('le', end)))} {total}"
    yield f"{family.name}_sum{_labels(pairs)} {_number(found.sum)}"
    yield f"{family.name}_count{_labels(pairs)} {total}"


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in pairs) + "}"


@lru_cache(maxsize=4096)
def escaped(value: str) -> str:
    """Return the value of a label as it stands between quotes; bytes that are no UTF-8 as ?."""
    text = value.encode(errors="replace").decode()
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
