"""What a rule is and what it finds; this module knows nothing of hosts and nothing of printing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from postwrap.checks.picture import Picture


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
class Choice:
    """One of several remedies, where only the administrator knows which is right.

    ``when`` is what must be meant, as it stands after "if"; ``remedy`` is shell.
    """

    when: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule met: where (a configuration directory, "" for the host), what, the remedy.

    The remedy is shell to paste into a root shell; where no command can know what is meant, it is
    the command that begins the work (an editor on the line, say). Where the right one depends on
    what is meant, it is "" and ``choices`` holds them all.
    """

    directory: str
    message: str
    remedy: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. ``code`` is for scripts and never changes its meaning."""

    code: str
    theme: str
    severity: Severity
    summary: str
    source: str
    look: Callable[[Picture], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``instance`` is a configuration directory, "" for the host."""

    code: str
    severity: Severity
    instance: str
    message: str
    remedy: str
    source: str
    choices: tuple[Choice, ...] = ()


Look = Callable[[Picture], Iterable[Hit]]


class Theme:
    """The rules of one module, collected by its decorator ``rule``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rules: list[Rule] = []

    def rule(
        self, code: str, severity: Severity, summary: str, source: str
    ) -> Callable[[Look], Look]:
        """Return a decorator that makes a function from a picture to hits a rule of this theme."""

        def add(look: Look) -> Look:
            self.rules.append(Rule(code, self.name, severity, summary, source, look))
            return look

        return add


def findings(
    rules: Iterable[Rule], picture: Picture, failed: Callable[[Rule, str, Exception], Finding]
) -> list[Finding]:
    """Return what ``rules`` find in ``picture``: by instance, the worst first, then by code.

    A rule that raises is a defect of postwrap, and hides nothing else: ``failed`` makes a finding
    of it and of the instance that it fails for, "" where that is not to be told.
    """
    order = {i.directory: number for number, i in enumerate(picture.host.instances)}
    found: set[Finding] = set()
    for rule in rules:
        hits, failures = _look(rule, picture)
        found |= {_finding(rule, hit) for hit in hits}
        found |= {failed(rule, directory, error) for directory, error in failures.items()}

    def key(finding: Finding) -> tuple[int, str, int, str, str]:
        place = order.get(finding.instance, -1 if not finding.instance else len(order))
        worst = SEVERITIES.index(finding.severity)
        return place, finding.instance, worst, finding.code, finding.message

    return sorted(found, key=key)


def _finding(rule: Rule, hit: Hit) -> Finding:
    told = (hit.directory, hit.message, hit.remedy, rule.source, hit.choices)
    return Finding(rule.code, rule.severity, *told)


def _look(rule: Rule, picture: Picture) -> tuple[list[Hit], dict[str, Exception]]:
    """Return what ``rule`` finds, and the instances that it fails for, with what it raised.

    Where it fails, it looks at each secondary instance beside the default one alone, and then at
    all but those that it fails for.
    """
    hits, error = _tried(rule, picture)
    if error is None:
        return hits, {}
    failures: dict[str, Exception] = {}
    for instance in picture.host.instances:
        beside = [i for i in picture.host.instances if i.is_default and i.directory not in failures]
        alone = tuple(dict.fromkeys(i.directory for i in (*beside, instance)))
        _, raised = _tried(rule, _only(picture, alone))
        if raised is not None:
            failures[instance.directory] = raised
    sound = tuple(i.directory for i in picture.host.instances if i.directory not in failures)
    hits, error = _tried(rule, _only(picture, sound))
    return hits, (failures if error is None else {**failures, "": error})


def _tried(rule: Rule, picture: Picture) -> tuple[list[Hit], Exception | None]:
    """Return what ``rule`` finds before it raises, and what that is, None for nothing."""
    hits: list[Hit] = []
    try:
        for hit in rule.look(picture):
            hits.append(hit)  # noqa: PERF402 - those before it raises count
    except Exception as error:
        return hits, error
    return hits, None


def _only(picture: Picture, directories: Collection[str]) -> Picture:
    kept = tuple(i for i in picture.host.instances if i.directory in directories)
    return replace(picture, host=replace(picture.host, instances=kept))
