"""The options of create, role and remove, as Typer wants them."""

from __future__ import annotations

from typing import Annotated

import typer

from postwrap.provision.options import Role

Name = Annotated[str, typer.Argument(metavar="NAME", help="The instance's name: out")]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", metavar="ADDR[:PORT]", help="Listen there; may be given again."),
]
AddAddress = Annotated[
    str, typer.Option(metavar="DEV", help="Give the addresses to DEV where the host lacks them.")
]
From = Annotated[str, typer.Option("--from", metavar="DIR", help="Copy this configuration.")]
QueueDirectory = Annotated[str, typer.Option(metavar="DIR", help="Its queue_directory.")]
DataDirectory = Annotated[str, typer.Option(metavar="DIR", help="Its data_directory.")]
SyslogName = Annotated[str, typer.Option(metavar="TAG", help="Its tag in the mail log.")]
Group = Annotated[str, typer.Option(metavar="GROUP", help="Its multi_instance_group.")]
NoPostmulti = Annotated[
    bool,
    typer.Option("--no-postmulti", help="Register it in alternate_config_directories alone."),
]
NoStart = Annotated[bool, typer.Option("--no-start", help="Make it, and do not start it.")]
RoleOption = Annotated[Role | None, typer.Option("--role", help="What it is for.")]
SameSource = Annotated[
    bool, typer.Option("--same-source-address", help="Send from the address that receives.")
]
QueueLifetime = Annotated[
    str, typer.Option(metavar="TIME", help="How long mail may wait in its queue: 20d")
]
TlsCert = Annotated[str, typer.Option(metavar="FILE", help="Its own certificate, PEM.")]
TlsKey = Annotated[str, typer.Option(metavar="FILE", help="The certificate's key, PEM.")]
HeaderChecks = Annotated[str, typer.Option(metavar="[TYPE:]FILE", help="Its own header_checks.")]
BodyChecks = Annotated[str, typer.Option(metavar="[TYPE:]FILE", help="Its own body_checks.")]
Filter = Annotated[
    str, typer.Option("--filter", metavar="HOST:PORT", help="The content filter. [127.0.0.1:10024]")
]
NextHop = Annotated[
    str,
    typer.Option(
        metavar="HOP",
        help="How the default instance names it: domain, host, host:port, [host]:port, "
        "[address] or [address]:port.",
    ),
]
Hostname = Annotated[str, typer.Option(metavar="HOST", help="Its myhostname.")]
HeloName = Annotated[str, typer.Option(metavar="HOST", help="What it calls itself to servers.")]
Mynetworks = Annotated[str, typer.Option(metavar="NETS", help="Who may send through it.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PARAM=VALUE", help="Any setting; may be given again."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the shell lines that do it, do nothing.")
]
Purge = Annotated[bool, typer.Option("--purge", help="Keep nothing of it.")]
RequeueTo = Annotated[
    str, typer.Option(metavar="NAME", help="Hand its mail to this instance: default")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
