"""Which postwrap the units call: that of the prefix, else that of a wheel's environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from postwrap.cli.program import program
from postwrap.installation import Installation, Where
from postwrap.settings import own_prefix

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment that postwrap was installed into as a wheel."""
    place = tmp_path / "venv"
    (place / "bin").mkdir(parents=True)
    (place / "bin/postwrap").touch()
    monkeypatch.setattr(sys, "prefix", str(place))
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    return place


def test_units_call_the_environments_own(environment: Path, tmp_path: Path) -> None:
    host = Installation(Where(str(tmp_path / "prefix")), program)
    assert host.command == f"{environment}/bin/postwrap"


def test_a_command_under_the_prefix_comes_first(environment: Path, tmp_path: Path) -> None:
    command = tmp_path / "prefix/sbin/postwrap"
    command.parent.mkdir(parents=True)
    command.touch()
    host = Installation(Where(str(tmp_path / "prefix")), program)
    assert host.command == str(command)


def test_nothing_of_this_environment_goes_elsewhere(environment: Path, tmp_path: Path) -> None:
    for where in (
        Where("/usr", root=str(tmp_path)),
        Where("/usr/local", destdir=str(tmp_path)),
    ):
        command = Installation(where, program).command
        assert str(environment) not in command


def test_the_prefix_of_an_installation_by_install_sh(monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_prefix() == "/usr/local"
    monkeypatch.setattr(sys, "prefix", "/opt/mail/lib/postwrap/venv-0123456789abcdef")
    assert own_prefix() == "/opt/mail"
