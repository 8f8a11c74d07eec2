"""The verb help."""

from __future__ import annotations

from typing import Annotated

from postwrap.checks import RULES
from postwrap.checks.explained import explanations
from postwrap.cli import output
from postwrap.cli.declare import ABOUT, Metavar, operand, verb
from postwrap.cli.headings import ORDER, load
from postwrap.cli.help import help_of_program, help_of_rule, help_of_verb
from postwrap.cli.program import program
from postwrap.errors import UsageError
from postwrap.suggest import did_you_mean

# This verb names the others.
OTHERS = [name for name in ORDER if name != "help"]
load(OTHERS)
VERBS = {name: ABOUT[name].summary for name in OTHERS if name in ABOUT}
VERB = Metavar("VERB", words=VERBS, is_explained=False)


@verb("help", examples=("postwrap help create", "postwrap help listener-overlap"))
def help_(
    name: Annotated[str, operand(VERB, "Verb, or code of a finding of check, to describe")] = "",
) -> None:
    """Describe a verb or a code of check, or list the verbs."""
    verbs = {v.name: v for v in program().verbs}
    rules = {rule.code: rule for rule in RULES}
    if not name:
        output.line(help_of_program(program()))
    elif name in verbs:
        output.line(help_of_verb(verbs[name]))
    elif name in rules:
        output.line(help_of_rule(rules[name], explanations()[name]))
    else:
        remedy = did_you_mean(name, [*verbs, *rules], "postwrap --help lists the verbs")
        raise UsageError(f"{name}: no such verb, and no such code of check", remedy)
