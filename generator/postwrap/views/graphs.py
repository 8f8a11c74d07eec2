"""The map for Graphviz (dot) and for mermaid. Pure.

Names come from the host and are quoted as each language does: dot, "The DOT Language", and
mermaid, "Flowcharts", entity codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from postwrap.views.flow import Arrow, Flow, Node, Place

_SHAPES = {
    Place.INSTANCE: "box",
    Place.FILTER: "hexagon",
    Place.SERVICE: "cylinder",
    Place.HOST: "ellipse",
    Place.OUTSIDE: "ellipse",
    Place.TABLE: "note",
    Place.NOBODY: "octagon",
}
_FILLS = {"running": "#dff0d8", "idle": "#eeeeee", "broken": "#f2dede"}
_RED = "#c00000"
_MERMAID = {
    Place.INSTANCE: ("[", "]"),
    Place.FILTER: ("{{", "}}"),
    Place.SERVICE: ("[(", ")]"),
    Place.HOST: ("([", "])"),
    Place.OUTSIDE: ("((", "))"),
    Place.TABLE: ("[/", "/]"),
    Place.NOBODY: ("((", "))"),
}
_SHOWN = 3
_CROWD = 8
"""To a place that more arrows lead to, and none from, each source has its own."""


class _Names:
    """The identifiers of nodes in a graph."""

    def __init__(self, flow: Flow) -> None:
        sources = {arrow.source for arrow in flow.arrows}
        often = Counter(arrow.target for arrow in flow.arrows)
        self._crowded = {k for k, count in often.items() if count > _CROWD and k not in sources}
        self.nodes: dict[str, Node] = {}
        self._names: dict[tuple[str, str], str] = {}
        for key, node in flow.nodes.items():
            if key not in self._crowded:
                self._add(key, "", node)
        for arrow in flow.arrows:
            if arrow.target in self._crowded:
                self._add(arrow.target, arrow.source, flow.nodes[arrow.target])

    def _add(self, key: str, source: str, node: Node) -> None:
        name = self._names.setdefault((key, source), f"n{len(self._names)}")
        self.nodes[name] = node

    def ends(self, arrow: Arrow) -> tuple[str, str]:
        """Return the identifiers of the nodes that ``arrow`` leads from and to."""
        own = arrow.source if arrow.target in self._crowded else ""
        return self._names[arrow.source, ""], self._names[arrow.target, own]


def dot(flow: Flow, counts: Mapping[Arrow, int] | None = None) -> str:
    """Return ``flow`` in the language of Graphviz."""
    names = _Names(flow)
    lines = [
        "digraph postfix {",
        "  rankdir=LR;",
        '  node [fontname="sans-serif", fontsize=11];',
        '  edge [fontname="sans-serif", fontsize=9];',
    ]
    for name, node in names.nodes.items():
        style = {"label": "\n".join(_text(node)), "shape": _SHAPES[node.place]}
        if fill := _FILLS.get(node.state):
            style |= {"style": "filled", "fillcolor": fill}
        if node.place is Place.NOBODY:
            style |= {"color": _RED, "fontcolor": _RED}
        if node.place is Place.OUTSIDE:
            style |= {"peripheries": "2"}
        lines.append(f"  {name} [{_attributes(style)}];")
    for arrow in flow.arrows:
        style = {"label": "\n".join(_label(arrow, counts))}
        if arrow.fault:
            style |= {"color": _RED, "fontcolor": _RED}
        source, target = names.ends(arrow)
        lines.append(f"  {source} -> {target} [{_attributes(style)}];")
    return "\n".join([*lines, "}"])


def _attributes(style: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in style.items())


def _quoted(text: str) -> str:
    # Graphviz reads entities of HTML in any label.
    plain = text.replace("&", "&amp;").replace("\\", "\\\\")
    escaped = plain.replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def mermaid(flow: Flow, counts: Mapping[Arrow, int] | None = None) -> str:
    """Return ``flow`` as a flowchart of mermaid."""
    names = _Names(flow)
    lines = ["flowchart LR"]
    for name, node in names.nodes.items():
        left, right = _MERMAID[node.place]
        lines.append(f'  {name}{left}"{_entities(_text(node))}"{right}')
    faults = []
    for number, arrow in enumerate(flow.arrows):
        label = _entities(_label(arrow, counts))
        label = f'|"{label}"|' if label else ""
        source, target = names.ends(arrow)
        lines.append(f"  {source} -->{label} {target}")
        if arrow.fault:
            faults.append(str(number))
    if faults:
        lines.append(f"  linkStyle {','.join(faults)} stroke:{_RED},color:{_RED}")
    for name, node in names.nodes.items():
        fill = _FILLS.get(node.state)
        if node.place is Place.NOBODY:
            lines.append(f"  style {name} stroke:{_RED},color:{_RED}")
        elif fill:
            lines.append(f"  style {name} fill:{fill},color:#000000")
    return "\n".join(lines)


def _entities(lines: list[str]) -> str:
    """Return text for mermaid: what has a meaning there as the number of its character."""
    plain = (
        "".join(c if c.isalnum() or c in " ./:-_,()@" else f"#{ord(c)};" for c in line)
        for line in lines
    )
    return "<br>".join(plain)


def _text(node: Node) -> list[str]:
    state = f" ({node.state})" if node.state else ""
    return [f"{node.title}{state}", *node.lines]


def _label(arrow: Arrow, counts: Mapping[Arrow, int] | None) -> list[str]:
    lines = [text for text in (arrow.why, arrow.at, arrow.fault) if text]
    if arrow.domains:
        more = len(arrow.domains) - _SHOWN
        shown = ", ".join(arrow.domains[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        lines.append(f"for {shown}")
    if counts is not None:
        lines.append(f"{counts.get(arrow, 0)} today")
    return lines
