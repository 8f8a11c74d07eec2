from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwrap.errors import RefusedError
from postwrap.host.naming import Instance, find, is_safe, select, suffix_of

DEFAULT = Instance("/etc/postfix", "-default", is_default=True)
OUT = Instance("/etc/postfix-out", "-out")
DOTTED = Instance("/etc/postfix.out", ".out")
TWO = Instance("/etc/postfix2", "2")


@pytest.mark.parametrize(
    ("directory", "name", "suffix"),
    [
        ("/etc/postfix-out", "", "-out"),
        ("/etc/postfix.out", "postfix-x", ".out"),
        ("/etc/postfix2", "", "2"),
        ("/etc/postfix", "", "-postfix"),
        ("/srv/mail/relay", "", "-relay"),
        ("/srv/mail/relay", "mx", "-mx"),
    ],
)
def test_suffix(directory: str, name: str, suffix: str) -> None:
    assert suffix_of(directory, name) == suffix


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("default", DEFAULT),
        ("postfix", DEFAULT),
        ("/etc/postfix/", DEFAULT),
        ("2", TWO),
        ("postfix2", TWO),
        ("postfix.out", DOTTED),
        ("postfix-out", OUT),
        ("/etc/postfix-out", OUT),
    ],
)
def test_an_instance_answers_to_its_names(word: str, meant: Instance) -> None:
    assert find((DEFAULT, OUT, DOTTED, TWO), word) is meant


def test_an_ambiguous_name_is_refused_with_the_choices() -> None:
    with pytest.raises(RefusedError) as refused:
        find((OUT, DOTTED), "out")
    assert refused.value.hint == "write /etc/postfix-out or /etc/postfix.out"


def test_select() -> None:
    everyone = (DEFAULT, OUT, TWO)
    assert select(everyone, []) == everyone
    assert select(everyone, ["2", "postfix2", "default"]) == (TWO, DEFAULT)
    with pytest.raises(RefusedError, match="nobody: no such instance"):
        select(everyone, ["out", "nobody"])


@given(st.text())
def test_only_plain_characters_are_safe(text: str) -> None:
    plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    assert is_safe(text) == (text != "" and set(text) <= set(plain))
