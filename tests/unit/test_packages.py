"""What is in packages, as far as no package manager is needed to see it."""

from __future__ import annotations

import pytest
from tests.harness.lint import lint_shell

from postwrap.bundle import Artifact
from postwrap.errors import UsageError
from postwrap.host.model import Init
from postwrap.packages import Format, format_of
from postwrap.packages.package import Package, members

STATE = "/usr/lib/postwrap"
FILES = (
    Artifact("/etc/init.d/postfix-instances", b"#!/bin/sh\n", 0o755),
    Artifact("/usr/bin/mailq-out", b"#!/bin/sh\n", 0o755),
    Artifact(f"{STATE}/options/mailq"),
    Artifact("/usr/lib/systemd/system/postfix.service.d/postwrap.conf"),
)


@pytest.mark.parametrize("init", list(Init))
@pytest.mark.parametrize("template", ["postinst.j2", "postrm.j2", "pacman.INSTALL.j2"])
def test_scripts_are_sound_shell(init: Init, template: str) -> None:
    text = Package(FILES, STATE, init).script(template)
    lint_shell(text if text.startswith("#!") else f"#!/bin/sh\n{text}post_install\npost_remove\n")


def test_directories_come_before_what_is_in_them() -> None:
    seen: set[str] = set()
    for member in members(Package(FILES, STATE)):
        path = member if isinstance(member, str) else member.path
        assert path.rpartition("/")[0] in seen | {""}
        seen.add(path)
    assert {artifact.path for artifact in FILES} < seen


def test_only_its_own_directories_are_owned() -> None:
    owned = Package(FILES, STATE).own_directories
    drop_in = "/usr/lib/systemd/system/postfix.service.d"
    assert owned == (STATE, f"{STATE}/options", drop_in)


def test_files_under_etc_are_for_the_administrator_to_edit() -> None:
    assert Package(FILES, STATE).configuration_files == (FILES[0].path,)


@pytest.mark.parametrize("name", ["", "a", "Postwrap", "-x", "a b", "ä1", "a\n"])
def test_a_name_that_some_format_would_not_have(name: str) -> None:
    with pytest.raises(UsageError):
        Package(FILES, STATE, name=name)


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        ("ID=debian\n", Format.DEB),
        ("ID=ubuntu\nID_LIKE=debian\n", Format.DEB),
        ('NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n', Format.RPM),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', Format.RPM),
        ("ID=fedora\n", Format.RPM),
        ("ID=arch\n", Format.PACMAN),
        ("ID=alpine\n", Format.APK),
        ("ID=gentoo\n", Format.TAR),
        ("", Format.TAR),
        ("nonsense", Format.TAR),
    ],
)
def test_the_format_is_the_distributions(os_release: str, expected: Format) -> None:
    assert format_of(os_release) == expected
