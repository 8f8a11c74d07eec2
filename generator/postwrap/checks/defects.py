"""Where check itself fails: a defect of postwrap, told as such, that hides no other finding."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Finding, Hit, Rule, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.errors import described

theme = Theme("postwrap")


@theme.rule(
    "rule-failed",
    Severity.ERROR,
    "a rule of check fails: a defect of postwrap to report; the other rules are followed",
    "postwrap",
)
def rule_failed(picture: Picture) -> Iterator[Hit]:
    """Yield the instances that could not be looked at; ``failed`` adds the rules."""
    for directory, reason in picture.host.failures.items():
        yield Hit(directory, _message("looking at the instance", directory, reason), _SHOW)


def failed(rule: Rule, directory: str, error: Exception) -> Finding:
    """Return the finding that ``rule`` raised ``error`` for the instance in ``directory``."""
    (own,) = theme.rules
    message = _message(f"the rule {rule.code}", directory, described(error))
    return Finding(own.code, own.severity, directory, message, _SHOW, own.source)


def _message(what: str, directory: str, said: str) -> str:
    whose = f" for {directory}" if directory else ""
    return f"{what} failed{whose}, a defect of postwrap: report it with this line: {said}"


_SHOW = remedies.words("postwrap", "--version")
"""What a report begins with; a defect has no other remedy on the host."""
