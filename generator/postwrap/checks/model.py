"""What a rule is and what it finds; this module knows nothing of hosts and nothing of printing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from postwrap.checks.facts import Facts


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Mail is lost, refused, looped or split, or the instance cannot start."""
    WARNING = "warning"
    """It works now, and not as it is meant to, or not after the next boot."""
    NOTE = "note"
    """It may be meant so."""


SEVERITIES = tuple(Severity)
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule met: where (a configuration directory, "" for the host), what, the remedy.

    The remedy is shell to paste into a root shell; where no command can know what is meant, it is
    the command that begins the work (an editor on the line, say).
    """

    directory: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. ``code`` is for scripts and never changes its meaning."""

    code: str
    theme: str
    severity: Severity
    summary: str
    source: str
    look: Callable[[Facts], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``instance`` is a configuration directory, "" for the host."""

    code: str
    severity: Severity
    instance: str
    message: str
    remedy: str
    source: str


Look = Callable[[Facts], Iterable[Hit]]


class Theme:
    """The rules of one module, collected by its decorator ``rule``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rules: list[Rule] = []

    def rule(
        self, code: str, severity: Severity, summary: str, source: str
    ) -> Callable[[Look], Look]:
        """Return a decorator that makes a function from facts to hits a rule of this theme."""

        def add(look: Look) -> Look:
            self.rules.append(Rule(code, self.name, severity, summary, source, look))
            return look

        return add


def findings(rules: Iterable[Rule], facts: Facts) -> list[Finding]:
    """Return what ``rules`` find in ``facts``: by instance, the worst first, then by code."""
    order = {i.directory: number for number, i in enumerate(facts.instances)}
    found = {
        Finding(r.code, r.severity, hit.directory, hit.message, hit.remedy, r.source)
        for r in rules
        for hit in r.look(facts)
    }

    def key(finding: Finding) -> tuple[int, str, int, str, str]:
        place = order.get(finding.instance, -1 if not finding.instance else len(order))
        worst = SEVERITIES.index(finding.severity)
        return place, finding.instance, worst, finding.code, finding.message

    return sorted(found, key=key)
