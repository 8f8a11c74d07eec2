"""The options that say which host is meant and where files go, the same for every verb."""

from __future__ import annotations

from typing import Annotated

import typer

from postwrap.host import Host, Where

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Instances: out, postfix-out or the directory."),
]
Prefix = Annotated[
    str, typer.Option(metavar="DIR", help="The installation is under DIR. [default: /usr/local]")
]
Destdir = Annotated[
    str, typer.Option(metavar="DIR", help="Write below DIR, for packages; no file names it.")
]
Root = Annotated[
    str, typer.Option(metavar="DIR", help="Look at the tree DIR and its etc/postfix*, not here.")
]
User = Annotated[bool, typer.Option("--user", help="The installation is in your home directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def host(prefix: str, destdir: str, root: str, user: bool, *, looks: bool = False) -> Host:
    """Return the host that the options mean; ``looks`` as Where has it."""
    return Host(Where(prefix, destdir.rstrip("/"), root.rstrip("/"), user, looks))
