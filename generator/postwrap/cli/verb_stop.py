"""The verb stop."""

from __future__ import annotations

from postwrap.cli import running
from postwrap.cli.declare import verb
from postwrap.cli.documents import ControlDocument
from postwrap.cli.options import Json, Names


@verb("stop", examples=("postwrap stop out", "postwrap stop"), document=ControlDocument)
def stop(names: Names = None, json: Json = False) -> None:
    """Stop instances, each before those that it hands mail to.

    Where systemd runs the host, each is stopped by its unit, and no other with it.
    """
    chosen = running.Chosen(names or ())
    running.report(chosen, chosen.controller.stop([*reversed(chosen.configs)]), json=json)
