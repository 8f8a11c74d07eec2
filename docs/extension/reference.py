"""Directives of the reference: what postwrap says of itself, at the time of the build.

``{manual} postwrap.8`` is a manual page, from the artifact that ``postwrap install`` writes;
``{check-codes}`` are the codes of check, each on an anchor of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import PurePath

from docs.extension.roff import sections
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from postwrap.checks import RULES
from postwrap.checks.explained import Explanation, explanations
from postwrap.checks.model import Rule
from postwrap.cli.program import program
from postwrap.layout import system_layout
from postwrap.render.manpages import shared_manpages


@cache
def _pages() -> dict[str, str]:
    """Return the shared manual pages by name, as an installation under /usr/local has them."""
    codes = sorted((rule.code, rule.summary) for rule in RULES)
    made = shared_manpages(system_layout("/usr/local"), program(), codes)
    return {PurePath(page.path).name: page.content.decode() for page in made}


class Manual(SphinxDirective):
    """A manual page, as sections of the document."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the sections of the page."""
        name = self.arguments[0]
        made = sections(_pages()[name], nodes.make_id(name))
        _make_known(self, made)
        return list(made)


class CheckCodes(SphinxDirective):
    """The codes of check, by theme: cause, remedy, source."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each theme, with a section for each code in it."""
        explained = explanations()
        themes: dict[str, nodes.section] = {}
        for rule in RULES:
            if rule.theme not in themes:
                section = nodes.section(ids=[f"theme-{rule.theme}"], names=[])
                section += nodes.title("", rule.theme.capitalize())
                themes[rule.theme] = section
            themes[rule.theme] += _code(rule, explained[rule.code])
        _make_known(self, themes.values())
        return list(themes.values())


def _make_known(directive: SphinxDirective, made: Iterable[nodes.section]) -> None:
    """Let other pages link to the sections, and those in them, by their ids."""
    domain = directive.env.domains.standard_domain
    for section in (s for top in made for s in top.findall(nodes.section)):
        (name,) = section["ids"]
        title = next(iter(section.findall(nodes.title))).astext()
        domain.labels[name] = (directive.env.docname, name, title)
        domain.anonlabels[name] = (directive.env.docname, name)


def _code(rule: Rule, explanation: Explanation) -> nodes.section:
    section = nodes.section(ids=[rule.code], names=[])
    section += nodes.title("", "", nodes.literal("", rule.code))
    summary = f"{rule.summary[:1].upper()}{rule.summary[1:]}."
    severity = nodes.strong("", rule.severity.value)
    section += nodes.paragraph("", "", severity, nodes.Text(f": {summary}"))
    told = (("Cause", explanation.cause), ("Remedy", explanation.remedy), ("Source", rule.source))
    rows = nodes.field_list()
    for name, text in told:
        body = nodes.field_body("", nodes.paragraph("", text))
        rows += nodes.field("", nodes.field_name("", name), body)
    section += rows
    return section


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("manual", Manual)
    app.add_directive("check-codes", CheckCodes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
