"""The systemd generator, run on trees of files: for a given /etc, exactly this output."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.need import need_tool

from postwrap.layout import system_layout
from postwrap.render.boot import generator

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = {
    "dash": ("dash",),
    "busybox": ("busybox", "sh"),
    "bash": ("bash", "--posix"),
    "mksh": ("mksh",),
}

HEAD = """\
# Made by postwrap-generator from the directories /etc/postfix*
[Unit]
Description=Postfix instances beside the default one
Documentation=man:postwrap(8)
PartOf=postfix.service
Before=postfix.service postfix@-.service
"""

DEBIAN_12 = {
    "lib/systemd/system/postfix.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "lib/systemd/system/postfix@.service": (
        "[Service]\nExecStartPre=/usr/lib/postfix/configure-instance.sh %i\n"
        "ExecStart=/usr/sbin/postmulti -i %i -p start\n"
    ),
    "lib/systemd/system-generators/postfix-instance-generator": "#!/bin/sh\n",
}
DEBIAN_13 = {
    "usr/lib/systemd/system/postfix.service": (
        "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix\nExecStart=postfix debian-systemd-start\n"
    ),
    "usr/lib/systemd/system/postfix@.service": (
        "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\n"
        "ExecStart=postfix debian-systemd-start\n"
    ),
}
FEDORA = {
    "usr/lib/systemd/system/postfix.service": (
        "[Service]\nExecStartPre=-/usr/libexec/postfix/aliasesdb\n"
        "ExecStart=/usr/sbin/postfix start\n"
    ),
}
ENABLED = {"etc/systemd/system/multi-user.target.wants/postfix.service": "-> /x/postfix.service"}


def instance(directory: str, *lines: str, data: str = "") -> dict[str, str]:
    """An instance's two files, with a queue and a data directory called as it is."""
    last = directory.rpartition("/")[2]
    own = [f"queue_directory = /var/spool/{last}", f"data_directory = {data or f'/var/lib/{last}'}"]
    if directory == "/etc/postfix":
        own = []
    text = "\n".join([*own, *lines, ""])
    return {f"{directory[1:]}/main.cf": text, f"{directory[1:]}/master.cf": ""}


DEFAULT = instance("/etc/postfix")


@dataclass
class Case:
    """A tree (a value "-> X" is a link to X), the lines that follow HEAD, and those of --list."""

    tree: Mapping[str, str]
    target: str = ""
    listed: str | None = None
    said: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


JAILS = "Wants=postfix-jails.path\n"


def started(*units: str) -> str:
    """The lines of a target that starts these units itself."""
    wants = "".join(f"Wants={unit}\n" for unit in units)
    return wants + (JAILS if units else "") + "".join(f"After={unit}\n" for unit in units)


CASES = {
    "no Postfix": Case({"etc/hosts": ""}),
    "the default instance alone": Case(
        {**DEBIAN_13, **ENABLED, **DEFAULT},
        listed="/etc/postfix\tpostfix.service\tyes\t\n",
    ),
    "Debian 13": Case(
        {
            **DEBIAN_13,
            **ENABLED,
            **DEFAULT,
            **instance("/etc/postfix-out"),
            **instance("/etc/postfix-eu-west"),
            **instance("/etc/postfix2"),
            **instance("/etc/postfix.in"),
        },
        started(
            "postfix@eu\\x2dwest.service",
            "postfix@out.service",
            "postfix-directory@etc-postfix.in.service",
            "postfix-directory@etc-postfix2.service",
        ),
        "/etc/postfix\tpostfix.service\tyes\t\n"
        "/etc/postfix-eu-west\tpostfix@eu\\x2dwest.service\tyes\t\n"
        "/etc/postfix-out\tpostfix@out.service\tyes\t\n"
        "/etc/postfix.in\tpostfix-directory@etc-postfix.in.service\tyes\t\n"
        "/etc/postfix2\tpostfix-directory@etc-postfix2.service\tyes\t\n",
    ),
    "Debian 12: postmulti's are the distribution's": Case(
        {
            **DEBIAN_12,
            **ENABLED,
            **instance(
                "/etc/postfix",
                "multi_instance_directories = /etc/postfix-in, /etc/postfix-nameless",
                "    /etc/postfix-off",
                "alternate_config_directories = /etc/postfix-talk",
            ),
            **instance(
                "/etc/postfix-in", "multi_instance_name = postfix-in", "multi_instance_enable = yes"
            ),
            **instance("/etc/postfix-nameless", "multi_instance_enable = yes"),
            **instance("/etc/postfix-off", "multi_instance_name = off"),
            **instance("/etc/postfix-talk"),
            **instance("/etc/postfix-late"),
        },
        "Wants=postfix-instance@nameless.service\n"
        "Wants=postfix-instance@talk.service\n"
        "Wants=postfix-instance@late.service\n"
        "Wants=postfix-jails.path\n"
        "After=postfix@postfix-in.service\n"
        "After=postfix-instance@nameless.service\n"
        "After=postfix-instance@talk.service\n"
        "After=postfix-instance@late.service\n",
        "/etc/postfix\tpostfix@-.service\tyes\t\n"
        "/etc/postfix-in\tpostfix@postfix-in.service\tyes\tthe distribution starts it\n"
        "/etc/postfix-nameless\tpostfix-instance@nameless.service\tyes\t\n"
        "/etc/postfix-off\tpostfix@off.service\tno\t"
        "is known to postmulti, which wants multi_instance_enable = yes\n"
        "/etc/postfix-talk\tpostfix-instance@talk.service\tyes\t\n"
        "/etc/postfix-late\tpostfix-instance@late.service\tyes\t\n",
        said="<4>postwrap: /etc/postfix-off: not started at boot: it is known to postmulti, "
        "which wants multi_instance_enable = yes\n",
    ),
    "Debian 12 without its generator": Case(
        {
            **DEBIAN_12,
            "lib/systemd/system-generators/postfix-instance-generator": "",
            **instance("/etc/postfix", "multi_instance_directories = /etc/postfix-in"),
            **instance(
                "/etc/postfix-in", "multi_instance_name = eu-west", "multi_instance_enable = YES"
            ),
        },
        started("postfix@eu-west.service"),
    ),
    "Fedora": Case(
        {**FEDORA, **DEFAULT, **instance("/etc/postfix-out"), **instance("/etc/postfix-eu-west")},
        started("postfix-instance@eu\\x2dwest.service", "postfix-instance@out.service"),
        "/etc/postfix\tpostfix.service\tno\tpostfix.service is not enabled\n"
        "/etc/postfix-eu-west\tpostfix-instance@eu\\x2dwest.service\tyes\t\n"
        "/etc/postfix-out\tpostfix-instance@out.service\tyes\t\n",
    ),
    "Fedora: postfix.service starts what postmulti knows": Case(
        {
            **FEDORA,
            **instance(
                "/etc/postfix",
                "multi_instance_wrapper = ${command_directory}/postmulti -p --",
                "multi_instance_directories = /etc/postfix-in /etc/postfix-off",
            ),
            **instance("/etc/postfix-in", "multi_instance_enable = yes"),
            **instance("/etc/postfix-off"),
        },
        "Wants=postfix-instance@off.service\n"
        "Wants=postfix-jails.path\n"
        "After=postfix-instance@off.service\n",
    ),
    "Debian 13's postfix.service minds the default instance alone": Case(
        {
            **DEBIAN_13,
            **instance(
                "/etc/postfix",
                "multi_instance_wrapper = ${command_directory}/postmulti -p --",
                "multi_instance_directories = /etc/postfix-in",
            ),
            **instance("/etc/postfix-in", "multi_instance_enable = yes"),
        },
        started("postfix@in.service"),
    ),
    "disabled in main.cf": Case(
        {
            **DEBIAN_13,
            **DEFAULT,
            **instance("/etc/postfix-a", "multi_instance_enable = no"),
            **instance("/etc/postfix-b", "multi_instance_enable=No", "multi_instance_enable =yes"),
            **instance(
                "/etc/postfix-c", "multi_instance_enable =", "", "# yes", "\t# no", "  NO  "
            ),
            **instance("/etc/postfix-d", "#multi_instance_enable = no"),
            **instance("/etc/postfix-e", "myorigin = x", " multi_instance_enable = no"),
            **instance("/etc/postfix-f", "multi_instance_enabled = no"),
            **instance("/etc/postfix-x.removed-2026x"),
            **instance("/etc/postfix-g"),
            "etc/postfix-g/main.cf": "multi_instance_enable = no",
        },
        started(*(f"postfix@{name}.service" for name in (*"bdef", "x.removed\\x2d2026x"))),
    ),
    "what is no instance": Case(
        {
            **DEBIAN_13,
            **DEFAULT,
            "etc/postfix-policyd-spf-python/policyd-spf.conf": "",
            "etc/postfix-file": "",
            "etc/postfix-nomaster/main.cf": "queue_directory=/q",
            "etc/postfix-dir/main.cf/x": "",
            "etc/postfix-dir/master.cf": "",
            "etc/postfix-gone": "-> nowhere",
            **instance("/etc/postfix-late.removed-2026-01-31"),
            **instance("/etc/postfix-late.removed-2026-01-31-2"),
            "etc/postfix-dangling/main.cf": "-> nowhere",
            "etc/postfix-dangling/master.cf": "",
            "etc/postfix\n-x/main.cf": "queue_directory=/q",
            "etc/postfix\n-x/master.cf": "",
        },
    ),
    "names that are refused": Case(
        {
            **DEBIAN_13,
            **DEFAULT,
            **instance("/etc/postfix-a b"),
            **instance("/etc/postfix-$(touch x)"),
            **instance("/etc/postfix-é"),
        },
        said="<4>postwrap: /etc/postfix-$(touch x): not started at boot: "
        "it has characters that postwrap does not serve; rename it\n"
        "<4>postwrap: /etc/postfix-a b: not started at boot: "
        "it has characters that postwrap does not serve; rename it\n"
        "<4>postwrap: /etc/postfix-é: not started at boot: "
        "it has characters that postwrap does not serve; rename it\n",
    ),
    "copies never take the queue of what they are copied from": Case(
        {
            **DEBIAN_13,
            **instance("/etc/postfix", "alternate_config_directories = /etc/postfix-zz/"),
            "etc/postfix.bak/main.cf": "",
            "etc/postfix.bak/master.cf": "",
            **instance("/etc/postfix-out"),
            "etc/postfix-a-copy-of-out/main.cf": "queue_directory = /var/spool/postfix-out/\n",
            "etc/postfix-a-copy-of-out/master.cf": "",
            **instance("/etc/postfix-half", data="/var/lib/postfix"),
            "etc/postfix-zz/main.cf": "queue_directory=/q\ndata_directory=/d",
            "etc/postfix-zz/master.cf": "",
            "etc/postfix-z/main.cf": "queue_directory=/q\ndata_directory=/d",
            "etc/postfix-z/master.cf": "",
            "etc/postfix-odd/main.cf": "queue_directory = /srv/mail\ndata_directory = /srv/data",
            "etc/postfix-odd/master.cf": "",
            "etc/postfix-link": "-> postfix-out",
        },
        started("postfix@zz.service", "postfix@out.service", "postfix@odd.service"),
        said="".join(
            f"<4>postwrap: /etc/postfix{which}: not started at boot: it {why}\n"
            for which, why in {
                "-half": "has the data_directory of another instance, /var/lib/postfix",
                "-link": "is another name of /etc/postfix-out",
                "-a-copy-of-out": "has the queue_directory of another instance, "
                "/var/spool/postfix-out",
                "-z": "has the queue_directory of another instance, /q",
                ".bak": "has the queue_directory of another instance, /var/spool/postfix",
            }.items()
        ),
    ),
    "registered elsewhere": Case(
        {
            **DEBIAN_13,
            **instance(
                "/etc/postfix",
                "alternate_config_directories = /srv/mail/.x-1, $config_directory/x, relative, "
                "/srv//twice, /srv/../etc/postfix-no",
            ),
            **instance("/srv/mail/.x-1"),
            **instance("/srv/twice"),
            **instance("/etc/postfix-"),
        },
        started(
            "postfix-directory@srv-mail-.x\\x2d1.service",
            "postfix-directory@etc-postfix\\x2d.service",
        ),
    ),
    "masked": Case(
        {
            **DEBIAN_13,
            **DEFAULT,
            **instance("/etc/postfix-a"),
            **instance("/etc/postfix-b-b"),
            **instance("/etc/postfix-c"),
            "etc/systemd/system/postfix@a.service": "-> /dev/null",
            "etc/systemd/system/postfix@b\\x2db.service": "",
            "run/systemd/system/postfix@c.service": "-> /dev/null",
        },
        "",
        "/etc/postfix\tpostfix.service\tno\tpostfix.service is not enabled\n"
        "/etc/postfix-a\tpostfix@a.service\tno\tpostfix@a.service is masked\n"
        "/etc/postfix-b-b\tpostfix@b\\x2db.service\tno\tpostfix@b\\x2db.service is masked\n"
        "/etc/postfix-c\tpostfix@c.service\tno\tpostfix@c.service is masked\n",
    ),
    "enabled by hand": Case(
        {
            **FEDORA,
            **DEFAULT,
            **instance("/etc/postfix-a-b"),
            **instance("/etc/postfix-c"),
            **instance("/etc/postfix-d"),
            **instance("/etc/postfix-e"),
            **instance("/etc/postfix-f"),
            **instance("/etc/postfix-g"),
            "etc/systemd/system/mail-e.service": (
                "[Service]\nExecStart=/usr/sbin/postfix -c /etc/postfix-e start\n"
            ),
            "etc/systemd/system/multi-user.target.wants/mail-e.service": "-> ../mail-e.service",
            "etc/systemd/system/mail-f.service": (
                '[Service]\nEnvironment="MAIL_CONFIG=/etc/postfix-f/" A=b\n'
            ),
            "etc/systemd/system/mail.target.requires/mail-f.service": "-> ../mail-f.service",
            # Written, and not enabled.
            "etc/systemd/system/mail-g.service": "Environment=MAIL_CONFIG=/etc/postfix-g",
            "etc/systemd/system/postfix@.service": "[Service]\nExecStart=/sbin/mine %i\n",
            "etc/systemd/system/multi-user.target.wants/postfix@a-b.service": "-> /x",
            "etc/systemd/system/multi-user.target.wants/postfix-c.service": "-> /x",
            "etc/systemd/system/postfix.service.wants/postfix-instance@d.service": "-> /x",
        },
        "Wants=postfix-instance@d.service\n"
        "Wants=postfix-instance@g.service\n"
        "Wants=postfix-jails.path\n"
        "After=postfix@a-b.service\n"
        "After=postfix-c.service\n"
        "After=postfix-instance@d.service\n"
        "After=mail-e.service\n"
        "After=mail-f.service\n"
        "After=postfix-instance@g.service\n",
        "/etc/postfix\tpostfix.service\tno\tpostfix.service is not enabled\n"
        "/etc/postfix-a-b\tpostfix@a-b.service\tyes\tpostfix@a-b.service is enabled\n"
        "/etc/postfix-c\tpostfix-c.service\tyes\tpostfix-c.service is enabled\n"
        "/etc/postfix-d\tpostfix-instance@d.service\tyes\t\n"
        "/etc/postfix-e\tmail-e.service\tyes\tmail-e.service is enabled\n"
        "/etc/postfix-f\tmail-f.service\tyes\tmail-f.service is enabled\n"
        "/etc/postfix-g\tpostfix-instance@g.service\tyes\t\n",
    ),
}


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("generator") / "postwrap-generator"
    path.write_bytes(generator(system_layout("/usr/local")).content)
    return path


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    words = SHELLS[request.param]
    need_tool(words[0])
    return words


def plant(tree: Mapping[str, str], root: Path) -> None:
    for path, text in tree.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            place.symlink_to(text[3:])
        else:
            place.write_text(text)


def run(
    shell: tuple[str, ...], script: Path, root: Path, *args: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run the generator on the tree: no PATH, so that it finds no program.

    But mksh, which has no printf of its own.
    """
    path = os.environ["PATH"] if shell[0] == "mksh" else "/nonexistent"
    environment = {"POSTWRAP_ROOT": str(root), "PATH": path}
    words = [shutil.which(shell[0]) or shell[0], *shell[1:], str(script), *map(str, args)]
    return subprocess.run(words, capture_output=True, text=True, env=environment, cwd="/")


@pytest.mark.parametrize("name", CASES)
def test_writes_exactly_this(
    name: str, shell: tuple[str, ...], script: Path, tmp_path: Path
) -> None:
    case = CASES[name]
    root, out = tmp_path / "root", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    plant(case.tree, root)
    plant({"dev/kmsg": ""}, root)
    done = run(shell, script, root, out, tmp_path / "early", tmp_path / "late")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert [path.name for path in out.iterdir()] == ["postfix-instances.target"]
    assert (out / "postfix-instances.target").read_text() == HEAD + case.target
    assert (root / "dev/kmsg").read_text() == case.said
    listed = run(shell, script, root, "--list")
    assert (listed.stderr, listed.returncode) == ("", 0)
    if case.listed is not None:
        assert listed.stdout == case.listed


def test_leaves_what_another_user_owns(
    shell: tuple[str, ...], script: Path, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    plant({**DEBIAN_13, **DEFAULT, "dev/kmsg": ""}, tmp_path)
    for name, what in {"a": "", "b": "main.cf", "c": "master.cf"}.items():
        plant(instance(f"/etc/postfix-{name}"), tmp_path)
        os.chown(tmp_path / "etc" / f"postfix-{name}" / what, 40001, 40001)
    plant(instance("/etc/postfix-d"), tmp_path)
    assert run(shell, script, tmp_path, tmp_path).returncode == 0
    written = (tmp_path / "postfix-instances.target").read_text()
    assert written == HEAD + started("postfix@d.service")
    said = (tmp_path / "dev/kmsg").read_text()
    assert said.count("it belongs to somebody else than root") == 3


def test_five_hundred(shell: tuple[str, ...], script: Path, tmp_path: Path) -> None:
    names = sorted(f"n{number}" for number in range(500))
    plant({**DEBIAN_13, **DEFAULT}, tmp_path)
    for name in names:
        plant(instance(f"/etc/postfix-{name}"), tmp_path)
    assert run(shell, script, tmp_path, tmp_path).returncode == 0
    written = (tmp_path / "postfix-instances.target").read_text()
    assert written == HEAD + started(*(f"postfix@{name}.service" for name in names))


def test_needs_a_directory(shell: tuple[str, ...], script: Path, tmp_path: Path) -> None:
    done = run(shell, script, tmp_path, tmp_path / "missing")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


@pytest.mark.parametrize("name", ["dash", "busybox"])
def test_starts_no_process(name: str, script: Path, tmp_path: Path) -> None:
    need_tool("strace", name)
    plant({**CASES["Debian 13"].tree, "dev/kmsg": ""}, tmp_path)
    trace = tmp_path / "trace"
    calls = "trace=fork,vfork,clone,clone3,execve"
    shell = [shutil.which(SHELLS[name][0]) or name, *SHELLS[name][1:]]
    words = ["strace", "-f", "-qq", "-o", str(trace), "-e", calls, *shell, str(script)]
    environment = {**os.environ, "POSTWRAP_ROOT": str(tmp_path)}
    subprocess.run([*words, str(tmp_path)], check=True, env=environment)
    assert (tmp_path / "postfix-instances.target").is_file()
    assert [line.split()[1].partition("(")[0] for line in trace.read_text().splitlines()] == [
        "execve"
    ]


_NAMES = st.text("abAZ09._-", min_size=1, max_size=12).filter(lambda name: name not in {".", ".."})


@settings(max_examples=60, deadline=None)
@given(names=st.lists(_NAMES, min_size=1, max_size=20, unique=True))
def test_escapes_as_systemd_does(
    names: list[str], script: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    need_tool("systemd-escape", "dash")
    root = tmp_path_factory.mktemp("names")
    plant({**DEBIAN_13, **DEFAULT}, root)
    for name in names:
        plant(instance(f"/etc/postfix-{name}"), root)
        plant(instance(f"/etc/postfix{name}"), root)
    listed = run(("dash",), script, root, "--list").stdout.splitlines()
    units = dict(line.split("\t")[:2] for line in listed)
    template = "--template=postfix@.service"
    assert [units[f"/etc/postfix-{name}"] for name in names] == escaped(template, "--", *names)
    paths = [f"/etc/postfix{name}" for name in names if name[0] != "-"]
    template = "--template=postfix-directory@.service"
    assert [units[path] for path in paths] == escaped("--path", template, *paths)


def escaped(*words: str) -> list[str]:
    if words[-1].startswith("--template"):
        return []
    done = subprocess.run(["systemd-escape", *words], check=True, capture_output=True, text=True)
    return done.stdout.split()
