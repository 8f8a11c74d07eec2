"""The options of create and role, and how they become one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from postwrap.catalog.usage import Kind
from postwrap.cli.declare import Metavar, flag, option
from postwrap.cli.options import FILE
from postwrap.cli.words import one_of
from postwrap.provision import options as given
from postwrap.provision.options import RoleOptions
from postwrap.provision.roles import Role

ROLE = Metavar("ROLE", words={str(role): role.definition.summary for role in Role})
HOST = Metavar("HOST")
CHECKS = Metavar("[TYPE:]FILE", Kind.FILE)


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """What create and role may set."""

    hostname: Annotated[str, option(metavar=HOST, help="myhostname of the instance")] = ""
    helo_name: Annotated[str, option(metavar=HOST, help="smtp_helo_name of the instance")] = ""
    mynetworks: Annotated[
        str, option(metavar=Metavar("NETS"), help="mynetworks: clients that may relay")
    ] = ""
    same_source_address: Annotated[
        bool,
        flag("--same-source-address", help="Send from the listening address (smtp_bind_address)"),
    ] = False
    queue_lifetime: Annotated[
        str, option(metavar=Metavar("TIME"), help="maximal_queue_lifetime: 20d")
    ] = ""
    tls_cert: Annotated[
        str, option(metavar=FILE, help="Certificate of the instance, PEM (smtpd_tls_cert_file)")
    ] = ""
    tls_key: Annotated[
        str, option(metavar=FILE, help="Key of the certificate, PEM (smtpd_tls_key_file)")
    ] = ""
    header_checks: Annotated[str, option(metavar=CHECKS, help="header_checks of the instance")] = ""
    body_checks: Annotated[str, option(metavar=CHECKS, help="body_checks of the instance")] = ""
    filter_: Annotated[
        str,
        option(
            "--filter",
            metavar=Metavar("HOST:PORT"),
            help="Content filter of the role content-filter (default: [127.0.0.1]:10024)",
        ),
    ] = ""
    next_hop: Annotated[
        str,
        option(
            metavar=Metavar("HOP"),
            help="Next hop that the default instance uses for it: domain, host, host:port, "
            "[host]:port, [address] or [address]:port",
        ),
    ] = ""
    relay_domains: Annotated[
        str,
        option(
            metavar=Metavar("DOMAINS"),
            help="relay_domains of the instance: what the role backup-mx receives mail for",
        ),
    ] = ""
    settings: Annotated[
        list[str] | None,
        option(
            "--set",
            metavar=Metavar("PARAM=VALUE", Kind.SETTING),
            help="Any other parameter of main.cf; repeatable",
        ),
    ] = None

    def request(self, role: str, option: str) -> RoleOptions:
        """Return what is asked for; ``role`` is the value of ``option``, "" for none."""
        return RoleOptions(
            role=one_of(Role, option, role) if role else None,
            same_source_address=self.same_source_address,
            queue_lifetime=self.queue_lifetime,
            tls_cert=self.tls_cert,
            tls_key=self.tls_key,
            header_checks=self.header_checks,
            body_checks=self.body_checks,
            filter=self.filter_,
            next_hop=self.next_hop,
            hostname=self.hostname,
            helo_name=self.helo_name,
            mynetworks=self.mynetworks,
            relay_domains=self.relay_domains,
            settings=given.settings(self.settings or ()),
        )
