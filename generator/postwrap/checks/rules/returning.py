"""Somebody takes back what a content filter has seen."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.listen import listen, server
from postwrap.host.addresses import Endpoint
from postwrap.host.handback import unheard_returns
from postwrap.host.model import InstanceConfig
from postwrap.host.nexthops import FILTER

theme = Theme("routes")

_SHOWN = 3
"""So many instances that may be meant are shown."""


@theme.rule(
    "filter-return-unheard",
    Severity.ERROR,
    "a content filter hands mail back to where nobody listens: mail stays in the queue",
    "FILTER_README, advanced content filter; amavisd-new README.postfix, forward_method",
)
def filter_return_unheard(picture: Picture) -> Iterator[Hit]:
    """Yield the instances whose content filter finds nobody to take its mail."""
    for hop, program, place in unheard_returns(picture.host):
        message = f"{hop}: {program} hands mail back to {place}, where nobody listens"
        known = [i for i in picture.host.readable if server(i, place)]
        # The talk's second instance stands behind the filter; another set-up has one alone.
        known.sort(key=lambda i: (i is hop.sender, i.is_default))
        choices = (
            Choice(f"{i.directory} is to take it there", _take_back(picture, i, place))
            for i in known[:_SHOWN]
        )
        yield Hit(hop.sender.directory, message, "", tuple(choices))


def _take_back(picture: Picture, instance: InstanceConfig, place: Endpoint) -> str:
    """Return the command by which ``instance`` takes mail at ``place`` and filters it no more."""
    unfiltered = remedies.override(instance, f"{place}/inet", FILTER, "")
    return listen(picture, instance, place, unfiltered)
