"""What is rendered for the shells: it parses, it is little, and the engine knows its tables."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.lint import lint_shell
from tests.harness.need import need_tool

from postwrap.bundle import Artifact, Bundle
from postwrap.catalog import CATALOG
from postwrap.catalog.usage import Kind
from postwrap.catalog.usages import USAGES
from postwrap.cli.program import program
from postwrap.host.naming import Instance
from postwrap.layout import Layout, system_layout
from postwrap.render.completions import (
    SHELLS,
    VALUES,
    completions,
    engine_path,
    shared_completions,
    shell_path,
)
from postwrap.render.wrappers import Target

OUT = Instance("/etc/postfix-out", "-out")
PROGRAM = program()
TARGETS = [Target(c.name, c.usual_path, (c.usual_path,)) for c in CATALOG]
LAYOUTS = {
    "local": system_layout("/usr/local"),
    "package": system_layout("/usr", debian=True),
    "odd": system_layout("/opt/it's an odd $place"),
}
CODES = [("some-code", "it's wrong"), ("other-code", "it is $HOME")]


def texts(layout: Layout) -> dict[str, str]:
    return {a.path: a.content.decode() for a in shared_completions(layout, PROGRAM, SHELLS, CODES)}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_shells_can_read_it(layout: Layout) -> None:
    rendered = texts(layout)
    lint_shell(rendered[engine_path(layout)])
    for name in VALUES:
        lint_shell(rendered[f"{layout.state}/values/{name}"])
    lint_shell(rendered[shell_path("bash", layout)], dialect="bash")
    for shell in ("zsh", "fish"):
        need_tool(shell)
        text = rendered[shell_path(shell, layout)]
        done = subprocess.run(
            [shell, "-n", "/dev/stdin"], input=text, text=True, capture_output=True
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_the_same_input_makes_the_same_bytes() -> None:
    layout = LAYOUTS["local"]
    assert list(shared_completions(layout, PROGRAM)) == list(shared_completions(layout, PROGRAM))
    assert list(completions(OUT, TARGETS, layout)) == list(completions(OUT, TARGETS, layout))


def test_an_instance_is_one_file_and_links() -> None:
    """A thousand instances must not be a thousand copies."""
    made = list(completions(OUT, TARGETS, LAYOUTS["local"]))
    files = [artifact for artifact in made if artifact.target is None]
    assert len(files) == 1
    assert len(files[0].content) < 600
    assert len(made) == 1 + 2 * len(CATALOG)
    assert {artifact.instance for artifact in made} == {OUT.directory}


def test_every_link_leads_to_what_is_shared() -> None:
    layout = LAYOUTS["package"]
    bundle = Bundle([*completions(OUT, TARGETS, layout), *shared_completions(layout, PROGRAM)])
    assert not bundle.problems
    links = [artifact for artifact in bundle if artifact.target is not None]
    assert links
    for link in links:
        assert bundle.get(str(Path(link.path).parent / str(link.target))), link


@pytest.mark.parametrize("shells", [(), ("bash",), ("zsh",), ("fish", "zsh")])
def test_only_the_shells_that_are_wanted(shells: tuple[str, ...]) -> None:
    layout = LAYOUTS["local"]
    made = [
        *completions(OUT, TARGETS, layout, shells),
        *shared_completions(layout, PROGRAM, shells),
    ]
    directories = {
        "bash": layout.bash_completion,
        "zsh": layout.zsh_completion,
        "fish": layout.fish_completion,
    }
    found = {
        shell
        for shell, directory in directories.items()
        for artifact in made
        if artifact.path.startswith(f"{directory}/")
    }
    assert found == set(shells)
    assert bool(made) == bool(shells)


def test_commands_that_the_settings_add_have_files_of_their_own() -> None:
    added = Target("swaks", "/usr/bin/swaks", ("/usr/bin/swaks",))
    made = completions(OUT, [*TARGETS, added], LAYOUTS["local"])
    (table, *others) = (a for a in made if a.target is None)
    assert "swaks" not in table.content.decode(), "the engine knows nothing of it"
    assert [a.path.rpartition("/")[2] for a in others] == [
        "swaks-out",
        "_swaks-out",
        "swaks-out.fish",
    ]
    lint_shell(others[0].content.decode(), dialect="bash")


# -- the engine, as each /bin/sh runs it


class Engine:
    """The engine in a directory of its own, with the tables of some instances."""

    def __init__(self, directory: Path, *instances: Instance) -> None:
        places: dict[str, Any] = {
            name: str(directory / name)
            for name in Layout.__dataclass_fields__
            if name not in {"options", "is_packaged"}
        }
        layout = Layout(**places)
        self.path = engine_path(layout)
        made = [*shared_completions(layout, PROGRAM, SHELLS, CODES)]
        for instance in instances:
            made += completions(instance, TARGETS, layout)
        for artifact in made:
            self._write(artifact)

    def _write(self, artifact: Artifact) -> None:
        path = Path(artifact.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if artifact.target is None:
            path.write_bytes(artifact.content)
            path.chmod(artifact.mode)

    def ask(self, *words: str, shell: tuple[str, ...] = ()) -> list[str]:
        """What it prints; it never says anything on standard error."""
        done = subprocess.run(
            [*shell, self.path, *words],
            capture_output=True,
            env={"PATH": "/nonexistent", "HOME": "/nonexistent"},
            errors="surrogateescape",
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), words
        return done.stdout.splitlines()

    def words(self, *words: str, shell: tuple[str, ...] = ()) -> list[str]:
        """The candidates alone."""
        return [line[1:].partition("\t")[0] for line in self.ask(*words, shell=shell)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    directory = tmp_path_factory.mktemp("it's an engine")
    return Engine(directory, OUT, Instance("/etc/postfix", "-default", is_default=True))


INTERPRETERS = [("dash",), ("bash", "--posix"), ("busybox", "sh"), ("mksh",)]


@pytest.mark.parametrize("shell", INTERPRETERS, ids=" ".join)
def test_each_sh_answers_alike(engine: Engine, shell: tuple[str, ...]) -> None:
    found = shutil.which(shell[0])
    if not found:
        pytest.skip(f"no {shell[0]}")
    for words, wanted in ANSWERS:
        assert engine.words(*words, shell=(found, *shell[1:])) == wanted, words


ANSWERS: list[tuple[tuple[str, ...], list[str]]] = [
    (("postfix-out", "sta"), ["start", "status", "start-fg"]),
    (("/usr/sbin/postfix-out", "stat"), ["status"]),
    (("postfix-default", "-v", "sto"), ["stop"]),
    (("postfix-out", "stop", ""), []),
    (("postfix-out", "tls", "en"), ["enable-client", "enable-server"]),
    (("postfix-out", "tls", "deploy-server-cert", ""), ["files "]),
    (("postfix-nosuch", ""), []),
    (("nosuch-out", ""), []),
    (("mailq-out", ""), ["-C", "-v"]),
    (("mailq-out", "-"), ["-C", "-v"]),
    (("mailq-out", "--", "-"), []),
    (("mailq-out", "-C", ""), ["directories "]),
    (("mailq-out", "-C/e"), ["directories -C"]),
    (("postlog-out", "-p", "w"), ["warn"]),
    (("postlog-out", "-pw"), ["-pwarn"]),
    (("postlog-out", "-vpw"), ["-vpwarn"]),
    (("postlog-out", "-vp", "w"), ["warn"]),
    (("postlog-out", "-p", "warn", "-"), ["-c", "-i", "-p", "-t", "-v"]),
    (("postlog-out", "text", "-"), []),
    (("postconf-out", "-C", "b"), ["builtin"]),
    (("postconf-out", "-C", "builtin,"), ["builtin,service", "builtin,user", "builtin,all"]),
    (("postconf-out", "-T", "r"), ["run-version"]),
    (("postsuper-out", "-d", "A"), ["ALL"]),
    (("postsuper-out", "-d", "ALL", "def"), ["deferred", "defer"]),
    (("postsuper-out", "-d", "ALL", "hold", "act"), ["active"]),
    (("sendmail-out", "-q"), ["-q", "-qI", "-qR", "-qS"]),
    (("sendmail-out", "-b"), ["-bd", "-bh", "-bH", "-bi", "-bl", "-bm", "-bp", "-bs", "-bv"]),
    (("sendmail-out", "-N", "failure,d"), ["failure,delay"]),
    (("sendmail-out", "-oA"), ["files -oA"]),
    (("postlock-out", ""), ["files "]),
    (("postlock-out", "file", ""), ["commands"]),
    (("postlock-out", "file", "rm", ""), ["files "]),
    (("posttls-finger-out", "-p", ">"), [">=TLSv1", ">=TLSv1.1", ">=TLSv1.2", ">=TLSv1.3"]),
    (("postkick-out", "p"), ["public", "private"]),
    (("postwrap", "un"), ["uninstall"]),
    (("postwrap", "--version", "un"), ["uninstall"]),
    (("postwrap", "install", "--d"), ["--destdir", "--dry-run"]),
    (("postwrap", "install", "--dry-run", "o"), ["out"]),
    (("postwrap", "install", "default", "o"), ["out"]),
    (("postwrap", "install", "--prefix", "/"), ["directories "]),
    (("postwrap", "install", "--prefix=/"), ["directories --prefix="]),
    (("postwrap", "which", "mailq-"), ["mailq-default", "mailq-out"]),
    (("postwrap", "role", "out", "out"), ["outbound"]),
    (("postwrap", "role", "out", "outbound", "o"), []),
    (("postwrap", "check", "--ignore", "some"), ["some-code"]),
]


@pytest.mark.parametrize("command", sorted(USAGES))
def test_every_option_is_offered_and_described(engine: Engine, command: str) -> None:
    lines = engine.ask(f"{command}-out", "-")
    told = dict(line[1:].split("\t") for line in lines)
    # What is new in some version waits for a postconf that says so; here is none.
    assert told == {o.flag: o.summary for o in USAGES[command].options if not o.since}
    attached = {o.flag for o in USAGES[command].options if o.value and o.value.attached}
    assert {line[1:].split("\t")[0] for line in lines if line[0] == "+"} == attached


@pytest.mark.parametrize("command", sorted(USAGES))
def test_words_follow_their_option(engine: Engine, command: str) -> None:
    for option in USAGES[command].options:
        if option.value and option.value.kind in {Kind.WORD, Kind.WORDS}:
            assert engine.words(f"{command}-out", option.flag, "") == list(option.value.of)
            glued = [option.flag + word for word in option.value.of]
            first = glued[0][: len(option.flag) + 1]
            wanted = [word for word in glued if word.startswith(first)]
            assert engine.words(f"{command}-out", first) == wanted


def test_verbs_are_offered_and_described(engine: Engine) -> None:
    told = dict(line[1:].split("\t") for line in engine.ask("postwrap", ""))
    assert told == {verb.name: verb.summary for verb in PROGRAM.verbs}


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
NAMES = st.sampled_from([f"{name}-out" for name in USAGES] + ["postwrap"])


@settings(deadline=None)
@given(name=NAMES, words=st.lists(WORDS | st.sampled_from(["-", "--", "-e", "=", "*", "$(id)"])))
def test_nothing_typed_makes_it_stumble(engine: Engine, name: str, words: list[str]) -> None:
    """Whatever stands on the line, it ends well, and each line is of a form that shells know."""
    for line in engine.ask(name, *words):
        assert line[:1] in {".", "+", ":"}, line
