"""The line of a monitoring plugin."""

from __future__ import annotations

import typer

from postwrap.cli.display import UNBOUNDED, clip

VERB = "probe"
UNKNOWN = 3
"""The exit status of what is wrong with the plugin itself or its usage."""


def say(state: str, text: str, performance: str = "") -> None:
    """Print the one line: a state in capitals, what there is to say, and performance data.

    In ``text`` a bar would begin the performance data.
    """
    said = clip(text, UNBOUNDED).replace("|", "/")
    typer.echo(f"POSTFIX {state} - {said}" + (f" | {performance}" if performance else ""))
