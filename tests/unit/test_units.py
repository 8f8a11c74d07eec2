"""Which units the boot starts for which instance: from files, and from what systemd says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.hosts import default, second

from postwrap import programs
from postwrap.filesystem import Filesystem
from postwrap.host import units
from postwrap.host.model import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

BY_DIRECTORY = "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\nExecStart=postfix start\n"
BY_NAME = "[Service]\nExecStart=/usr/sbin/postmulti -i %i -p start\n"
PLAIN = "[Service]\nExecStart=/usr/sbin/postfix start\n"
OWN = "[Service]\nExecStart=/usr/sbin/postfix -c /etc/postfix-out start\n"


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "run/systemd/system").mkdir(parents=True)

    def unit(self, name: str, text: str, base: str = "usr/lib/systemd/system") -> None:
        place = self.root / base / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def enable(self, name: str, target: str = "multi-user.target", kind: str = "wants") -> None:
        place = self.root / f"etc/systemd/system/{target}.{kind}/{name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(f"/usr/lib/systemd/system/{name}")

    def found(self, **settings: str) -> dict[str, str]:
        instances = [default(**settings), second(multi_instance_name="out")]
        found = units.units(Filesystem(str(self.root)), instances)
        assert found is not None
        return {unit.name: unit.directory for unit in found}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_without_systemd_nothing_is_known(tmp_path: Path) -> None:
    assert units.units(Filesystem(str(tmp_path)), []) is None


def test_a_template_by_directory(tree: Tree) -> None:
    tree.unit("postfix@.service", BY_DIRECTORY)
    tree.enable("postfix@out.service")
    tree.enable(r"postfix@a\x2db.service")
    assert tree.found() == {
        "postfix@out.service": "/etc/postfix-out",
        r"postfix@a\x2db.service": "/etc/postfix-a-b",
    }


def test_a_template_by_name(tree: Tree) -> None:
    tree.unit("postfix@.service", BY_NAME)
    for name in ("out", "-", "gone"):
        tree.enable(f"postfix@{name}.service")
    assert tree.found() == {
        "postfix@out.service": "/etc/postfix-out",
        "postfix@-.service": "/etc/postfix",
        "postfix@gone.service": "multi_instance_name gone",
    }


def test_a_unit_that_starts_the_default_instance_and_by_postmulti_the_others(tree: Tree) -> None:
    tree.unit("postfix.service", PLAIN)
    tree.enable("postfix.service", kind="requires")
    assert tree.found() == {"postfix.service": "/etc/postfix"}
    instances = [
        default(
            multi_instance_wrapper="postmulti -p --", multi_instance_directories="/etc/postfix-out"
        ),
        second(multi_instance_enable="yes"),
    ]
    found = units.units(Filesystem(str(tree.root)), instances) or ()
    assert [unit.directory for unit in found] == ["/etc/postfix", "/etc/postfix-out"]


def test_an_administrators_unit_a_masked_one_and_others(tree: Tree) -> None:
    tree.unit("mail-out.service", OWN, "etc/systemd/system")
    tree.enable("mail-out.service")
    (tree.root / "etc/systemd/system/postfix.service").symlink_to("/dev/null")
    tree.unit("postfix.service", PLAIN)
    tree.enable("postfix.service")
    tree.unit("postgresql.service", "[Service]\nExecStart=/usr/bin/postgres\n")
    tree.enable("postgresql.service")
    tree.enable("missing.service")
    found = units.units(Filesystem(str(tree.root)), [default(), second()])
    assert found == (
        Unit("mail-out.service", "/etc/postfix-out", "multi-user.target", is_packaged=False),
    )


def test_a_unit_that_another_wants_and_a_drop_in(tree: Tree) -> None:
    tree.unit("postfix.service", f"[Unit]\nWants=postfix@out.service\n{PLAIN}")
    tree.unit("postfix@.service", "[Service]\nExecStart=postfix start\n")
    tree.unit("postfix@.service.d/a.conf", "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%i\n")
    tree.unit("postfix@.service.d/README", "Environment=MAIL_CONFIG=/nowhere\n")
    tree.enable("postfix.service")
    assert tree.found() == {
        "postfix.service": "/etc/postfix",
        "postfix@out.service": "/etc/postfix-out",
    }


def test_debian_12s_generator_splits_at_blanks(tree: Tree) -> None:
    filesystem = Filesystem(str(tree.root))
    assert not units.splits_at_blanks(filesystem)
    loop = "for DIR in $(postconf -h multi_instance_directories); do :; done\n"
    tree.unit("postfix-instance-generator", loop, "usr/lib/systemd/system-generators")
    assert units.splits_at_blanks(filesystem)


SHOWN = """\
Id=graphical.target
Names=default.target graphical.target
LoadState=loaded
Wants=postfix.service
Requires=multi-user.target

Id=multi-user.target
Names=multi-user.target
LoadState=loaded
Wants=masked.service graphical.target
Requires=own.service gone.service

ExecStart={ path=/bin/true ; argv[]=/bin/true ; pid=0 }
Id=postfix.service
Names=postfix.service
LoadState=loaded
Wants=postfix@out.service
ConsistsOf=postfix@-.service

ExecStart={ path=/usr/sbin/postmulti ; argv[]=/usr/sbin/postmulti -i out -p start ; pid=0 }
Environment=A=b
Id=postfix@out.service
Names=postfix@out.service
LoadState=loaded
FragmentPath=/usr/lib/systemd/system/postfix@.service
WantedBy=postfix.service

ExecStart={ path=/usr/sbin/postfix ; argv[]=/usr/sbin/postfix start ; pid=0 }
Environment=MAIL_CONFIG=/etc/postfix-/
Id=postfix@-.service
Names=postfix@-.service
LoadState=loaded

ExecStart={ path=/bin/true ; argv[]=/bin/true ; pid=0 }
ExecStart={ path=/usr/sbin/postfix ; argv[]=/usr/sbin/postfix start ; pid=0 }
Environment=X=y MAIL_CONFIG=/etc/postfix-own
Id=own.service
Names=own.service
LoadState=loaded
FragmentPath=/etc/systemd/system/own.service
RequiredBy=multi-user.target

Id=masked.service
Names=masked.service
LoadState=masked
"""


def systemctl(answer: str | Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let systemctl say ``answer``, "" for a failure."""

    def run(argv: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
        assert seconds
        assert argv[0] == "systemctl"
        if isinstance(answer, Exception):
            raise answer
        return subprocess.CompletedProcess(argv, 0 if answer else 1, answer, "")

    monkeypatch.setattr(programs, "run", run)
    monkeypatch.setattr(units, "runs_systemd", lambda _: True)


def test_systemd_is_asked_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    systemctl(SHOWN, monkeypatch)
    instances = [default(), second(multi_instance_name="out")]
    assert units.units(Filesystem(), instances) == (
        Unit("postfix@out.service", "/etc/postfix-out", "postfix.service"),
        Unit("own.service", "/etc/postfix-own", "multi-user.target", is_packaged=False),
    )


@pytest.mark.parametrize("answer", ["", subprocess.TimeoutExpired("x", 5), FileNotFoundError()])
def test_where_systemd_does_not_answer_files_are_read(
    answer: str | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemctl(answer, monkeypatch)
    read = units._Loaded("postfix.service", "x.target", True, "", ("postfix start",))
    monkeypatch.setattr(units, "_read", lambda _: iter((read,)))
    assert units.units(Filesystem(), [default()]) == (
        Unit("postfix.service", "/etc/postfix", "x.target"),
    )
