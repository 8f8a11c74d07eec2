"""The verb reload."""

from __future__ import annotations

from postwrap.cli import running
from postwrap.cli.declare import verb
from postwrap.cli.documents import ControlDocument
from postwrap.cli.options import Json, Names


@verb("reload", examples=("postwrap reload out", "postwrap reload"), document=ControlDocument)
def reload(names: Names = None, json: Json = False) -> None:
    """Have running instances read their configuration again.

    Mail goes on flowing meanwhile. Without a NAME, instances that do not run are left out.
    """
    chosen = running.Chosen(names or ())
    running.report(chosen, chosen.controller.reload(chosen.configs, named=bool(names)), json=json)
