"""A manual page of postwrap as docutils nodes: man(7) in, sections out.

It knows the macros that the templates in man/ use, and ends with an error at any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from docutils import nodes

_ESCAPE = re.compile(r"\\(f.|\(..|.)")
_CHARACTERS = {"-": "-", "e": "\\", "&": "", "(aq": "'", "(dq": '"', "(ha": "^", "(ti": "~"}
_CHARACTERS |= {"(ga": "`"}
_FONTS = {"B": nodes.strong, "I": nodes.emphasis}
_IGNORED = {".TH", ".nh", ".ad", ".RS", ".RE", '.\\"'}
_ABBREVIATIONS = {"JSON"}
_WORD = re.compile(r'"([^"]*)"|(\S+)')


def inline(text: str) -> Iterator[nodes.Node]:
    """Yield the text of one line, with its fonts."""
    font, said = "R", ""
    position = 0
    for found in _ESCAPE.finditer(text):
        said += text[position : found.start()]
        position = found.end()
        if found[1].startswith("f"):
            yield from _in_font(font, said)
            font, said = found[1][1], ""
        else:
            said += _CHARACTERS[found[1]]
    yield from _in_font(font, said + text[position:])


def _in_font(font: str, text: str) -> Iterator[nodes.Node]:
    if text:
        yield _FONTS[font]("", text) if font in _FONTS else nodes.Text(text)


def _words(rest: str) -> list[str]:
    return [quoted or plain for quoted, plain in _WORD.findall(rest)]


def _macro_text(macro: str, rest: str) -> str:
    r"""Return what .B, .I, .BR and .RI make of their arguments, by \f escapes."""
    if macro in {".B", ".I"}:
        return f"\\f{macro[1]}{' '.join(_words(rest))}\\fR"
    fonts = macro[1:3]
    return "".join(f"\\f{fonts[n % 2]}{word}" for n, word in enumerate(_words(rest))) + "\\fR"


def _heading(title: str) -> str:
    """Return the title of a section as running text has it: Exit status, JSON."""
    return title if title in _ABBREVIATIONS else title.capitalize()


@dataclass
class _Page:
    """The page so far: its sections, and what the next line belongs to."""

    prefix: str
    sections: list[nodes.section] = field(default_factory=list)
    subsection: nodes.section | None = None
    definition: nodes.definition | None = None
    paragraph: nodes.paragraph | None = None
    literal: list[str] | None = None
    term_follows: bool = False

    def read(self, line: str) -> None:
        macro, _, rest = line.partition(" ")
        if self.literal is not None and macro != ".fi":
            self.literal.append(line if not line.startswith(".") else _macro_text(macro, rest))
        elif not line.startswith("."):
            self._say(line)
        elif macro in {".B", ".I", ".BR", ".RI"}:
            self._say(_macro_text(macro, rest))
        elif macro in {".SH", ".SS"}:
            self._head(macro, rest)
        else:
            self._command(macro)

    def _command(self, macro: str) -> None:
        if macro == ".PP":
            self.definition = self.paragraph = None
        elif macro == ".TP":
            self.term_follows, self.paragraph = True, None
        elif macro == ".br" and self.paragraph is not None:
            self.paragraph = None
        elif macro == ".nf":
            self.literal, self.paragraph = [], None
        elif macro == ".fi":
            self._end_literal()
        elif macro not in _IGNORED and macro != ".br":
            raise ValueError(f"{macro}: not a macro that postwrap's manual pages use")

    def _head(self, macro: str, title: str) -> None:
        self.definition = self.paragraph = None
        text = "".join(node.astext() for node in inline(title))
        is_sub = macro == ".SS"
        above = f"{self.sections[-1]['ids'][0]}-" if is_sub else f"{self.prefix}-"
        section = nodes.section(ids=[above + nodes.make_id(text)], names=[])
        section += nodes.title("", "", *inline(title if is_sub else _heading(title)))
        if is_sub:
            self.sections[-1] += section
            self.subsection = section
        else:
            self.sections.append(section)
            self.subsection = None

    @property
    def _place(self) -> nodes.Element:
        return self.definition or self.subsection or self.sections[-1]

    def _say(self, text: str) -> None:
        if self.term_follows:
            self._define(text)
            return
        if self.paragraph is None:
            self.paragraph = nodes.paragraph()
            self._place.append(self.paragraph)
        if self.paragraph.children:
            self.paragraph += nodes.Text("\n")
        self.paragraph += list(inline(text))

    def _define(self, term: str) -> None:
        self.term_follows, self.definition = False, None
        place = self._place
        last = place.children[-1] if place.children else None
        if isinstance(last, nodes.definition_list):
            listed = last
        else:
            listed = nodes.definition_list()
            place += listed
        self.definition = nodes.definition()
        names = nodes.term("", "", *inline(term))
        listed += nodes.definition_list_item("", names, self.definition)

    def _end_literal(self) -> None:
        lines = ("".join(n.astext() for n in inline(line)) for line in self.literal or ())
        text = "\n".join(lines)
        self._place.append(nodes.literal_block(text, text, language="text"))
        self.literal = None


def sections(page: str, prefix: str) -> list[nodes.section]:
    """Return the sections of ``page``; the ids of all begin with ``prefix``."""
    made = _Page(prefix)
    for line in page.splitlines():
        made.read(line)
    return made.sections
