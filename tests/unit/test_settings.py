from __future__ import annotations

import pytest

from postwrap.errors import Status, UsageError
from postwrap.settings import Settings, parse

PATH = "/etc/postwrap.toml"


def test_every_key() -> None:
    text = """
        # all of them
        default-suffix = ""
        shells = ["zsh"]
        prefix = "/opt/mail"
        add = ["swaks", "/opt/bin/mailx"]
        omit = ["postkick"]
    """
    expected = Settings("", ("zsh",), "/opt/mail", ("swaks", "/opt/bin/mailx"), ("postkick",))
    assert parse(text, PATH) == expected
    assert parse("", PATH) == Settings()


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("shells = ['bash']\nsuffix = 1\n", ":2", "no such setting"),
        ("\n\nshells = ['tcsh']\n", ":3", "bash, zsh, fish"),
        ("shells = 'bash'\n", ":1", "a list"),
        ("prefix = 'usr'\n", ":1", "absolute"),
        ("default-suffix = '-a b'\n", ":1", "letters"),
        ("add = ['a b']\n", ":1", "names or absolute paths"),
        ("add = ['bin/mailx']\n", ":1", "names or absolute paths"),
        ("omit = ['postmulti']\n", ":1", "wrapped commands"),
        ("\n[colours]\nx = 1\n", ":2", "no such setting"),
        ("shells = \n", "line 1", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, where: str, what: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(text, PATH)
    assert error.value.status == Status.USAGE
    assert error.value.message.startswith(PATH)
    assert where in error.value.message
    assert what in error.value.message
    assert error.value.hint
