"""Pages of docs/ as what they claim to be: commands that a host takes, and what it then prints.

In a block ```console a line `# COMMAND` is root's, `$ COMMAND` that of alice; `> ` continues it.
The lines up to the next command are its output. `…` stands for any text. What varies from run to
run (VARYING) is not compared, and neither are widths.

What a reader has, and a test's host has not, is in comments, which the site does not show:
`<!-- host: booted -->` names the kind of host, `<!-- run: COMMAND -->` is run by root, and
`<!-- until: COMMAND -->` waits until it succeeds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pexpect  # type: ignore[import-untyped, unused-ignore]
from tests.harness.paths import CHECKOUT
from tests.harness.terminals import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.harness.machine import Machine

WIDTH = 96
"""Columns of the terminal: what a page of the site shows without scrolling."""

VARYING = (
    (r"\b[0-9A-F]{7,12}\b(?=[ *!:.)\]>@]|$)", "QUEUE-ID"),
    (r"(?<=QUEUE-ID)([*!]?) +\d+ ", r"\1 SIZE "),
    (r"\b([A-Z][a-z]{2} )?[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d\b", "TIME"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?([+-]\d\d:\d\d)?", "TIME"),
    (r"(?<=removed-)\d{4}-\d\d-\d\d", "DATE"),
    (r"\b\d{14}\.QUEUE-ID@", "ID@"),
    (r"\bdelays?=[\d./]+", "delay=N"),
    (r"(?<![\w.])\d+(\.\d+)? ?(s|ms|MB)\b", r"N \2"),
    (r"(?<= )\d+ +(?=N s$)", "SIZE "),
    (r"\b(postfix|postfix-instance@[^ ]*|postfix@[^ ]*)\.service\b", "UNIT"),
    (r"\[\d{2,}\]", "[PID]"),
    (r"\bprocess(es)? \d+", r"process\1 PID"),
    (r"\buser \d+", "user UID"),
    (r" ?= ?", "="),
    (r"─+", "─"),
    (r"-{2,}", "--"),
    (r"\s+", " "),
)
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"^<!-- (run|until): (.*?) -->$", re.DOTALL | re.MULTILINE)
_HOST = re.compile(r"^<!-- host: (.*) -->$", re.MULTILINE)
_ASKED = r"\[y/N\]: "


@dataclass
class Command:
    """One command of a page. `output` are the lines that the page shows, `said` what came."""

    user: str | None
    text: str
    kind: str = "shown"
    output: list[str] = field(default_factory=list)
    said: list[str] | None = None

    @property
    def agrees(self) -> bool:
        return self.said is None or matches(self.output, self.said)


@dataclass
class Page:
    """A page of docs/, and its commands in their order."""

    path: Path
    text: str
    commands: list[Command]

    @property
    def host(self) -> str:
        """The kind of host that the page is for: plain, or what its comment names."""
        found = _HOST.search(self.text)
        return found[1] if found else "plain"


def read(path: Path) -> Page:
    text = path.read_text()
    found = sorted(
        [*_BLOCK.finditer(text), *_COMMENT.finditer(text)], key=lambda match: match.start()
    )
    commands: list[Command] = []
    for match in found:
        if match.re is _COMMENT:
            commands.append(Command(None, match[2], match[1]))
        else:
            commands += _commands(match[1].splitlines())
    return Page(path, text, commands)


def _commands(lines: Sequence[str]) -> Iterator[Command]:
    command: Command | None = None
    for line in lines:
        if line[:2] in {"# ", "$ "}:
            if command:
                yield command
            command = Command(None if line[0] == "#" else "alice", line[2:])
        elif command and line.startswith("> ") and not command.output:
            command.text += f"\n{line[2:]}"
        else:
            assert command, f"output before a command: {line}"
            command.output.append(line)
    if command:
        yield command


def matches(shown: Sequence[str], said: Sequence[str]) -> bool:
    """Whether `said` is what a page shows, but for what varies, and for where lines are folded."""
    parts = (_plain(part) for part in "\n".join(shown).split("…"))
    pattern = r"\s?.*?\s?".join(map(re.escape, parts))
    return bool(re.fullmatch(pattern, _plain("\n".join(said))))


def _plain(text: str) -> str:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.strip()


def carry_out(page: Page, machine: Machine) -> None:
    """Run the commands of a page in their order, each on a terminal, and note what they print."""
    places: dict[str | None, str] = {}
    for command in page.commands:
        if command.kind == "run":
            machine.sh(command.text, timeout=120)
        elif command.kind == "until":
            machine.wait_for(lambda: machine.sh(command.text, check=False).returncode == 0, 60)  # noqa: B023
        elif command.text.startswith("cd "):
            places[command.user] = command.text.removeprefix("cd ")
            command.said = []
        else:
            _type(command, machine, places.get(command.user))


def _type(command: Command, machine: Machine, cwd: str | None) -> None:
    answers = re.findall(_ASKED + "(.*)", "\n".join(command.output))
    said = typed(machine, command.text, command.user, cwd, answers, {"NO_COLOR": "1"})
    command.said = [line.rstrip() for line in ESCAPES.sub("", said).split("\n")]
    while command.said and not command.said[-1]:
        command.said.pop()


def typed(
    machine: Machine,
    text: str,
    user: str | None = None,
    cwd: str | None = None,
    answers: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> str:
    """What a command prints on a terminal; each question gets the next of `answers`."""
    environment = {"TERM": "xterm", "PAGER": "cat", "COLUMNS": str(WIDTH), **(env or {})}
    argv, environment = machine.command("bash", "-c", text, user=user, env=environment, cwd=cwd)
    child: Any = pexpect.spawn(
        str(argv[0]),
        [str(word) for word in argv[1:]],
        env=environment,
        encoding="utf-8",
        codec_errors="replace",
        dimensions=(50, WIDTH),
        timeout=300,
    )
    left, said = list(answers), ""
    while child.expect([_ASKED, pexpect.EOF]) == 0:
        said += f"{child.before}{child.after}"
        child.sendline(left.pop(0) if left else "n")
    child.close()
    return (said + str(child.before)).replace("\r\n", "\n")


def differences(page: Page) -> str:
    """What a page shows and does not happen, as text for a failure."""
    told = []
    for command in page.commands:
        if not command.agrees:
            shown, said = "\n".join(command.output), "\n".join(command.said or ())
            told.append(f"{command.text}\n--- shown\n{shown}\n--- printed\n{said}\n")
    name = page.path.relative_to(CHECKOUT)
    return f"{name}:\n" + "\n".join(told) if told else ""


def rewrite(page: Page) -> None:
    """Put what came in the place of what the page shows, where the two differ."""
    shown = iter([c for c in page.commands if c.kind == "shown"])

    def block(match: re.Match[str]) -> str:
        lines: list[str] = []
        for count in range(len(list(_commands(match[1].splitlines())))):
            del count
            command = next(shown)
            first, *more = command.text.split("\n")
            lines += [f"{'#' if command.user is None else '$'} {first}", *(f"> {m}" for m in more)]
            lines += command.output if command.agrees else command.said or ()
        return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

    page.path.write_text(_BLOCK.sub(block, page.text))
