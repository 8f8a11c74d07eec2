"""The verb shell."""

from __future__ import annotations

import os

import typer

from postwrap.cli import output
from postwrap.cli.declare import verb
from postwrap.cli.options import Name, this_host
from postwrap.enter import enter
from postwrap.errors import RefusedError


@verb("shell", examples=("postwrap shell out",))
def shell(context: typer.Context, name: Name) -> None:
    """Start a shell whose MAIL_CONFIG is an instance.

    It is $SHELL, with the instance's name in front of its prompt. Plain mailq, postconf and
    sendmail work on the instance until exit.
    """
    instance = this_host().discovery.find(name)
    # The caller's own shell, with its own environment.
    environment = context.obj or os.environ
    program = environment.get("SHELL") or "/bin/sh"
    output.note(f"mailq, postconf, postfix and the others work on {instance.directory} until exit")
    try:
        enter(instance, program, environment)
    except OSError as error:
        message = f"SHELL={program}: {error.strerror}"
        raise RefusedError(message, "SHELL=/bin/sh postwrap shell NAME") from error
