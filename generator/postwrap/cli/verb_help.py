"""The verb help."""

from __future__ import annotations

from typing import Annotated

from postwrap.cli import output
from postwrap.cli.declare import ABOUT, Metavar, operand, verb
from postwrap.cli.headings import ORDER, load
from postwrap.cli.help import help_of_program, help_of_verb
from postwrap.cli.program import program
from postwrap.errors import UsageError
from postwrap.suggest import did_you_mean

# This verb names the others.
OTHERS = [name for name in ORDER if name != "help"]
load(OTHERS)
VERBS = {name: ABOUT[name].summary for name in OTHERS if name in ABOUT}
VERB = Metavar("VERB", words=VERBS, is_explained=False)


@verb("help", examples=("postwrap help create",))
def help_(
    name: Annotated[str, operand(VERB, "Verb to describe")] = "",
) -> None:
    """Describe a verb, or list the verbs."""
    if not name:
        output.line(help_of_program(program()))
        return
    verbs = {v.name: v for v in program().verbs}
    if name not in verbs:
        remedy = did_you_mean(name, verbs, "postwrap --help lists the verbs")
        raise UsageError(f"{name}: no such verb", remedy)
    output.line(help_of_verb(verbs[name]))
