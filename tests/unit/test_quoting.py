"""What the quoting filters make is one word of the real shell, whatever goes in."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.need import need_tool

from postwrap.render.quoting import comment, fish, roff, sh

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize("shell", ["dash", "bash", "zsh", "mksh"])
@settings(max_examples=25, deadline=None)
@given(text=TEXT)
def test_sh(shell: str, text: str) -> None:
    need_tool(shell)
    assert printed([shell, "-c", f"printf %s. {sh(text)}"]) == f"{text}."


@settings(max_examples=25, deadline=None)
@given(text=TEXT)
def test_fish(text: str) -> None:
    need_tool("fish")
    assert printed(["fish", "--no-config", "-c", f"printf %s. {fish(text)}"]) == f"{text}."


def printed(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


@given(text=TEXT)
def test_a_comment_is_one_line(text: str) -> None:
    assert "\n" not in comment(text)


@pytest.mark.parametrize("text", [".TH evil", "'so x", "a\\b -c 'd' ~ ^ `e`", "\\fB"])
def test_roff(text: str) -> None:
    need_tool("mandoc")
    page = f".TH X 1\n.SH NAME\n{roff(text)}\n"
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=200"], input=page.encode(), capture_output=True
    )
    assert text in done.stdout.decode()
