"""The map: the graph of a host's mail flow, and its drawings."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from tests.harness.need import need_tool
from tests.unit.hosts import LOOPBACK, PRIVATE, STOCK, default, held, host, second, unreadable

from postwrap.cli.verb_map import svg
from postwrap.host.addresses import destination
from postwrap.host.model import HostModel, TableAnswer
from postwrap.views.drawing import ASCII, UNICODE, drawing
from postwrap.views.flow import Flow, Place, flow
from postwrap.views.graphs import dot, mermaid

LOCAL = (
    *STOCK,
    "local unix - n n - - local",
    "maildrop unix - n n - - pipe",
    "lmtp unix - - y - - lmtp",
)


def flow_of(model: HostModel) -> Flow:
    return flow(model, model.instances)


def ways(graph: Flow) -> set[tuple[str, str, str, str]]:
    """The arrows: from where, to where, by what, and why nobody takes it."""
    title = {key: node.title for key, node in graph.nodes.items()}
    return {(title[a.source], title[a.target], a.why, a.fault) for a in graph.arrows}


def test_from_outside_through_two_instances_and_on() -> None:
    graph = flow_of(
        host(
            default(
                *LOCAL,
                relayhost=f"[{PRIVATE}]:25",
                mydestination="a.example",
                local_transport="local:x",
            ),
            second(relayhost="[mx.far.example]"),
        )
    )
    assert ways(graph) == {
        ("outside", "default", "", ""),
        ("outside", "out", "", ""),
        ("default", "out", "relayhost", ""),
        ("default", "mailboxes, local(8)", "local_transport", ""),
        ("out", "[mx.far.example]", "relayhost", ""),
    }
    states = {node.title: node.state for node in graph.nodes.values() if node.state}
    assert states == {"default": "running", "out": "running"}


def test_what_leads_to_nobody() -> None:
    graph = flow_of(host(default(relayhost="[127.0.0.1]:2599", default_transport="gone:")))
    nobody = {way for way in ways(graph) if way[1] == "nobody"}
    assert nobody == {
        ("default", "nobody", "relayhost", "nobody listens there"),
        ("default", "nobody", "default_transport", "master.cf has no service gone"),
    }
    assert [line.text for line in drawing(graph, 80, ASCII) if line.is_fault] == [
        "   |- relayhost ----------x [127.0.0.1]:2599: nobody listens there",
        "   `- default_transport --x gone:: master.cf has no service gone",
    ]


def test_a_filter_and_what_it_hands_back() -> None:
    back = destination("[127.0.0.1]:10025")
    assert back
    reentry = ("127.0.0.1:10025 inet n - y - - smtpd",)
    graph = flow_of(
        host(
            default(*STOCK, *reentry, content_filter="smtp:[127.0.0.1]:10024"),
            sockets=(held(LOOPBACK, 10024, program="amavisd"),),
            filter_returns=(back,),
        )
    )
    assert ("default", "content filter [127.0.0.1]:10024", "content_filter", "") in ways(graph)
    assert ("content filter [127.0.0.1]:10024", "default", "amavisd", "") in ways(graph)
    (filters,) = (node for node in graph.nodes.values() if node.place is Place.FILTER)
    assert filters.lines == ("amavisd",)


def test_domains_that_are_relayed() -> None:
    """backup-mx passes on mail for them alone."""
    relayed = {"relay_transport": "relay", "default_transport": "smtp"}
    services = (*STOCK, "relay unix - - y - - smtp", "smtp unix - - y - - smtp")
    graph = flow_of(host(default(*services, relay_domains="a.example, b.example", **relayed)))
    told = [line.text for line in drawing(graph, 100, ASCII)]
    (own,) = [text for text in told if "relay_transport" in text]
    assert own.endswith("> the recipients' MX for a.example, b.example")
    graph = flow_of(host(default(*services, relay_domains="x", mydestination="x", **relayed)))
    assert {a.why for a in graph.arrows} == {"", "default_transport"}


def test_a_proxy_before_the_queue() -> None:
    line = "smtp inet n - y - - smtpd -o smtpd_proxy_filter=127.0.0.1:10024"
    graph = flow_of(host(default(line, *STOCK[1:]), sockets=(held(LOOPBACK, 10024),)))
    assert ("default", "content filter 127.0.0.1:10024", "smtpd_proxy_filter of smtp/inet", "") in (
        ways(graph)
    )


def test_tables() -> None:
    answers = [
        TableAnswer("transport_maps", "hash:/t", f"d{n}.example", f"smtp:[192.0.2.{n}]")
        for n in range(9)
    ]
    answers += [
        TableAnswer("transport_maps", "hash:/t", "o.example", f"smtp:[{PRIVATE}]:25"),
        TableAnswer("transport_maps", "hash:/t", "p.example", f"smtp:[{PRIVATE}]:25"),
    ]
    mine = replace(default(*LOCAL, transport_maps="hash:/t ldap:/l"), answers=tuple(answers))
    graph = flow_of(host(mine, second()))
    found = {
        (graph.nodes[a.target].title, a.domains) for a in graph.leaving("instance /etc/postfix")
    }
    assert ("out", ("o.example", "p.example")) in found
    assert ("9 next hops elsewhere", tuple(f"d{n}.example" for n in range(9))) in found
    assert ("table ldap:/l", ()) in found


def test_one_that_cannot_be_read_is_broken() -> None:
    graph = flow_of(host(default(), unreadable(second(), "postconf: fatal: no")))
    assert [n.state for n in graph.nodes.values() if n.place is Place.INSTANCE] == [
        "running",
        "broken",
    ]
    assert any("unreadable: postconf: fatal: no" in line.text for line in drawing(graph, 80, ASCII))


MANY = [second(name=f"i{n}", relayhost="[127.0.0.1]:2525") for n in range(30)]


@pytest.mark.parametrize("width", [80, 132])
@pytest.mark.parametrize("style", [ASCII, UNICODE], ids=["ascii", "unicode"])
def test_a_drawing_keeps_to_its_width(width: int, style: object) -> None:
    assert style in (ASCII, UNICODE)
    chosen = ASCII if style is ASCII else UNICODE
    long = replace(
        default(*LOCAL, relayhost=f"[{'very-' * 12}long.example]"),
        answers=(
            TableAnswer("transport_maps", "hash:/t", "x" * 50 + ".example", f"smtp:[{PRIVATE}]:25"),
        ),
    )
    lines = drawing(flow_of(host(long, *MANY)), width, chosen)
    assert max(len(line.text) for line in lines) <= width
    boxes = [line.text for line in lines if line.node]
    for text in boxes:
        assert text[0] in {chosen.corners[0], chosen.corners[2], chosen.down}
    tops = [text for text in boxes if text.startswith(f"{chosen.corners[0]}{chosen.across} ")]
    assert len(tops) == 31
    if chosen is ASCII:
        assert all(line.text.isascii() for line in lines)


HOSTILE = 'a"];x->y;//\\ <b> | & #quot; &lt;{}'


def test_names_are_quoted_in_graphs() -> None:
    answer = TableAnswer("transport_maps", "hash:/t", HOSTILE, f"smtp:[{PRIVATE}]:25")
    graph = flow_of(host(replace(default(*LOCAL), answers=(answer,)), second()))
    for line in dot(graph).splitlines()[4:-1]:
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert re.fullmatch(r"  n\d+(?: -> n\d+)? \[(?:\w+=(?:, )?)+\];", outside), line
    for line in mermaid(graph).splitlines()[1:]:
        outside = re.sub(r'"[^"]*"', "", line)
        assert HOSTILE not in line
        assert re.fullmatch(
            r"  (?:n\d+[\[\](){}/]+|n\d+ -->(?:\|\|)? n\d+|(?:link)?[sS]tyle .*)", outside
        )


def test_many_instances_have_ends_of_their_own_in_graphs() -> None:
    """Thirty arrows to one place would be a tangle."""
    many = [default(*LOCAL, relayhost="[10.0.0.1]:2599")]
    many += [second(name=f"o{n}", relayhost="[10.0.0.1]:2599") for n in range(9)]
    few, crowd = flow_of(host(*many[:4])), flow_of(host(*many))
    for form in (dot, mermaid):
        assert form(few).count('"nobody"') == 1
        assert form(crowd).count('"nobody"') == len(many)


def test_graphviz_draws_any_name() -> None:
    need_tool("dot")
    answer = TableAnswer("transport_maps", "hash:/t", HOSTILE, f"smtp:[{PRIVATE}]:25")
    graph = flow_of(host(replace(default(*LOCAL, relayhost="[::1]:1"), answers=(answer,))))
    drawn = svg(dot(graph))
    shown = " ".join("".join(text.itertext()) for text in ElementTree.fromstring(drawn).iter())
    assert f"for {HOSTILE}" in shown


def test_counts_are_told_where_they_are_given() -> None:
    graph = flow_of(host(default(relayhost=f"[{PRIVATE}]:25"), second()))
    counts = {a: 7 for a in graph.arrows if a.why == "relayhost"}
    text = "\n".join(line.text for line in drawing(graph, 100, ASCII, counts))
    assert "out at [10.0.0.1]:25 (7 today)" in text
    assert "gets mail from default (7 today), outside (0 today)" in text
    assert "7 today" in dot(graph, counts)
    assert "today" not in "\n".join(line.text for line in drawing(graph, 100, ASCII))
