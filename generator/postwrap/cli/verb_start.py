"""The verb start."""

from __future__ import annotations

from postwrap.cli import running
from postwrap.cli.declare import verb
from postwrap.cli.documents import ControlDocument
from postwrap.cli.options import Json, Names


@verb("start", examples=("postwrap start out", "postwrap start"), document=ControlDocument)
def start(names: Names = None, json: Json = False) -> None:
    """Start instances, each after those that it hands mail to.

    An instance that runs already is left alone. Without a NAME, those that
    multi_instance_enable = no or a masked unit turns off are left out. Where systemd runs the host,
    each is started by its unit.
    """
    chosen = running.Chosen(names or ())
    running.report(chosen, chosen.controller.start(chosen.configs, named=bool(names)), json=json)
