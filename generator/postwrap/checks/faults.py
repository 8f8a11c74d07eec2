"""Which lines of main.cf or master.cf a message of postconf is about, and how to take them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postwrap.checks import remedies

_LINE = re.compile(r"(?:file )?(?P<file>/\S+?)[,:] line (?P<line>\d+)")
_QUOTED = re.compile(r'.*(?:: |in )"(?P<text>.+)"$')
_SETTING = re.compile(r"(?:parameter |configuration: )(?P<name>\w+)\b")
_NAME = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class Lines:
    """A logical line: lines ``first`` to ``last`` of ``file``, and its text as one line."""

    file: str
    first: int
    last: int
    text: str

    def comment_out(self) -> str:
        """Return the command that makes a comment of it.

        All of it: what is left of its continuation would continue the line before.
        """
        where = str(self.first) if self.first == self.last else f"{self.first},{self.last}"
        return f"sed -i '{where}s/^/#/' {remedies.quoted(self.file)}"


def locate(message: str, texts: Mapping[str, str]) -> Lines | None:
    """Return the line that ``message`` is about, by its number or by the text that it quotes.

    ``texts`` are the files by path, the likelier first.
    """
    every = [line for file, text in texts.items() for line in logical_lines(file, text)]
    if match := _LINE.search(message):
        number = int(match["line"])
        named = [x for x in every if x.file == match["file"]]
        return next((x for x in named if x.first <= number <= x.last), None)
    if match := _SETTING.search(message):
        names = (x for x in reversed(every) if x.text.partition("=")[0].strip() == match["name"])
        return next(names, None)
    if match := _QUOTED.search(message):
        return _with(_fragment(match["text"]), every)
    return None


def setting(name: str, file: str, text: str) -> Lines | None:
    """Return the line that sets ``name``, a parameter as postconf prints it."""
    for line in logical_lines(file, text):
        written = line.text.partition("=")[0].strip().encode("utf-8", "surrogateescape")
        if name == "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in written):
            return line
    return None


def _fragment(quoted: str) -> str:
    """Return the text of the file in what Postfix quotes, without its marks (``...a>>>b``).

    White space goes too: Postfix leaves out some of it.
    """
    return "".join(quoted.removeprefix("...").replace(">>>", "").split())


def _with(fragment: str, lines: list[Lines]) -> Lines | None:
    """Return the line that sets the parameter ``fragment``, or has that value, or holds it."""
    is_name = bool(_NAME.match(fragment))
    for line in lines if is_name else ():
        name, _, value = (part.strip() for part in line.text.partition("="))
        if fragment in {name, value}:
            return line
    return next((x for x in lines if not is_name and fragment in "".join(x.text.split())), None)


def logical_lines(file: str, text: str) -> Iterator[Lines]:
    """Yield the logical lines of ``text``: postconf(5), general file syntax.

    Comments and empty lines among the lines of one do not end it. What is indented at the very
    beginning continues nothing and is a line of its own.
    """
    begun: Lines | None = None
    for number, line in enumerate(text.splitlines(), 1):
        words = " ".join(line.split())
        if not words or words.startswith("#"):
            continue
        if begun and line[0].isspace():
            begun = Lines(file, begun.first, number, f"{begun.text} {words}")
            continue
        if begun:
            yield begun
        begun = None if line[0].isspace() else Lines(file, number, number, words)
        if begun is None:
            yield Lines(file, number, number, words)
    if begun:
        yield begun
