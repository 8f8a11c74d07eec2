"""The verb disable."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import running
from postwrap.cli.declare import flag, verb
from postwrap.cli.documents import BootDocument
from postwrap.cli.options import Json, OneOrMore

Now = Annotated[bool, flag("--now", help="Also start or stop them now")]


@verb(
    "disable",
    examples=("postwrap disable out", "postwrap disable --now out"),
    document=BootDocument,
)
def disable(names: OneOrMore, now: Now = False, json: Json = False) -> None:
    """Keep instances from starting at boot.

    Sets multi_instance_enable = no. Instances that run go on running unless --now is given. A unit
    that an administrator has enabled is reported, with the command that disables it.
    """
    running.switch(names, on=False, now=now, json=json)
