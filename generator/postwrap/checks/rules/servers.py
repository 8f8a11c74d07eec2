"""Who is asked over TCP before mail is taken answers: milters, policy services, SASL, tables."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.inside import SASL_ON, replaced
from postwrap.host.model import InstanceConfig
from postwrap.host.servers import Asked, NamedServer, unheard_servers

theme = Theme("servers")

_WITHOUT = {
    Asked.MILTER: "refuses each message for now",
    Asked.POLICY: "refuses each recipient for now",
    Asked.SASL: "closes each connection",
    Asked.TABLE: "refuses for now, or keeps in the queue, what needs the table",
}


@theme.rule(
    "server-unheard",
    Severity.ERROR,
    "nobody listens where a milter, policy service, SASL or table server of this host is named",
    "postconf(5) smtpd_milters, check_policy_service, smtpd_sasl_path; socketmap_table(5)",
)
def server_unheard(picture: Picture) -> Iterator[Hit]:
    """Yield the servers of this host that are down, and without which mail is refused."""
    for instance in picture.host.readable:
        named: dict[tuple[Asked, str], list[NamedServer]] = {}
        for server in unheard_servers(picture.host, instance):
            named.setdefault((server.asked, server.text), []).append(server)
        for (asked, text), servers in named.items():
            where = dict.fromkeys(
                f"{s.parameter} of {s.override}" if s.override else s.parameter for s in servers
            )
            message = (
                f"{', '.join(where)}: nobody listens at {text}, where the {asked} is to be: "
                f"Postfix {_WITHOUT[asked]}"
            )
            choices = tuple(_choices(picture, instance, servers))
            yield Hit(instance.directory, message, "", choices)


def _choices(
    picture: Picture, instance: InstanceConfig, servers: list[NamedServer]
) -> Iterator[Choice]:
    begin = "systemctl --failed" if picture.host.runs_systemd else "ss -ltnp"
    yield Choice("a program is to listen there, and is down", begin)
    asked = servers[0].asked
    if asked is Asked.TABLE:
        return
    commands = dict.fromkeys(_without(instance, server) for server in servers)
    meant = "nobody is to log in" if asked is Asked.SASL else f"the {asked} is not to be asked"
    yield Choice(meant, remedies.both(*commands, remedies.reload(instance)))


def _without(instance: InstanceConfig, server: NamedServer) -> str:
    """Return the command by which the server is not asked any more."""
    if server.asked is Asked.SASL:
        return remedies.override(instance, server.override, SASL_ON, "no")
    rest = replaced(server.value, server.text.partition(":")[2], "")
    return remedies.override(instance, server.override, server.parameter, rest)
