"""The verb env."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import output
from postwrap.cli.declare import flag, verb
from postwrap.cli.options import Name, this_host
from postwrap.enter import exports


@verb("env", examples=('eval "$(postwrap env out)"', "postwrap env --fish out | source"))
def env(
    name: Name,
    fish: Annotated[bool, flag("--fish", help="Code for fish, not for sh, bash and zsh")] = False,
) -> None:
    """Print shell code that sets MAIL_CONFIG to an instance.

    In a shell that evaluates the code, plain mailq, postconf and sendmail work on the instance.
    """
    instance = this_host().discovery.find(name)
    output.script(exports(instance, for_fish=fish))
