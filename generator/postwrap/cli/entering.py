"""The verbs env and shell: to be in one instance for a while."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from postwrap.cli import app, output, where
from postwrap.enter import enter, exports
from postwrap.errors import RefusedError
from postwrap.instance import Instance, find

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="An instance: out, postfix-out or the directory.")
]
Fish = Annotated[bool, typer.Option("--fish", help="For fish, not for sh, bash, zsh.")]


@app.command()
def env(name: Name, fish: Fish = False) -> None:
    """Print the line that makes plain commands mean one instance.

    For this shell: eval "$(postwrap env out)"; in fish: postwrap env --fish out | source
    """
    output.script(exports(_instance(name), for_fish=fish))


@app.command()
def shell(name: Name) -> None:
    """Start a shell in which plain commands mean one instance.

    Its prompt says which; it is $SHELL, and ends as any shell does.
    """
    instance = _instance(name)
    program = os.environ.get("SHELL") or "/bin/sh"
    output.note(f"mailq, postconf, postfix and all others mean {instance.directory} until exit")
    try:
        enter(instance, program)
    except OSError as error:
        message = f"SHELL={program}: {error.strerror}"
        raise RefusedError(message, "SHELL=/bin/sh postwrap shell NAME") from error


def _instance(name: str) -> Instance:
    return find(where.host("", "", "", False).discovery.instances, name)
