"""The colours of a terminal: to be read on white and on black, and none where none is wanted."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from postwrap.cli import colours
from postwrap.cli.colours import INSTANCES, Colour

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
ENOUGH = 3.3
"""A contrast between 3 (large text) and 4.5 (body text): WCAG 2.2, success criterion 1.4.3."""
RED = (205, 0, 0)
"""xterm's colour 1."""


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen()
    monkeypatch.setattr(colours, "sys", SimpleNamespace(stdout=made))
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    return made


def rgb(parameters: str) -> tuple[int, ...]:
    """What xterm shows for an SGR parameter."""
    words = [int(word) for word in parameters.split(";")]
    if words[:2] != [38, 5]:
        assert 31 in words
        return RED
    steps = (0, 95, 135, 175, 215, 255)
    number = words[2] - 16
    return steps[number // 36], steps[number // 6 % 6], steps[number % 6]


def luminance(colour: tuple[int, ...]) -> float:
    parts = [p / 255 for p in colour]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("parameters", [*INSTANCES[1], *(c.value[1] for c in Colour)])
def test_each_can_be_read_on_light_and_dark(parameters: str) -> None:
    assert contrast(rgb(parameters), WHITE) >= ENOUGH
    assert contrast(rgb(parameters), BLACK) >= ENOUGH


def test_no_instance_looks_like_an_end() -> None:
    for number, own in enumerate(INSTANCES):
        assert not {c.value[number] for c in Colour} & set(own)
        assert len(set(own)) == len(own)


@pytest.mark.usefixtures("screen")
def test_what_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert colours.painted("x", None) == "x"
    assert colours.painted("x", Colour.GOOD) == "\x1b[38;5;28mx\x1b[0m"
    assert colours.instance("x", 0) == colours.instance("x", 6) == "\x1b[38;5;30mx\x1b[0m"
    monkeypatch.setenv("TERM", "linux")
    assert colours.painted("x", Colour.GOOD) == "\x1b[32mx\x1b[0m"
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert colours.instance("x", 1) == "\x1b[38;5;133mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert colours.painted("x", Colour.BAD) == colours.instance("x", 1) == "x"


@pytest.mark.parametrize("term", ["dumb", ""])
def test_no_colour_where_none_can_be_shown(
    term: str, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert colours.is_on()
    monkeypatch.setenv("TERM", "dumb")
    if not term:
        monkeypatch.setattr(screen, "isatty", lambda: False)
        monkeypatch.setenv("TERM", "xterm")
    assert not colours.is_on()
