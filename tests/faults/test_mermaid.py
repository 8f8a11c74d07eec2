"""What mermaid itself makes of map's graphs, in a real browser; `tests/run faults` runs it.

mermaid comes from npm.
"""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.harness.browser import Browser
from tests.harness.need import campaign, need_tool
from tests.harness.paths import cache_directory, locked
from tests.unit.hosts import PRIVATE, default, host, second, unreadable
from tests.unit.test_map import HOSTILE, LOCAL, MANY, flow_of

from postwrap.host.model import HostModel, TableAnswer
from postwrap.views.graphs import mermaid

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = campaign("fetches mermaid")

VERSION = "11.17.2"
PAGE = '<!DOCTYPE html><meta charset="utf-8"><body><script src="{}"></script>'
DRAW = "return mermaid.render('g' + arguments[0], arguments[1]).then(drawn => drawn.svg)"
HOSTS: dict[str, HostModel] = {
    "two": host(default(*LOCAL, relayhost=f"[{PRIVATE}]:25"), second()),
    "nobody": host(default(*LOCAL, relayhost=f"[{PRIVATE}]:2599"), second()),
    "broken": host(default(*LOCAL), unreadable(second(), "postconf: fatal: no")),
    "hostile": host(
        replace(
            default(*LOCAL, relayhost="[::1]:1"),
            answers=(TableAnswer("transport_maps", "hash:/t", HOSTILE, f"smtp:[{PRIVATE}]:25"),),
        ),
        second(),
    ),
    "thirty": host(default(*LOCAL), *MANY),
}


def script() -> Path:
    """mermaid's script, kept between runs."""
    made = cache_directory() / "mermaid" / f"{VERSION}.js"
    with locked(made.with_suffix(".lock")):
        if not made.exists():
            need_tool("npm")
            place = made.parent
            words = ("npm", "pack", "--silent", f"mermaid@{VERSION}")
            subprocess.run(words, cwd=place, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(place / f"mermaid-{VERSION}.tgz") as packed:
                found = packed.extractfile("package/dist/mermaid.min.js")
                assert found
                made.write_bytes(found.read())
    return made


def test_it_draws_every_graph(tmp_path: Path) -> None:
    need_tool("chromium", "chromedriver")
    page = tmp_path / "page.html"
    page.write_text(PAGE.format(script().as_uri()))
    with Browser(tmp_path / "profile") as browser:
        browser.open(page.as_uri())
        for number, (name, model) in enumerate(HOSTS.items()):
            graph = flow_of(model)
            drawn = browser.run(DRAW, number, mermaid(graph))
            for node in graph.nodes.values():
                shown = node.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                assert shown in drawn, (name, node.title)
