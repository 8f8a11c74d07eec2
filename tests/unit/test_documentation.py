"""What the manual says, the site says; what check finds is explained."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from docs.extension.roff import sections
from docs.extension.terminal import svg, text_of
from docutils import nodes
from tests.harness import pages
from tests.harness.need import need_tool

from postwrap.checks import RULES
from postwrap.checks.explained import explanations
from postwrap.cli.help import help_of_rule
from postwrap.cli.program import program
from postwrap.layout import system_layout
from postwrap.render.manpages import shared_manpages

MANUALS = {
    Path(page.path).name: page.content.decode()
    for page in shared_manpages(
        system_layout("/usr/local"), program(), [(rule.code, rule.summary) for rule in RULES]
    )
}


def words(text: str) -> list[str]:
    return re.sub(r"[\u2010\u2212]", "-", text).lower().split()


@pytest.mark.parametrize("name", MANUALS)
def test_the_site_has_every_word_of_the_manual(name: str) -> None:
    need_tool("man")
    shown = subprocess.run(
        ["man", "--local-file", "-"],
        input=MANUALS[name],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANWIDTH": "200"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    body = re.sub(r".\x08", "", shown).strip().splitlines()[1:-1]  # without header and footer
    told = [
        node.astext()
        for section in sections(MANUALS[name], "x")
        for node in section.findall(nodes.TextElement)
        if not isinstance(node.parent, nodes.TextElement)
    ]
    assert words(" ".join(told)) == words(" ".join(body))


def test_a_macro_that_is_not_known_ends_the_build() -> None:
    with pytest.raises(ValueError, match=r"\.UR: not a macro"):
        sections(".SH NAME\n.UR https://example.com\n", "x")


def test_each_code_of_check_is_explained() -> None:
    told = explanations()
    assert told.keys() == {rule.code for rule in RULES}
    for code, explanation in told.items():
        for sentence in (explanation.cause, explanation.remedy):
            assert re.search(r"[.:?`]$", sentence), code
            assert (
                sentence[0].isupper() or sentence[0] in "`$" or "_" in sentence or "." in sentence
            )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_help_of_a_code(rule: object) -> None:
    (found,) = [known for known in RULES if known is rule]
    text = help_of_rule(found, explanations()[found.code])
    assert text.startswith(f"{found.code} ({found.severity})\n")
    assert words(found.source) == words(text)[-len(words(found.source)) :]
    assert max(map(len, text.splitlines())) <= 80


def test_what_varies_on_a_page_and_what_does_not() -> None:
    shown = ["A089B5C8        453 Fri Nov 27 08:26:02  alice", "…", "after 0.3 s"]
    assert pages.matches(shown, ["2B1C7E0F1  512 Sat Nov 28 09:00:00 alice", "x", "after 2 s"])
    assert pages.matches(shown, ["2B1C7E0F1  512 Sat Nov 28 09:00:00 alice", "after 2 s"])
    assert not pages.matches(shown, ["2B1C7E0F1  512 Sat Nov 28 09:00:00 bob", "x", "after 2 s"])
    assert not pages.matches(["running"], ["idle"])
    assert not pages.matches([], ["a word"])


def test_commands_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- host: filter -->\n<!-- run: true -->\n```console\n# one\n> more\nsaid\n$ two\n```\n"
    )
    read = pages.read(page)
    found = [(c.kind, c.user, c.text, c.output) for c in read.commands]
    assert read.host == "filter"
    assert found == [
        ("run", None, "true", []),
        ("shown", None, "one\nmore", ["said"]),
        ("shown", "alice", "two", []),
    ]


def test_a_picture_has_its_text() -> None:
    lines = ["# postwrap queue", "\x1b[1mNAME\x1b[0m  <a> & b", "\x1b[31mbad\x1b[0m"]
    picture = svg(lines, "queue")
    assert text_of(picture) == ["# postwrap queue", "NAME  <a> & b", "bad"]
    assert 'fill="#e06c75">bad' in picture
