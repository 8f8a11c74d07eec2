"""The text form of metrics, version 0.0.4, as Prometheus and node_exporter read it. Pure.

See prometheus.io/docs/instrumenting/exposition_formats. Every family has one HELP and one TYPE.
"""

from __future__ import annotations

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
        labels = _labels(names, (each.name, *each.labels))
        if isinstance(each, Sample):
            yield f"{family.name}{{{labels}}} {_number(each.value)}"
        else:
            yield from _histogram(family, labels, each)


def _histogram(family: Family, labels: str, found: Histogram) -> Iterator[str]:
    total = 0
    for end, count in zip(_ends(family.bounds), found.counts, strict=True):
        total += count
        yield f'{family.name}_bucket{{{labels},le="{end}"}} {total}'
    yield f"{family.name}_sum{{{labels}}} {_number(found.sum)}"
    yield f"{family.name}_count{{{labels}}} {total}"


@lru_cache
def _ends(bounds: tuple[float, ...]) -> tuple[str, ...]:
    """Return the upper ends of the buckets as text."""
    return (*(f"{bound:g}" for bound in bounds), "+Inf")


def _labels(names: Iterable[str], values: Iterable[str]) -> str:
    pairs = zip(names, map(escaped, values), strict=True)
    return ",".join([f'{name}="{value}"' for name, value in pairs])


@lru_cache(maxsize=4096)
def escaped(value: str) -> str:
    """Return the value of a label as it stands between quotes; bytes that are no UTF-8 as ?."""
    text = value.encode(errors="replace").decode()
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
