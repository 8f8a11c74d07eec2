"""What can be wrong with a host's instances: rules, each from a picture of it to findings."""

from __future__ import annotations

from postwrap.checks.defects import failed
from postwrap.checks.defects import theme as defects
from postwrap.checks.model import Finding, Rule, Severity, findings
from postwrap.checks.picture import Picture
from postwrap.checks.rules.access import theme as access
from postwrap.checks.rules.boot import theme as boot
from postwrap.checks.rules.commands import theme as commands
from postwrap.checks.rules.copies import theme as copies
from postwrap.checks.rules.filtering import theme as filtering
from postwrap.checks.rules.identity import theme as identity
from postwrap.checks.rules.inside import theme as inside
from postwrap.checks.rules.jails import theme as jails
from postwrap.checks.rules.listening import theme as listening
from postwrap.checks.rules.logs import theme as logs
from postwrap.checks.rules.loops import theme as loops
from postwrap.checks.rules.missing import theme as missing
from postwrap.checks.rules.naming import theme as naming
from postwrap.checks.rules.nobody import theme as nobody
from postwrap.checks.rules.obsolete import theme as obsolete
from postwrap.checks.rules.overlaps import theme as overlaps
from postwrap.checks.rules.queues import theme as queues
from postwrap.checks.rules.refusals import theme as refusals
from postwrap.checks.rules.relaying import theme as relaying
from postwrap.checks.rules.returning import theme as returning
from postwrap.checks.rules.roles import theme as roles
from postwrap.checks.rules.routes import theme as routes
from postwrap.checks.rules.saturation import theme as saturation
from postwrap.checks.rules.servers import theme as servers
from postwrap.checks.rules.settings import theme as settings
from postwrap.checks.rules.strangers import theme as strangers
from postwrap.checks.rules.tables import theme as tables
from postwrap.checks.rules.torn import theme as torn
from postwrap.checks.rules.trusted import theme as trusted
from postwrap.checks.together import together

RULES: tuple[Rule, ...] = tuple(
    rule
    for theme in (
        settings,
        refusals,
        obsolete,
        tables,
        access,
        trusted,
        naming,
        queues,
        copies,
        overlaps,
        listening,
        missing,
        identity,
        loops,
        relaying,
        saturation,
        roles,
        routes,
        nobody,
        returning,
        filtering,
        inside,
        servers,
        strangers,
        logs,
        jails,
        boot,
        commands,
        torn,
        defects,
    )
    for rule in theme.rules
)
"""Every rule, by theme; the manual page prints this table."""


def check(picture: Picture) -> list[Finding]:
    """Return all that is wrong with a host; the remedies can be pasted together."""
    return together(findings(RULES, picture, failed), picture.host)


__all__ = ["RULES", "Finding", "Rule", "Severity", "check"]
