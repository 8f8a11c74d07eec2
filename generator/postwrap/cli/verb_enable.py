"""The verb enable."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import running
from postwrap.cli.declare import flag, verb
from postwrap.cli.documents import BootDocument
from postwrap.cli.options import Json, OneOrMore

Now = Annotated[bool, flag("--now", help="Also start or stop them now")]


@verb(
    "enable", examples=("postwrap enable out", "postwrap enable --now out"), document=BootDocument
)
def enable(names: OneOrMore, now: Now = False, json: Json = False) -> None:
    """Have instances start at boot.

    Sets multi_instance_enable = yes, unless the boot starts the instance already. Nothing is
    started now unless --now is given. A masked unit stays masked, and is reported.
    """
    running.switch(names, on=True, now=now, json=json)
