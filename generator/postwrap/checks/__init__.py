"""What can be wrong with a host's instances: rules, each a function from facts to findings."""

from __future__ import annotations

from postwrap.checks.access import theme as access
from postwrap.checks.boot import theme as boot
from postwrap.checks.commands import theme as commands
from postwrap.checks.facts import Facts
from postwrap.checks.filtering import theme as filtering
from postwrap.checks.identity import theme as identity
from postwrap.checks.jails import theme as jails
from postwrap.checks.listening import theme as listening
from postwrap.checks.logs import theme as logs
from postwrap.checks.model import Finding, Rule, Severity, findings
from postwrap.checks.naming import theme as naming
from postwrap.checks.obsolete import theme as obsolete
from postwrap.checks.queues import theme as queues
from postwrap.checks.relaying import theme as relaying
from postwrap.checks.settings import theme as settings
from postwrap.checks.tables import theme as tables

RULES: tuple[Rule, ...] = tuple(
    rule
    for theme in (
        settings,
        obsolete,
        tables,
        access,
        naming,
        queues,
        listening,
        identity,
        relaying,
        filtering,
        logs,
        jails,
        boot,
        commands,
    )
    for rule in theme.rules
)
"""Every rule, by theme; the manual page prints this table."""


def check(facts: Facts) -> list[Finding]:
    """Return all that is wrong with a host."""
    return findings(RULES, facts)


__all__ = ["RULES", "Finding", "Rule", "Severity", "check"]
