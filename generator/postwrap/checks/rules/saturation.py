"""Instances whose mail waits for a process: servers that do not answer hold them all."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host import capacity

theme = Theme("saturation")


@theme.rule(
    "saturated",
    Severity.WARNING,
    "all processes that send mail are in use, and other mail waits for one",
    "postconf(5) default_process_limit, smtp_connect_timeout",
)
def saturated(picture: Picture) -> Iterator[Hit]:
    """Yield the services that have no process left, with the command that doubles their limit."""
    for instance in picture.host.readable:
        own = capacity.of_instance(instance)
        for full in capacity.saturated(own, instance.processes, instance.active):
            message = (
                f"all {full.processes} processes of {full.service} are in use, and the active "
                f"queue has {instance.active} messages: servers that do not answer delay other "
                f"mail if there are more than {full}"
            )
            wider = f"{full.service}/process_limit={2 * full.processes}"
            remedy = remedies.both(
                remedies.tool(instance, "postconf", "-F", wider), remedies.reload(instance)
            )
            yield Hit(instance.directory, message, remedy)
