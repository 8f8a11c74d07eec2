"""The map as lines of text: a box for each instance, an arrow for each way out of it. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from postwrap.views.flow import Arrow, Flow, Node, Place

_SHOWN = 3
"""So many domains of an arrow are named."""
_LABEL = 30
"""Columns of a label on an arrow; longer ones have a line of their own."""
_INDENT = 3


@dataclass(frozen=True, slots=True)
class Style:
    """The characters of a drawing: those of Unicode, or ASCII for other terminals."""

    across: str
    down: str
    corners: tuple[str, str, str, str]
    branch: str
    last: str
    head: str
    cross: str


UNICODE = Style("─", "│", ("┌", "┐", "└", "┘"), "├", "└", "▶", "✗")
ASCII = Style("-", "|", ("+", "+", "+", "+"), "|", "`", ">", "x")


@dataclass(frozen=True, slots=True)
class Text:
    """A line of the drawing. ``is_fault``: mail goes nowhere there; ``node`` is whose it is."""

    text: str
    node: Node | None = None
    is_fault: bool = False


def drawing(
    flow: Flow, width: int, style: Style, counts: Mapping[Arrow, int] | None = None
) -> list[Text]:
    """Return ``flow`` as lines of at most about ``width`` columns.

    ``counts`` are the messages along each arrow, which are told where it is given.
    """
    draw = _Drawing(flow, width, style, counts)
    return [line for node in _order(flow) for line in draw.node(node)]


def _order(flow: Flow) -> list[Node]:
    """Return the nodes that mail leaves, instances first as they are, then filters."""
    nodes = [n for n in flow.nodes.values() if n.place is Place.INSTANCE]
    nodes += [n for n in flow.nodes.values() if n.place is Place.FILTER]
    return nodes


class _Drawing:
    def __init__(
        self, flow: Flow, width: int, style: Style, counts: Mapping[Arrow, int] | None
    ) -> None:
        self._flow = flow
        self._width = width
        self._style = style
        self._counts = counts

    def node(self, node: Node) -> Iterator[Text]:
        """Yield the box of ``node`` and the arrows that leave it."""
        yield from self._box(node)
        leaving = self._flow.leaving(node.key)
        width = min(max((len(self._label(arrow)) for arrow in leaving), default=0), _LABEL)
        for number, arrow in enumerate(leaving):
            yield from self._arrow(arrow, width, is_last=number == len(leaving) - 1)
        yield Text("")

    def _box(self, node: Node) -> Iterator[Text]:
        style = self._style
        room = self._width - 4
        lines = [part for line in (*node.lines, *self._incoming(node)) for part in _cut(line, room)]
        title = f" {node.title} "
        state = f" {node.state} " if node.state else ""
        inner = max(*(len(line) for line in lines), len(title) + len(state) + 2, 20) + 2
        inner = min(inner, self._width - 2)
        fill = style.across * (inner - len(title) - len(state) - 2)
        top = f"{style.across}{title}{fill}{state}{style.across}"
        left, right, low_left, low_right = style.corners
        is_fault = node.state == "broken"
        yield Text(f"{left}{top}{right}", node, is_fault)
        for line in lines:
            yield Text(f"{style.down} {line.ljust(inner - 2)} {style.down}", node, is_fault)
        yield Text(f"{low_left}{style.across * inner}{low_right}", node, is_fault)

    def _incoming(self, node: Node) -> Iterator[str]:
        """Yield from where mail comes: what the arrows of others to ``node`` say."""
        names = []
        for arrow in self._flow.coming(node.key):
            source = self._flow.nodes[arrow.source]
            count = self._counted(arrow)
            if source.key != node.key:
                names.append(f"{source.title}{count}")
        if names:
            yield f"gets mail from {', '.join(dict.fromkeys(names))}"

    def _arrow(self, arrow: Arrow, width: int, *, is_last: bool) -> Iterator[Text]:
        style = self._style
        start = style.last if is_last else style.branch
        below = " " if is_last else style.down
        label = self._label(arrow)
        target = self._target(arrow)
        head = style.cross if arrow.fault else style.head
        line = style.across
        indent = " " * _INDENT
        before = f"{indent}{start}{line} {label} ".ljust(_INDENT + 4 + width, line)
        if len(label) > width:
            yield Text(f"{indent}{start}{line} {label}", None, bool(arrow.fault))
            before = f"{indent}{below}".ljust(_INDENT + 4 + width)
        room = max(self._width - len(before) - 5, 20)
        first, *rest = textwrap.wrap(target, room, break_on_hyphens=False) or [""]
        yield Text(f"{before}{line * 2}{head} {first}", None, bool(arrow.fault))
        for more in rest:
            lead = f"{indent}{below}".ljust(len(before) + 4)
            yield Text(f"{lead}{more}", None, bool(arrow.fault))

    def _label(self, arrow: Arrow) -> str:
        return arrow.why or "takes mail"

    def _target(self, arrow: Arrow) -> str:
        target = self._flow.nodes[arrow.target]
        where = f" at {arrow.at}" if arrow.at and arrow.at not in target.title else ""
        if arrow.fault:
            where = f"{arrow.at}: {arrow.fault}"
            return f"{where}{_for(arrow)}"
        name = "itself" if arrow.target == arrow.source else target.title
        return f"{name}{where}{_for(arrow)}{self._counted(arrow)}"

    def _counted(self, arrow: Arrow) -> str:
        if self._counts is None:
            return ""
        return f" ({self._counts.get(arrow, 0)} today)"


def _for(arrow: Arrow) -> str:
    """Return for whom the arrow is, the first ones of many."""
    more = len(arrow.domains) - _SHOWN
    shown = ", ".join(arrow.domains[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f" for {shown}" if shown else ""


def _cut(text: str, room: int) -> Sequence[str]:
    return textwrap.wrap(text, room, subsequent_indent="  ", break_on_hyphens=False) or [""]
