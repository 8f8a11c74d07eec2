"""The verb map."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import typer

from postwrap import programs
from postwrap.cli import colours, output
from postwrap.cli.colours import Colour
from postwrap.cli.counting import counted_today
from postwrap.cli.declare import Metavar, flag, option, verb
from postwrap.cli.documents import MapDocument, MappedInstance, NextHop
from postwrap.cli.options import InstallationOptions, Json, Names
from postwrap.cli.words import one_of
from postwrap.errors import FailedError, RefusedError, Status, UsageError
from postwrap.host.model import HostModel, InstanceConfig
from postwrap.host.naming import select
from postwrap.views.drawing import ASCII, UNICODE, drawing
from postwrap.views.flow import IS_IT, Arrow, Flow, Place, flow
from postwrap.views.graphs import dot, mermaid

Counts = Mapping[Arrow, int]


class MapPicture(StrEnum):
    """The forms of the map."""

    TEXT = "text"
    DOT = "dot"
    MERMAID = "mermaid"
    SVG = "svg"


_MEANINGS = {
    MapPicture.TEXT: "a drawing for a terminal, the default",
    MapPicture.DOT: "a graph for Graphviz",
    MapPicture.MERMAID: "a flowchart for mermaid, as Markdown pages show it",
    MapPicture.SVG: "an image, drawn by Graphviz",
}
PictureOption = Annotated[
    str,
    option(
        "--format",
        metavar=Metavar("PICTURE", words={str(p): text for p, text in _MEANINGS.items()}),
        help="Form of the map (default: text)",
    ),
]
CountsOption = Annotated[
    bool, flag("--counts", help="Show how many messages went each way today, from the logs")
]

_BY_SMTP = {Place.INSTANCE, Place.FILTER, Place.HOST, Place.NOBODY}
_IN_A_PIPE = 100
"""Columns of a drawing that goes to no terminal."""
_SECONDS = 60


@verb("map", examples=("postwrap map", "postwrap map --format svg >map.svg"), document=MapDocument)
def map_(
    names: Names = None,
    picture: PictureOption = MapPicture.TEXT,
    counts: CountsOption = False,
    json: Json = False,
) -> None:
    """Draw where each instance takes mail from and where it sends it.

    Reads main.cf, master.cf, the tables that choose next hops, and of content filters the
    configuration (amavisd) or the command line.
    What leads to nobody is red on a terminal and in pictures.
    """
    form = one_of(MapPicture, "--format", picture)
    if json and form is not MapPicture.TEXT:
        raise UsageError("--format: cannot be combined with --json", "leave one of the two out")
    installation = InstallationOptions().host()
    host = installation.model
    known = [i.instance for i in host.instances]
    chosen = {instance.directory for instance in select(known, names or ())}
    shown = [i for i in host.instances if i.directory in chosen]
    graph = flow(host, shown)
    numbers, problems = counted_today(installation, graph) if counts else (None, [])
    if json:
        output.as_json(_document(host, graph, shown, numbers))
    else:
        _print(graph, form, numbers)
    output.problems(problems)
    failed = any(i.error for i in shown) or problems
    raise typer.Exit(Status.FOUND if failed else Status.OK)


def _print(graph: Flow, form: MapPicture, numbers: Counts | None) -> None:
    match form:
        case MapPicture.TEXT:
            _draw(graph, numbers)
        case MapPicture.DOT:
            output.line(dot(graph, numbers))
        case MapPicture.MERMAID:
            output.line(mermaid(graph, numbers))
        case MapPicture.SVG:
            output.text(svg(dot(graph, numbers)))


def _draw(graph: Flow, numbers: Counts | None) -> None:
    """Print the drawing, in the width of the terminal."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    style = UNICODE if is_unicode else ASCII
    instances = [node for node in graph.nodes.values() if node.place is Place.INSTANCE]
    for own in drawing(graph, output.width() or _IN_A_PIPE, style, numbers):
        text = output.printable(own.text)
        if own.is_fault:
            text = colours.painted(text, Colour.BAD)
        elif own.node in instances:
            text = colours.instance(text, instances.index(own.node))
        output.raw(f"{text}\n")


def svg(graph: str) -> str:
    """Return the image that dot(1) draws of ``graph``."""
    if not programs.find("dot"):
        hint = "install graphviz, or draw elsewhere what postwrap map --format dot prints"
        raise RefusedError("--format svg: Graphviz is not installed here: no dot was found", hint)
    try:
        done = programs.run(["dot", "-Tsvg"], text=graph, seconds=_SECONDS)
    except subprocess.TimeoutExpired as error:
        hint = "name the instances to draw"
        raise FailedError(f"dot: took longer than {_SECONDS} s", hint) from error
    if done.returncode:
        raise FailedError(f"dot: {done.stderr.strip()}", "postwrap map --format dot")
    return done.stdout


def _document(
    host: HostModel, graph: Flow, shown: Sequence[InstanceConfig], numbers: Counts | None
) -> MapDocument:
    returns = [
        arrow
        for node in graph.nodes.values()
        if node.place is Place.FILTER
        for arrow in graph.leaving(node.key)
        if arrow.why != IS_IT
    ]
    return {
        "instances": [_instance(graph, instance, numbers) for instance in shown],
        "filter_hands_to": _next_hops(graph, returns, numbers),
    }


def _instance(graph: Flow, instance: InstanceConfig, numbers: Counts | None) -> MappedInstance:
    key = f"instance {instance.directory}"
    leaving = graph.leaving(key)
    by_smtp = [a for a in leaving if _is_by_smtp(graph, a)]
    return {
        "name": instance.name,
        "directory": instance.directory,
        "error": instance.error or None,
        "state": graph.nodes[key].state or None,
        "listens_at": [str(listener) for listener in instance.listeners],
        "hands_to": _next_hops(graph, by_smtp, numbers),
        "delivers_to": _next_hops(graph, [a for a in leaving if a not in by_smtp], numbers),
    }


def _is_by_smtp(graph: Flow, arrow: Arrow) -> bool:
    target = graph.nodes[arrow.target]
    return target.place in _BY_SMTP or target.key.startswith("program ")


def _next_hops(graph: Flow, arrows: Sequence[Arrow], numbers: Counts | None) -> list[NextHop]:
    """Return ``arrows`` as JSON has them, those of one next hop that reaches several in one."""
    found: dict[tuple[str, str], NextHop] = {}
    for arrow in arrows:
        target = graph.nodes[arrow.target]
        to = arrow.at or target.title
        hop = found.setdefault((arrow.why, to), _next_hop(arrow, to))
        hop["domains"] = list(dict.fromkeys([*hop["domains"], *arrow.domains]))
        ends = [target]
        if target.place is Place.FILTER:
            ends = [graph.nodes[a.target] for a in graph.leaving(target.key) if a.why == "is it"]
        names = [end.title for end in ends if end.place is Place.INSTANCE]
        hop["instances"] = list(dict.fromkeys([*hop["instances"], *names]))
        if numbers is not None:
            hop["today"] = hop.get("today", 0) + numbers.get(arrow, 0)
    return list(found.values())


def _next_hop(arrow: Arrow, to: str) -> NextHop:
    return {
        "to": to,
        "by": arrow.why,
        "domains": [],
        "instances": [],
        "fault": arrow.fault or None,
    }
