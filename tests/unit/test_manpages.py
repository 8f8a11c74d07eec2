"""Man pages: every name found, no value that breaks one, the same bytes for the same input."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.lint import lint_roff
from tests.harness.need import need_tool

from postwrap.bundle import Artifact
from postwrap.catalog import CATALOG
from postwrap.checks import RULES
from postwrap.cli.program import program
from postwrap.errors import Status
from postwrap.host.naming import Instance
from postwrap.layout import system_layout
from postwrap.render.manpages import inet_services, manpages, shared_manpages
from postwrap.render.wrappers import Target
from postwrap.settings import Settings

LAYOUT = system_layout("/usr/local")
TARGETS = [
    *(Target(c.name, c.usual_path, (c.usual_path,)) for c in CATALOG if c.name != "mailq"),
    Target("mailq", "/usr/bin/mailq.postfix", ("/usr/sbin/sendmail", "-bp")),
    Target("swaks", "/usr/bin/swaks", ("/usr/bin/swaks",)),
]
PLAIN = {
    "queue_directory": "/var/spool/postfix-out",
    "data_directory": "/var/lib/postfix-out",
    "myhostname": "out.example.com",
    "syslog_name": "postfix-out",
    "inet_interfaces": "all",
    "inet_protocols": "ipv4",
    "multi_instance_name": "postfix-out",
    "multi_instance_group": "relays",
    "multi_instance_enable": "yes",
}
OUT = Instance("/etc/postfix-out", "-out", parameters=PLAIN)
PROGRAM = program()
CODES = sorted((rule.code, rule.summary) for rule in RULES)


def page(instance: Instance, services: tuple[str, ...] = ("10.0.0.1:smtp",), unit: str = "") -> str:
    made = list(manpages(instance, TARGETS, LAYOUT, services, unit))
    return made[0].content.decode()


def shown(text: str, width: int = 80) -> str:
    """A page as man(1) shows it; it must have nothing to warn of."""
    need_tool("man")
    done = subprocess.run(
        ["man", "--warnings", "--local-file", "-"],
        capture_output=True,
        env={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "MANWIDTH": str(width),
            "MAN_KEEP_FORMATTING": "",
        },
        input=text,
        text=True,
    )
    assert done.stderr == ""
    return re.sub(r".\x08", "", done.stdout)


def names(text: str, directory: Path) -> set[str]:
    """The names under which whatis(1) will find a page."""
    need_tool("lexgrog")
    file = directory / "page.1"
    file.write_text(text)
    said = subprocess.run(["lexgrog", str(file)], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r'"(\S+) - ', said))


SHARED = {Path(a.path).name: a.content.decode() for a in shared_manpages(LAYOUT, PROGRAM, CODES)}
DEFAULT = Instance("/etc/postfix", "-default", is_default=True, parameters=PLAIN)
UNKNOWN = Instance("/etc/postfix-x", "-x")
PAGES = {
    **SHARED,
    "out": page(OUT),
    "default": page(DEFAULT, ()),
    "unknown": page(UNKNOWN, ()),
    "unit": page(OUT, unit="postfix@postfix\\x2dout.service"),
    "logs to a file": page(Instance("/etc/o", "-o", parameters={**PLAIN, "maillog_file": "/a b"})),
}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_nothing_to_warn_of(text: str) -> None:
    lint_roff(text)
    for width in (80, 132):
        for line in shown(text, width).splitlines():
            assert len(line) <= width


def test_the_same_input_makes_the_same_bytes() -> None:
    assert page(OUT) == page(OUT)
    assert list(shared_manpages(LAYOUT, PROGRAM, CODES)) == list(
        shared_manpages(LAYOUT, PROGRAM, CODES)
    )


def test_every_name_is_found(tmp_path: Path) -> None:
    assert names(page(OUT), tmp_path) == {f"{target.name}-out" for target in TARGETS}
    assert names(SHARED["postwrap.8"], tmp_path) == {"postwrap"}
    assert names(SHARED["postwrap.toml.5"], tmp_path) == {"postwrap.toml"}


def test_each_command_has_a_page_in_the_section_of_the_real_one() -> None:
    made: dict[str, Artifact] = {a.path: a for a in manpages(OUT, TARGETS, LAYOUT)}
    sections = {command.name: command.section for command in CATALOG}
    wanted = {
        f"/usr/local/share/man/man{sections.get(t.name, 1)}/{t.name}-out.{sections.get(t.name, 1)}"
        for t in TARGETS
    }
    assert set(made) == wanted
    files = [artifact for artifact in made.values() if artifact.target is None]
    assert len(files) == 1
    for artifact in made.values():
        if artifact.target is not None:
            assert str(Path(artifact.path).parent / artifact.target) == files[0].path


def test_the_page_tells_where_one_is() -> None:
    text = " ".join(shown(page(OUT, ("10.0.0.1:smtp", "submission")), 132).split())
    for value in (*PLAIN.values(), "10.0.0.1:smtp, submission"):
        assert value in text
    assert "postconf-out -M '*/inet'" in text
    assert "grep -F ' postfix-out/'" in text
    for target in TARGETS:
        line = " ".join(("MAIL_CONFIG=/etc/postfix-out", *target.argv))
        assert line in text, "the same in plain shell"


def test_the_page_says_how_to_read_the_log_where_it_is() -> None:
    assert "journalctl" in shown(page(OUT))
    text = shown(PAGES["logs to a file"])
    assert "grep -F ' postfix-out/' '/a b'" in text
    assert "journalctl" not in text


def test_a_unit_is_told_of() -> None:
    assert "postfix@postfix\\x2dout.service" in shown(PAGES["unit"])
    assert "systemd" not in shown(page(OUT))


def test_the_manual_has_every_verb_option_status_and_code() -> None:
    text = shown(SHARED["postwrap.8"], 132)
    for verb in PROGRAM.verbs:
        assert f"postwrap {verb.name}" in text
        for option in verb.usage.options:
            assert option.flag in text
    for status in Status:
        assert re.search(rf"^ +{status.value} {{4,}}\S", text, re.MULTILINE)
    flat = " ".join(text.split())
    for rule in RULES:
        assert f" {rule.code} {rule.summary}" in flat


def test_the_manual_has_every_setting() -> None:
    text = shown(SHARED["postwrap.toml.5"])
    for name in Settings.__dataclass_fields__:
        assert re.search(rf"^ +{name.replace('_', '-')} = ", text, re.MULTILINE), name


# Anything that a line of main.cf could hold.
VALUES = st.text(st.characters(exclude_characters="\n\0"), min_size=1, max_size=30)
ODD = [".de x", "'br", "\\", "\\fB", "\\n[x]", '"', '.\\"', "--", "a\tb", "^~`'\"", "é", "\x1b[31m",
       "\udcff", ".so /etc/passwd", "\\!x"]  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(value=VALUES | st.sampled_from(ODD), service=VALUES | st.sampled_from(ODD))
def test_no_value_breaks_a_page(value: str, service: str) -> None:
    parameters = dict.fromkeys(PLAIN, value)
    text = page(Instance("/etc/postfix-out", "-out", parameters=parameters), (service,))
    lint_roff(text)
    assert "COMMANDS" in text


@pytest.mark.parametrize("value", [v for v in ODD if v.isprintable()])
def test_an_odd_value_is_shown_as_it_is(value: str) -> None:
    instance = Instance("/etc/postfix-out", "-out", parameters={**PLAIN, "myhostname": f"{value}."})
    assert f" {value}." in shown(page(instance))


def test_inet_services() -> None:
    text = """
# smtp inet n
smtp      inet  n - y - - smtpd
  -o inet=yes
10.0.0.1:25 inet n - y - - smtpd
\tinet inet
[::1]:submission\tinet\tn - y - - smtpd
pickup    unix  n - y 60 1 pickup

inet      unix  n
short
"""
    assert inet_services(text) == ("smtp", "10.0.0.1:25", "[::1]:submission")
