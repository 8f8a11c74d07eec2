"""The documentation site in a real browser, read from its files as from a web server.

POSTWRAP_SCREENSHOTS names a directory that gets a picture of each page in each width and scheme.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.harness.browser import Browser
from tests.harness.machine import wait_for
from tests.harness.paths import CHECKOUT

from postwrap.checks import RULES

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as docs/build makes it, where any warning is an error."""
    made = tmp_path_factory.mktemp("site") / "html"
    done = subprocess.run(
        [CHECKOUT / "docs/build", made], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with tempfile.TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        browser.open("about:blank")
        browser.requests()  # those of the page that a browser begins with
        yield browser


def pages(site: Path) -> list[Path]:
    found = sorted(site.rglob("*.html"))
    assert len(found) > 25, found
    return found


def open_page(browser: Browser, page: Path, query: str = "") -> None:
    browser.open(f"file://{page}{query}")


LOCAL = {"file", "data"}

LOOK = """
return [document.querySelector('article h1')?.innerText, window.innerWidth,
    document.documentElement.scrollWidth,
    [...document.images].filter(image => !image.naturalWidth).map(image => image.src)];
"""

CONTRAST = """
const luminance = colour => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(Number).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = element => {
    for (; element; element = element.parentElement) {
        const colour = getComputedStyle(element).backgroundColor;
        if (!/, 0\\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
};
const chosen = 'article p, article a, article td, article pre span, .sidebar-tree a';
return [...document.querySelectorAll(chosen)].filter(element => element.innerText.trim())
    .map(element => {
        const pair = [luminance(getComputedStyle(element).color), luminance(ground(element))];
        const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        return [element.outerHTML.slice(0, 80), ratio, pair[1]];
    });
"""


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark"), (1280, "light")])
def test_every_page_can_be_read(site: Path, browser: Browser, width: int, scheme: str) -> None:
    """It fits the window, has all its pictures, asks nobody, and has contrasts as WCAG wants."""
    browser.resize(width)
    browser.prefer(scheme)
    everything = width == 360 or scheme == "dark"
    for page in pages(site) if everything else [site / "tutorial/fallback-relay.html"]:
        open_page(browser, page)
        name = page.relative_to(site)
        head, inner, outer, broken = browser.run(LOOK)
        assert head or page.stem in {"genindex", "search"}, name
        assert inner == width
        assert outer <= width, f"{name} is {outer} pixels wide at {width}"
        assert broken == [], name
        assert browser.complaints() == [], name
        assert [url for url in browser.requests() if urlsplit(url).scheme not in LOCAL] == [], name
        pale = [
            f"{ratio:.1f}: {element}"
            for element, ratio, ground in browser.run(CONTRAST)
            if ratio < 4.5 or (ground < 0.2) != (scheme == "dark")
        ]
        assert pale == [], name
        keep_picture(browser, f"{str(name).replace('/', '-')}-{width}-{scheme}")


def test_search_needs_no_server(site: Path, browser: Browser) -> None:
    open_page(browser, site / "search.html", "?q=fallback")
    found = "return [...document.querySelectorAll('#search-results li a')].map(a => a.innerText)"
    titles = wait_for(lambda: browser.run(found))
    assert any("Tutorial: a fallback relay" in title for title in titles), titles
    open_page(browser, site / "search.html", "?q=listener-overlap")
    titles = wait_for(lambda: browser.run(found))
    assert any("Codes of check" in title for title in titles), titles


class Links(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}
        if tag == "a" and (target := given.get("href")):
            self.links.add(target)


@cache
def parsed(page: Path) -> Links:
    return Links(page.read_text())


def test_no_link_is_broken(site: Path) -> None:
    broken = []
    for page in pages(site):
        for link in parsed(page).links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme == "https", link
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not target.is_file():
                broken.append(f"{page.relative_to(site)}: {link}")
            elif target.suffix == ".html" and parts.fragment:
                anchors = parsed(target).anchors
                broken += [] if unquote(parts.fragment) in anchors else [f"{target}: {link}"]
    assert broken == []


def test_each_code_of_check_has_an_anchor(site: Path) -> None:
    anchors = parsed(site / "reference/check-codes.html").anchors
    assert {rule.code for rule in RULES} <= anchors


def test_links_in_the_checkout() -> None:
    """Those of README, CONTRIBUTING, SECURITY and the Markdown pages lead to files."""
    files = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
    broken = [
        f"{file.relative_to(CHECKOUT)}: {link}"
        for file in files
        if "_build" not in file.parts
        for link in re.findall(r"\]\(([^)#: ]+)(?:#[^)]*)?\)", file.read_text())
        if not (file.parent / link).exists()
    ]
    assert broken == []


def keep_picture(browser: Browser, name: str) -> None:
    if place := os.environ.get("POSTWRAP_SCREENSHOTS"):
        Path(place, f"{name}.png").write_bytes(browser.picture())
