"""What a terminal showed, as SVG: text with SGR colours in, a picture out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape

WIDTH, HEIGHT, MARGIN = 8.4, 19, 14
"""Of a character and of the frame, in pixels."""

_COLOURS = dict(
    zip(
        (*range(30, 38), *range(90, 98)),
        ("#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0")
        * 2,
        strict=True,
    )
)
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_PROMPT = "#7f848e"


def svg(lines: Sequence[str], title: str) -> str:
    """Return a picture of ``lines``; one that begins with a prompt is what was typed."""
    wide = max(len(_SGR.sub("", line)) for line in lines) * WIDTH + 2 * MARGIN
    high = len(lines) * HEIGHT + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + HEIGHT * (n + 0.75):g}" xml:space="preserve">'
        f"{''.join(_row(line))}</text>"
        for n, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:g}" height="{high}" '
        f'viewBox="0 0 {wide:g} {high}" role="img">\n<title>{escape(title)}</title>\n'
        f'<rect width="100%" height="100%" rx="8" fill="#21252b"/>\n'
        f'<g font-family="{_FONT}" font-size="14" fill="#d7dae0">\n{rows}\n</g>\n</svg>\n'
    )


def _row(line: str) -> Iterator[str]:
    if line[:2] in {"# ", "$ "}:
        yield f'<tspan fill="{_PROMPT}">{line[:2]}</tspan>'
        yield f'<tspan font-weight="bold">{escape(line[2:])}</tspan>'
        return
    style, position = "", 0
    for found in _SGR.finditer(line):
        yield _styled(line[position : found.start()], style)
        position, style = found.end(), "".join(_style(found[1]))
    yield _styled(line[position:], style)


def _style(parameters: str) -> Iterator[str]:
    for number in (int(word or 0) for word in parameters.split(";")):
        if number in _COLOURS:
            yield f' fill="{_COLOURS[number]}"'
        elif number == 1:
            yield ' font-weight="bold"'


def _styled(text: str, style: str) -> str:
    escaped = escape(text, quote=False)
    return f"<tspan{style}>{escaped}</tspan>" if style and text else escaped


def text_of(picture: str) -> list[str]:
    """Return the lines that a picture shows."""
    rows = re.findall(r"<text [^>]*>(.*)</text>", picture)
    return [unescape(re.sub("<[^>]*>", "", row)) for row in rows]
