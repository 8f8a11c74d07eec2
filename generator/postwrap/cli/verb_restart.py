"""The verb restart."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import running
from postwrap.cli.declare import flag, verb
from postwrap.cli.documents import ControlDocument
from postwrap.cli.options import Json, Names
from postwrap.running.control import Controlled

Rolling = Annotated[
    bool, flag("--rolling", help="One by one: each must take mail before the next is stopped")
]


@verb(
    "restart",
    examples=("postwrap restart out", "postwrap restart --rolling"),
    document=ControlDocument,
)
def restart(names: Names = None, rolling: Rolling = False, json: Json = False) -> None:
    """Restart instances: stop them and start them again.

    An instance starts after those that it hands mail to, and stops before them. With --rolling one
    is restarted after the other, up to the first that does not take mail again. An instance that
    would not start again (postfix check) is not stopped.
    """
    chosen = running.Chosen(names or ())
    if rolling:
        told = _nothing if json else running.show
        results = chosen.controller.roll(chosen.configs, named=bool(names), told=told)
    else:
        results = chosen.controller.restart(chosen.configs, named=bool(names))
    running.report(chosen, results, json=json, shown=rolling)


def _nothing(_: Controlled) -> None:
    """Show nothing, for JSON comes as a whole."""
