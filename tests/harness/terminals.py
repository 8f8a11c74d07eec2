"""Interactive shells on pseudo-terminals, driven as a person drives them: keys in, screen out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped, unused-ignore]

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from tests.harness.machine import Machine

ESCAPES = re.compile(
    r"\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b[=>()][0B]?|\x0f|\x07"
)

# The keys, Control-X and d, that make the shell print its command line and forget it.
DUMP = "\x18d"
DUMPED = re.compile(r"<<<(.*?)>>>", re.DOTALL)


@dataclass(frozen=True)
class Completed:
    """What a TAB left on the command line, and what it showed."""

    line: str
    shown: str


class Terminal:
    """An interactive shell in a machine; `with Terminal(...) as shell:` or close() it."""

    def __init__(
        self,
        machine: Machine,
        *argv: str,
        setup: str,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        environment = {"TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "120", **(env or {})}
        command, environment = machine.command(*argv, user=user, env=environment, cwd=cwd)
        self._child: Any = pexpect.spawn(
            str(command[0]),
            [str(word) for word in command[1:]],
            env=environment,
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(100, 120),
            timeout=60,
        )
        self._child.delaybeforesend = None
        self._number = 0
        self.run(setup)

    def run(self, line: str) -> str:
        """Type a line, and return what the terminal showed until it was done."""
        self._number += 1
        mark = f"done-{self._number}"
        # The quotes keep the echo of the typing from being taken for the answer.
        self._child.send(f"{line}\necho do''ne-{self._number}.\n")
        self._child.expect_exact(f"{mark}.")
        shown = str(self._child.before)
        self._child.expect_exact("\n")
        return clean(shown)

    def start(self, line: str) -> None:
        """Type a line and do not wait for it; finish() does."""
        # In one line: what is typed ahead is lost when a key interrupts. The trap is for one
        # that comes too late for the command.
        self._child.send(f"(trap : INT; {line}; echo sta''tus=$?)\n")
        self._child.expect_exact("\n")

    def wait_for(self, text: str) -> None:
        """Wait until the terminal shows this."""
        self._child.expect_exact(text)

    def press(self, keys: str) -> None:
        """Press keys, and wait for nothing."""
        self._child.send(keys)

    def finish(self) -> tuple[int, str]:
        """Wait for the line of start(); return its exit status, and what was shown."""
        self._child.expect(r"status=(\d+)\r?\n")
        return int(self._child.match[1]), clean(str(self._child.before))

    def complete(self, line: str, tabs: int = 1) -> Completed:
        """Type a line, press TAB, and tell what is there then; the line is gone afterwards."""
        return Completed(*self.send_and_wait(line + "\t" * tabs + DUMP))

    def send_and_wait(self, keys: str) -> tuple[str, str]:
        """Press keys, DUMP the last; return the command line that was left, and what was shown."""
        self._child.send(keys)
        self._child.expect(DUMPED)
        return re.sub(r"\r?\n", "", self._child.match[1]), clean(str(self._child.before))

    def close(self) -> None:
        """Hang up."""
        self._child.close(force=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def clean(shown: str) -> str:
    """The text of what was sent to a terminal."""
    return ESCAPES.sub("", shown).replace("\r", "")


BASH_SETUP = r"""
PS1='% '; unset HISTFILE
bind 'set enable-bracketed-paste off'; bind 'set page-completions off'; bind 'set bell-style none'
bind 'set completion-query-items 0'; bind 'set colored-completion-prefix off'
bind -x '"\C-xd": printf "<<<%s>>>\n" "$READLINE_LINE"; READLINE_LINE= READLINE_POINT=0'
""".strip().replace("\n", "; ")


def bash(
    machine: Machine, setup: str = ". /usr/share/bash-completion/bash_completion", **options: Any
) -> Terminal:
    """An interactive bash; `setup` is what a ~/.bashrc would say."""
    return Terminal(
        machine, "bash", "--norc", "--noprofile", "-i", setup=f"{BASH_SETUP}; {setup}", **options
    )


ZSH_SETUP = r"""
PS1='%% '; unsetopt prompt_sp zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste HISTFILE
setopt no_beep no_auto_menu no_list_beep; LISTMAX=1000; bindkey -e; KEYTIMEOUT=200
dump() { zle -I; print -r -- "<<<$BUFFER>>>" >/dev/tty; BUFFER=; zle -Rc }
zle -N dump; bindkey '^Xd' dump
""".strip().replace("\n", "; ")


def zsh(
    machine: Machine, setup: str = "autoload -Uz compinit; compinit -u -D", **options: Any
) -> Terminal:
    """An interactive zsh; `setup` is what a ~/.zshrc would say."""
    return Terminal(machine, "zsh", "-f", "-i", setup=f"{ZSH_SETUP}; {setup}", **options)


FISH_SETUP = r"""
function fish_prompt; echo '% '; end; set -g fish_greeting
bind \cxd 'echo "<<<"(commandline | string collect)">>>"; commandline ""'
""".strip().replace("\n", "; ")


def fish(machine: Machine, setup: str = "true", **options: Any) -> Terminal:
    """An interactive fish."""
    env = {"fish_features": "no-query-term", **options.pop("env", {})}
    return Terminal(machine, "fish", "-i", setup=f"{FISH_SETUP}; {setup}", env=env, **options)
