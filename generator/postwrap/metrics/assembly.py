"""From what is known of the instances to families of samples. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from postwrap.metrics import families
from postwrap.metrics.families import Family, FamilyKind
from postwrap.metrics.text import Histogram, Sample
from postwrap.metrics.values import Values
from postwrap.queues.model import QUEUES
from postwrap.queues.views import Counts, Spread


@dataclass(frozen=True, slots=True)
class InstanceFigures:
    """An instance; ``counts`` and ``spread`` are None where its queue was not read to its end.

    ``values`` are those of its log, None where logs are not counted.
    """

    name: str
    directory: str
    role: str
    unit: str
    is_up: bool
    counts: Counts | None
    spread: Spread | None
    values: Values | None


def assembled(
    found: Sequence[InstanceFigures],
) -> dict[Family, list[Sample | Histogram]]:
    """Return all families with the samples of all instances; those of logs where they count."""
    made: dict[Family, list[Sample | Histogram]] = {
        families.UP: [Sample(i.name, (), int(i.is_up)) for i in found],
        families.INFO: [Sample(i.name, (i.directory, i.role, i.unit), 1) for i in found],
        families.DEPTH: list(_depths(found)),
        families.SIZES: list(_sizes(found)),
        families.AGES: list(_ages(found)),
    }
    if any(i.values for i in found):
        for family in families.FROM_LOGS:
            made[family] = list(_from_log(family, found))
        made[families.INSERTED_RECEIPIENTS] = made[families.INSERTED_RECIPIENTS]
    return {family: samples for family, samples in made.items() if samples}


def _depths(found: Iterable[InstanceFigures]) -> Iterator[Sample]:
    for each in found:
        for queue in QUEUES if each.counts else ():
            assert each.counts
            yield Sample(each.name, (queue,), each.counts.by_queue[queue])


def _sizes(found: Iterable[InstanceFigures]) -> Iterator[Histogram]:
    for each in found:
        if own := each.spread:
            for queue in QUEUES:
                yield Histogram(each.name, (queue,), own.sizes[queue], own.size_sums[queue])


def _ages(found: Iterable[InstanceFigures]) -> Iterator[Histogram]:
    for each in found:
        if own := each.spread:
            for queue in QUEUES:
                yield Histogram(each.name, (queue,), own.ages[queue], own.age_sums[queue])


def _from_log(family: Family, found: Iterable[InstanceFigures]) -> Iterator[Sample | Histogram]:
    """Yield the samples of a family; one without further labels is there from the beginning, 0."""
    for each in found:
        if each.values is None:
            continue
        if family.kind is FamilyKind.COUNTER:
            counters = each.values.counters.get(family.name, {})
            for labels, count in sorted(counters.items()) or (() if family.labels else [((), 0)]):
                yield Sample(each.name, labels, count)
        else:
            histograms = each.values.histograms.get(family.name, {})
            for labels, buckets in sorted(histograms.items(), key=lambda pair: pair[0]):
                yield Histogram(each.name, labels, buckets.counts, buckets.sum)
