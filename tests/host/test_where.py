"""postwrap map, env and shell: where mail goes, and where I am."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.terminals import bash

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"


# -- map


@pytest.mark.bases("here", "trixie")
def test_the_map(host: Host) -> None:
    host.postwrap("create", "out", "--address=10.0.0.1", "--role=fallback-relay", "--yes")
    host.postconf("relayhost=[127.0.0.1]:25, far.example", directory=OUT)
    assert host.postwrap("map").stdout == (
        "default (/etc/postfix)\n"
        "  listens at  88.198.105.204:25, 127.0.0.1:25\n"
        "  hands to    out at [10.0.0.1]:25, by smtp_fallback_relay\n"
        "out (/etc/postfix-out)\n"
        "  listens at  10.0.0.1:25\n"
        "  hands to    default at [127.0.0.1]:25, by relayhost\n"
        "  hands to    far.example, by relayhost\n"
    )
    only = host.postwrap("map", "out").stdout
    assert only.startswith("out (")
    assert "default (" not in only
    told = json.loads(host.postwrap("map", "--json").stdout)
    assert [i["listens_at"] for i in told["instances"]] == [
        ["88.198.105.204:25", "127.0.0.1:25"],
        ["10.0.0.1:25"],
    ]
    assert told["instances"][0]["hands_to"] == [
        {"to": "[10.0.0.1]:25", "by": "smtp_fallback_relay", "instances": ["out"]}
    ]


def test_a_content_filter_on_the_map(host: Host) -> None:
    host.write(
        "/etc/amavis/conf.d/50-user",
        "use strict;\n$forward_method = 'smtp:[127.0.0.1]:10025';\n1;\n",
    )
    host.postwrap("create", "scanned", "--address=127.0.0.1:10025", "--role=content-filter", "-y")
    shown = host.postwrap("map").stdout
    assert "  hands to    [127.0.0.1]:10024, by content_filter\n" in shown
    assert "scanned (/etc/postfix-scanned)\n  listens at  127.0.0.1:10025\n" in shown


def test_one_that_cannot_be_read_does_not_hide_the_others(talk: Host) -> None:
    talk.write("/etc/postfix-out/main.cf", "queue_directory = ${\n")
    shown = talk.postwrap("map", check=False)
    assert shown.returncode == 1
    assert "out (/etc/postfix-out)\n  unreadable: " in shown.stdout
    assert "  listens at  88.198.105.204:25" in shown.stdout


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
