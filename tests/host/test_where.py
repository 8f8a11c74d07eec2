"""postwrap map, env and shell: where mail goes, and where I am."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.harness.need import need_tool
from tests.harness.terminals import bash

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"


# -- map


@pytest.mark.bases("bookworm", "trixie")
def test_the_map(host: Host) -> None:
    host.postwrap("create", "out", "--address=10.0.0.1", "--role=fallback-relay", "--yes")
    host.postconf("relayhost=[127.0.0.1]:25, far.example", directory=OUT)
    assert host.postwrap("map").stdout == (
        "┌─ default ──────────────────────── running ─┐\n"
        "│ /etc/postfix                               │\n"
        "│ listens at 88.198.105.204:25, 127.0.0.1:25 │\n"
        "│ gets mail from outside, out                │\n"
        "└────────────────────────────────────────────┘\n"
        "   ├─ smtp_fallback_relay ──▶ out at [10.0.0.1]:25\n"
        "   ├─ default_transport ────▶ the recipients' MX\n"
        "   └─ local_transport ──────▶ mailboxes, local(8)\n"
        "\n"
        "┌─ out ───────────────── running ─┐\n"
        "│ /etc/postfix-out                │\n"
        "│ listens at 10.0.0.1:25          │\n"
        "│ gets mail from default, outside │\n"
        "└─────────────────────────────────┘\n"
        "   ├─ relayhost ────────▶ default at [127.0.0.1]:25\n"
        "   ├─ relayhost ────────▶ far.example (by MX)\n"
        "   └─ local_transport ──▶ mailboxes, local(8)\n"
        "\n"
    )
    only = host.postwrap("map", "out").stdout
    assert only.startswith("┌─ out ")
    told = json.loads(host.postwrap("map", "--json").stdout)
    assert [i["listens_at"] for i in told["instances"]] == [
        ["88.198.105.204:25", "127.0.0.1:25"],
        ["10.0.0.1:25"],
    ]
    assert told["instances"][0]["hands_to"] == [
        {
            "to": "[10.0.0.1]:25",
            "by": "smtp_fallback_relay",
            "domains": [],
            "instances": ["out"],
            "fault": None,
        }
    ]
    assert [i["state"] for i in told["instances"]] == ["running", "running"]


@pytest.mark.bases("bookworm", "trixie")
def test_messages_are_counted_on_the_map(talk: Host) -> None:
    talk.sink()
    talk.postconf("relayhost=[10.0.0.1]:25")
    talk.run("postfix", "reload")
    own = ("myhostname=out.example.com", "mynetworks=10.0.0.1", "relayhost=[127.0.0.1]:2525")
    talk.postconf(*own, directory=OUT)
    talk.run("postfix", "-c", OUT, "reload")
    for _ in range(2):
        talk.run("sendmail", "bob@far.example", "eve@far.example", input="x\n")
    talk.run("sendmail", "alice", input="x\n")
    talk.wait_for(lambda: talk.log().count("status=sent") == 9)
    shown = talk.postwrap("map", "--counts").stdout
    assert re.search(r"relayhost ─+▶ out at \[10.0.0.1\]:25 \(4 today\)", shown)
    assert re.search(r"local_transport ─+▶ mailboxes, local\(8\) \(1 today\)", shown)
    assert re.search(r"relayhost ─+▶ \[127.0.0.1\]:2525 \(4 today\)", shown)
    told = json.loads(talk.postwrap("map", "--counts", "--json").stdout)
    assert [hop["today"] for i in told["instances"] for hop in i["hands_to"]] == [4, 4]


def test_pictures_of_the_map(talk: Host) -> None:
    """Graphviz takes what is for it; without Graphviz it is said how."""
    need_tool("dot")
    talk.postconf("relayhost=[127.0.0.1]:2599")
    graph = talk.postwrap("map", "--format", "dot").stdout
    drawn = subprocess.run(["dot", "-Tsvg"], input=graph, capture_output=True, text=True)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert "nobody listens there" in drawn.stdout
    assert talk.postwrap("map", "--format", "mermaid").stdout.startswith("flowchart LR\n")
    none = talk.postwrap("map", "--format", "svg", check=False)
    assert none.returncode == 3
    assert "remedy: install graphviz" in none.stderr
    wrong = talk.postwrap("map", "--format", "png", check=False)
    assert (wrong.returncode, "png: not one of its values" in wrong.stderr) == (2, True)


def test_a_content_filter_on_the_map(host: Host) -> None:
    host.write(
        "/etc/amavis/conf.d/50-user",
        "use strict;\n$forward_method = 'smtp:[127.0.0.1]:10025';\n1;\n",
    )
    host.postwrap("create", "scanned", "--address=127.0.0.1:10025", "--role=content-filter", "-y")
    host.sink(port=10024)
    shown = host.postwrap("map").stdout
    assert "─▶ content filter [127.0.0.1]:10024\n" in shown
    assert "┌─ content filter [127.0.0.1]:10024 " in shown
    assert "─▶ scanned at [127.0.0.1]:10025\n" in shown.replace("smtp:", "")
    assert "│ listens at 127.0.0.1:10025 " in shown


def test_one_that_cannot_be_read_does_not_hide_the_others(talk: Host) -> None:
    talk.write("/etc/postfix-out/main.cf", "queue_directory = ${\n")
    shown = talk.postwrap("map", check=False)
    assert shown.returncode == 1
    assert re.search(r"─ out ─+ broken ─┐\n│ /etc/postfix-out +│\n│ unreadable: ", shown.stdout)
    assert "│ listens at 88.198.105.204:25" in shown.stdout


# -- env and shell


ASK = "postconf -h config_directory"


def test_a_shell_that_evaluates_env_means_the_instance(talk: Host) -> None:
    talk.make_command()
    for shell in ("dash", "bash", "zsh", "mksh"):
        asked = talk.run(shell, "-c", f'eval "$(postwrap env out)"; {ASK}').stdout
        assert asked == f"{OUT}\n", shell
    asked = talk.run("fish", "-c", f"postwrap env --fish out | source; {ASK}").stdout
    assert asked == f"{OUT}\n"
    default = talk.run("sh", "-c", f'MAIL_CONFIG={OUT}; eval "$(postwrap env default)"; {ASK}')
    assert default.stdout == "/etc/postfix\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "dash", "mksh"])
def test_a_shell_says_where_it_is(talk: Host, shell: str) -> None:
    talk.make_command()
    # Prompts that are made anew each time.
    talk.write("/root/.bashrc", "PROMPT_COMMAND='PS1=\"own> \"; '; MAIL_CONFIG=/etc/postfix\n")
    talk.write("/root/.zshrc", "precmd() { PS1='own> '; }; MAIL_CONFIG=/etc/postfix\n")
    talk.write("/root/.config/fish/config.fish", "function fish_prompt; echo -n 'own> '; end\n")
    prompt = "(out) own> " if shell in {"bash", "zsh", "fish"} else "(out) # "
    with bash(talk, setup="unset MAIL_CONFIG; cd /", env={"HOME": "/root"}) as terminal:
        terminal.start(f"SHELL=/usr/bin/{shell} postwrap shell out")
        terminal.wait_for(prompt)
        terminal.press(f'{ASK}; mailq; echo "$ZDOTDIR."\r')
        terminal.wait_for(f"{OUT}\r\n")
        terminal.wait_for("Mail queue is empty")
        terminal.wait_for(".\r\n")
        terminal.wait_for(prompt)
        terminal.press("exit 5\r")
        status, _ = terminal.finish()
    assert status == 5
    assert talk.run("sh", "-c", "ls -d /tmp/postwrap-* 2>/dev/null || true").stdout == ""


@pytest.mark.parametrize("named", ["in the environment", "in ~/.zshenv"])
def test_a_zsh_has_its_own_files_again(talk: Host, named: str) -> None:
    talk.make_command()
    own = "/root/it's zsh"
    talk.write(f"{own}/.zshenv", "export FROM_ZSHENV=yes\n")
    talk.write(f"{own}/.zshrc", "PS1='own> '\n")
    env = {"HOME": "/root"}
    if named == "in ~/.zshenv":
        talk.write("/root/.zshenv", f'ZDOTDIR="{own}"; . "$ZDOTDIR/.zshenv"\n')
    else:
        env["ZDOTDIR"] = own
    with bash(talk, setup="cd /", env=env) as terminal:
        terminal.start("SHELL=/usr/bin/zsh postwrap shell out")
        terminal.wait_for("(out) own> ")
        terminal.press('echo "$FROM_ZSHENV at $ZDOTDIR. $_postwrap_own"\r')
        terminal.wait_for(f"yes at {own}. \r\n")
        terminal.press("exit\r")
        assert terminal.finish()[0] == 0
    assert {p.name for p in talk.path(own).iterdir()} == {".zshenv", ".zshrc"}
    assert talk.run("sh", "-c", "ls -d /tmp/postwrap-* 2>/dev/null || true").stdout == ""


def test_what_cannot_be_entered(talk: Host) -> None:
    unknown = talk.postwrap("shell", "nosuch", check=False)
    assert unknown.returncode == 3
    assert "nosuch: no such instance" in unknown.stderr
    none = talk.postwrap("shell", "out", env={"SHELL": "/nonexistent"}, check=False)
    assert none.returncode == 3
    assert "SHELL=/nonexistent: No such file or directory" in none.stderr
