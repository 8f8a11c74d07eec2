"""What is installed for the boot: for which init, where, and how it is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.harness.lint import lint_shell
from tests.harness.need import need_tool

from postwrap.filesystem import Filesystem
from postwrap.host.init import boot_places, init_of, own_units
from postwrap.host.model import BootPlace, Init
from postwrap.host.naming import Instance
from postwrap.layout import Layout, system_layout, user_layout
from postwrap.render.boot import DIRECTORIES, BootFacts, boot, generator
from postwrap.render.wrappers import Target, wrappers

LAYOUT = system_layout("/usr/local")
HOOKS = ("/etc/resolvconf/update-libc.d",)
INITS = (Init.SYSTEMD, Init.SYSV, Init.OPENRC)


def parts(init: Init, layout: Layout = LAYOUT) -> dict[str, str]:
    return {a.path: a.content.decode() for a in boot(layout, BootFacts(init, hooks=HOOKS))}


@pytest.mark.parametrize("init", INITS)
def test_scripts_are_clean(init: Init) -> None:
    scripts = [text for text in parts(init).values() if text.startswith("#!")]
    assert scripts
    for script in scripts:
        # 2329: functions that are handed to each_instance by name.
        lint_shell(script.replace("#!/sbin/openrc-run", "#!/bin/sh"), ignore=("SC2329",))


def test_the_postfix_wrapper_is_clean() -> None:
    instance = Instance("/etc/postfix-eu-west", "-eu-west")
    target = Target("postfix", "/usr/sbin/postfix", ("/usr/sbin/postfix",))
    unit = "postfix-instance@eu\\x2dwest.service"
    (wrapper,) = wrappers(instance, [target], LAYOUT, unit)
    lint_shell(wrapper.content.decode())
    assert f"start '{unit}'" in wrapper.content.decode()


@pytest.mark.parametrize("unit", DIRECTORIES)
def test_units_are_tighter_than_debians(unit: str, tmp_path: Path) -> None:
    """Debian 13's postfix@.service scores 4.1."""
    need_tool("systemd-analyze")
    text = parts(Init.SYSTEMD)[f"{LAYOUT.systemd_unit}/{unit}"]
    (tmp_path / unit).write_text(text)
    judge = ["systemd-analyze", "security", "--offline=yes", "--threshold=40", str(tmp_path / unit)]
    done = subprocess.run(judge, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    drop_in = parts(Init.SYSTEMD)[f"{LAYOUT.state}/relay-only.conf"]
    (tmp_path / unit).write_text(text + drop_in)
    judge[3] = "--threshold=30"
    done = subprocess.run(judge, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_each_init_has_its_own_parts() -> None:
    assert set(parts(Init.SYSV)) == set(parts(Init.OPENRC))
    assert "/etc/init.d/postfix-instances" in parts(Init.SYSV)
    # systemd makes a unit of every init script, and with it a second one for each instance.
    assert not any(path.startswith("/etc/init.d") for path in parts(Init.SYSTEMD))
    assert parts(Init.NONE) == {}


@pytest.mark.parametrize(
    ("prefix", "units"),
    [
        ("/usr/local", "/usr/local/lib/systemd"),
        ("/usr", "/usr/lib/systemd"),
        ("/opt/postwrap", "/etc/systemd"),
    ],
)
def test_systemd_looks_where_its_parts_are(prefix: str, units: str) -> None:
    made = parts(Init.SYSTEMD, system_layout(prefix))
    assert f"{units}/system/postfix-instance@.service" in made
    assert f"{units}/system-generators/postwrap-generator" in made
    assert f"ExecStartPre=-+{prefix}/lib/postwrap/jail" in "".join(made.values())


def test_a_users_own_installation_has_no_part_in_the_boot() -> None:
    assert parts(Init.SYSTEMD, user_layout()) == {}


@pytest.mark.parametrize(
    ("marks", "init"),
    [
        ([], Init.NONE),
        (["run/systemd/system/", "run/openrc/softlevel"], Init.SYSTEMD),
        (["run/openrc/softlevel", "usr/lib/systemd/systemd"], Init.OPENRC),
        (["sbin/init -> ../lib/systemd/systemd", "sbin/openrc-run"], Init.SYSTEMD),
        (["sbin/init -> busybox", "sbin/openrc-run", "etc/inittab"], Init.OPENRC),
        (["sbin/init", "etc/inittab", "lib/systemd/systemd"], Init.SYSV),
        (["lib/systemd/systemd"], Init.SYSTEMD),
    ],
)
def test_which_init(marks: list[str], init: Init, tmp_path: Path) -> None:
    for mark in marks:
        path, _, target = mark.partition(" -> ")
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if target:
            place.symlink_to(target)
        elif path.endswith("/"):
            place.mkdir()
        else:
            place.touch()
    assert init_of(Filesystem(str(tmp_path))) is init


def test_places_are_the_generators(tmp_path: Path) -> None:
    for name in ("postfix", "postfix-out"):
        (tmp_path / "etc" / name).mkdir(parents=True)
        (tmp_path / "etc" / name / "main.cf").write_text(f"queue_directory=/q/{name}\n")
        (tmp_path / "etc" / name / "master.cf").touch()
    with (tmp_path / "etc/postfix-out/main.cf").open("a") as file:
        file.write("data_directory=/d\n")
    found = boot_places(Filesystem(str(tmp_path)), generator(LAYOUT).content.decode())
    out = BootPlace("/etc/postfix-out", "postfix-instance@out.service", starts=True)
    assert found["/etc/postfix-out"] == out
    assert found["/etc/postfix"].why == "postfix.service is not enabled"


def test_a_unit_that_starts_more_is_nobodys_own() -> None:
    both = {
        d: BootPlace(d, "postfix.service", starts=True) for d in ("/etc/postfix", "/etc/postfix-o")
    }
    assert own_units(both) == {}
    assert own_units({"/etc/postfix": both["/etc/postfix"]}) == {"/etc/postfix": "postfix.service"}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["start"],
        ["stop"],
        ["reload"],
        ["start", ""],
        ["", "stop"],
        ["-v", "start"],
        ["1:start"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix", "mksh"])
def test_the_postfix_wrapper_hands_on_all_words(
    words: list[str], shell: str, tmp_path: Path
) -> None:
    """Where systemd does not run, and where it does all but start and stop."""
    for runs in (False, True) if words not in (["start"], ["stop"]) else (False,):
        _hands_on(words, shell, tmp_path, runs)


def _hands_on(words: list[str], shell: str, tmp_path: Path, runs: bool) -> None:
    need_tool(shell.split()[0])
    program = tmp_path / "postfix"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$MAIL_CONFIG" "$unit" "$@"\nexit 75\n')
    program.chmod(0o755)
    target = Target("postfix", str(program), (str(program),))
    instance = Instance("/etc/postfix-out", "-out")
    (made,) = wrappers(instance, [target], LAYOUT, "postfix-instance@out.service")
    wrapper = tmp_path / "postfix-out"
    # What the machine itself runs has no part in it.
    mark = b"/run/systemd/system"
    assert mark in made.content
    wrapper.write_bytes(made.content.replace(mark, bytes(tmp_path if runs else tmp_path / "none")))
    environment = {"PATH": "/usr/bin:/bin", "unit": "mine", "IFS": "1:"}
    done = subprocess.run(
        [*shell.split(), str(wrapper), *words], capture_output=True, text=True, env=environment
    )
    assert done.stdout == "\n".join(["/etc/postfix-out", "mine", *words, ""])
    assert (done.stderr, done.returncode) == ("", 75)
