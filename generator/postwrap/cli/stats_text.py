"""How the verb stats shows totals: in the form that readers of pflogsumm(1) know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from postwrap.cli import output
from postwrap.cli.display import UNBOUNDED, clip, width
from postwrap.cli.documents import (
    DelayedStage,
    StatsDocument,
    StatsDomain,
    StatsOfInstance,
    StatsReason,
    StatsSums,
)
from postwrap.errors import Problem
from postwrap.host.naming import Instance
from postwrap.logs.totals import STAGES, DomainTotals, Totals, quantiles
from postwrap.queues.tally import Tally

_TOP = 10
_MEGA_AT, _KILO_AT = 512 << 20, 512 << 10
"""From here on pflogsumm shows megabytes and kilobytes."""
_MESSAGES = (
    *("received", "delivered", "forwarded", "deferred", "bounced", "rejected"),
    *("reject_warnings", "held", "discarded"),
)
_TIMES = (("h", 3600.0), ("m", 60.0), ("s", 0.0))
_PARTS = (0.5, 0.95, 1.0)


def lines(
    totals: Sequence[tuple[Instance, Totals]],
    sums: Mapping[str, int] | None,
    begin: datetime | None,
) -> Iterator[str]:
    """Yield the report of each instance, then the ``sums`` of the host, safe for a terminal."""
    wide = width()
    if begin:
        yield f"Since {begin:%Y-%m-%d %H:%M:%S}"
    for instance, own in totals:
        yield from _title(f"{instance.name} ({instance.directory})", "=")
        yield from _totals({n: getattr(own, n) for n in (*_SUMMED, "deferrals")}, _distinct(own))
        yield from _delays(own)
        yield from _to_domains(own.to_domains, wide)
        yield from _from_domains(own.from_domains, wide)
        for title, reasons in _reasons(own):
            yield from _reason_lines(title, reasons, wide)
    if sums is not None and len(totals) > 1:
        yield from _title("All instances; what one handed to another counts once", "=")
        yield from _totals(sums, {})


_SUMMED = (*_MESSAGES, "bytes_received", "bytes_delivered")


def _title(text: str, rule: str = "-") -> Iterator[str]:
    yield ""
    yield clip(text, UNBOUNDED)
    yield rule * len(text)


def _distinct(own: Totals) -> dict[str, int]:
    return {
        "senders": len(own.senders),
        "sending hosts/domains": len(own.from_domains),
        "recipients": len(own.recipients),
        "recipient hosts/domains": sum(1 for d in own.to_domains.values() if d.messages),
    }


def _totals(figures: Mapping[str, int], distinct: Mapping[str, int]) -> Iterator[str]:
    yield from _title("Grand Totals")
    yield "messages"
    yield ""
    tried = sum(figures[name] for name in ("delivered", "rejected", "discarded"))
    for name in _MESSAGES:
        more = ""
        if name in {"rejected", "discarded"}:
            more = f" ({100 * figures[name] // tried if tried else 0}%)"
        elif name == "deferred" and figures["deferrals"]:
            more = f"  ({_count(figures['deferrals']).lstrip()} deferrals)"
        yield f" {_count(figures[name])}  {name.replace('_', ' ')}{more}"
    yield ""
    for name in ("bytes_received", "bytes_delivered"):
        yield f" {_count(figures[name])}  {name.replace('_', ' ')}"
    for name, count in distinct.items():
        yield f" {_count(count)}  {name}"


def _count(value: float) -> str:
    """Return a number in seven columns: from 512 k on in k, from 512 m on in m."""
    if value > _MEGA_AT:
        return f"{int(value / (1 << 20)):6}m"
    return f"{int(value / 1024):6}k" if value > _KILO_AT else f"{int(value):6} "


def _delays(own: Totals) -> Iterator[str]:
    if not any(own.delays()):
        return
    yield from _title("Delays by stage, in seconds")
    yield f"{'':22}{'median':>9}{'95%':>9}{'max':>9}"
    for stage, seconds in zip(STAGES, own.delays(), strict=True):
        yield f" {stage:21}" + "".join(f"{value:9.2f}" for value in quantiles(seconds, _PARTS))


def _time(seconds: float) -> str:
    """Return a time as pflogsumm shows it: above an hour in h, above a minute in m."""
    unit, length = next((u, n) for u, n in _TIMES if seconds > n or u == "s")
    return f"{seconds / length if length else seconds:5.1f} {unit}"


def _ranked(domains: Mapping[str, DomainTotals]) -> list[tuple[str, DomainTotals]]:
    ordered = sorted(domains.items(), key=lambda d: (-d[1].messages, -d[1].bytes, d[0]))
    return ordered[:_TOP]


def _to_domains(domains: Mapping[str, DomainTotals], wide: int) -> Iterator[str]:
    if domains:
        yield from _title(f"Host/Domain Summary: Message Delivery (top {_TOP})")
        yield " sent cnt  bytes   defers   avg dly max dly host/domain"
        yield " -------- -------  -------  ------- ------- -----------"
    for domain, own in _ranked(domains):
        average = own.delay / own.messages if own.messages else 0.0
        figures = "  ".join(map(_count, (own.messages, own.bytes, own.deferrals)))
        yield clip(f" {figures}  {_time(average)}  {_time(own.longest)}  {domain}", wide)


def _from_domains(domains: Mapping[str, DomainTotals], wide: int) -> Iterator[str]:
    if domains:
        yield from _title(f"Host/Domain Summary: Messages Received (top {_TOP})")
        yield " msg cnt   bytes   host/domain"
        yield " -------- -------  -----------"
    for domain, own in _ranked(domains):
        yield clip(f" {_count(own.messages)}  {_count(own.bytes)}  {domain}", wide)


def _reasons(own: Totals) -> Iterator[tuple[str, Tally]]:
    yield "message deferral detail", own.deferral_reasons
    yield "message bounce detail", own.bounce_reasons
    yield "message reject detail", own.reject_reasons


def _reason_lines(title: str, reasons: Tally, wide: int) -> Iterator[str]:
    if len(reasons):
        yield from _title(f"{title} (top {_TOP})")
    for reason, count in reasons.top(_TOP):
        yield clip(f" {count:6}   {reason}", wide)


def document(
    totals: Iterable[tuple[Instance, Totals]],
    sums: Mapping[str, int] | None,
    begin: datetime | None,
    problems: Iterable[Problem],
) -> StatsDocument:
    """Return the same as JSON."""
    return {
        "since": begin.isoformat() if begin else None,
        "instances": [_of_instance(instance, own) for instance, own in totals],
        "host": _sums(sums) if sums is not None else None,
        "problems": output.problem_list(problems),
    }


def _sums(figures: Mapping[str, int]) -> StatsSums:
    return {
        "received": figures["received"],
        "delivered": figures["delivered"],
        "forwarded": figures["forwarded"],
        "deferred": figures["deferred"],
        "deferrals": figures["deferrals"],
        "bounced": figures["bounced"],
        "rejected": figures["rejected"],
        "reject_warnings": figures["reject_warnings"],
        "held": figures["held"],
        "discarded": figures["discarded"],
        "bytes_received": figures["bytes_received"],
        "bytes_delivered": figures["bytes_delivered"],
    }


def _of_instance(instance: Instance, own: Totals) -> StatsOfInstance:
    distinct = _distinct(own)
    return {
        "name": instance.name,
        "directory": instance.directory,
        "totals": _sums({n: getattr(own, n) for n in (*_SUMMED, "deferrals")}),
        "senders": distinct["senders"],
        "sender_domains": distinct["sending hosts/domains"],
        "recipients": distinct["recipients"],
        "recipient_domains": distinct["recipient hosts/domains"],
        "delays": list(_stages(own)),
        "delivered_to": [_domain(d, t) for d, t in _ranked(own.to_domains)],
        "received_from": [_domain(d, t) for d, t in _ranked(own.from_domains)],
        "deferral_reasons": _counted(own.deferral_reasons),
        "bounce_reasons": _counted(own.bounce_reasons),
        "reject_reasons": _counted(own.reject_reasons),
    }


def _stages(own: Totals) -> Iterator[DelayedStage]:
    for stage, seconds in zip(STAGES, own.delays(), strict=True):
        median, most, longest = quantiles(seconds, _PARTS)
        yield {
            "stage": stage.replace(" ", "_"),
            "deliveries": seconds.total(),
            "median": median,
            "percentile_95": most,
            "max": longest,
        }


def _domain(domain: str, own: DomainTotals) -> StatsDomain:
    return {
        "domain": domain,
        "messages": own.messages,
        "bytes": own.bytes,
        "deferrals": own.deferrals,
        "average_delay": own.delay / own.messages if own.messages else 0.0,
        "max_delay": own.longest,
    }


def _counted(reasons: Tally) -> list[StatsReason]:
    return [{"reason": reason, "count": count} for reason, count in reasons.top(_TOP)]
