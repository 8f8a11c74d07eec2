"""What a TAB costs beside the call of Postfix under it, and what completions cost a shell's start.

A TAB is timed at a terminal, keys in, command line out; so is a key that makes the same shell run
the same program of Postfix and keep what it says. What the terminal itself takes is taken off both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.install import make_instances
from benchmarks.tables import Case, machine, medians, milliseconds, table
from tests.harness.host import Host
from tests.harness.terminals import DUMP, Terminal, bash, fish, zsh

MESSAGES = 10_000
INSTANCES = 100
OUT = "/etc/postfix-out"
CALL = "\x18b"
"""The keys, Control-X and b, that run the program under a completion and drop its words."""


@dataclass(frozen=True)
class Tab:
    """A command line to press TAB on, and the program of Postfix that its candidates come from."""

    line: str
    call: str


TABS = (
    Tab("postconf-out -e smtp_tls_", "postconf -H"),
    Tab("postconf-out -e smtpd_banner=", "postconf -h smtpd_banner"),
    Tab("postconf-out -M s", "postconf -M"),
    Tab("postqueue-out -i ", "postqueue -j"),
    Tab("postqueue-out -i ", "postqueue -p"),
)

SHELLS: dict[str, tuple[Callable[..., Terminal], str]] = {
    "bash": (bash, r"""bind -x '"\C-xb": _call=$(MAIL_CONFIG={0} /usr/sbin/{1} 2>/dev/null)'"""),
    "zsh": (
        zsh,
        (
            "call() {{ _call=$(MAIL_CONFIG={0} /usr/sbin/{1} 2>/dev/null) }}; "
            "zle -N call; bindkey '^Xb' call"
        ),
    ),
    "fish": (
        fish,
        "bind \\cxb 'set -g _call (MAIL_CONFIG={0} /usr/sbin/{1} 2>/dev/null)'",
    ),
}
"""How each shell is started, and how its key is bound."""


def main() -> None:
    """Print the tables."""
    with Host() as host:
        host.start_default()
        host.talk_instance("out")
        fill_queue(host)
        host.postwrap("install")
        print(f"completions: {machine(host)}; {MESSAGES} messages in the queue\n")
        heads = ["TAB after", "shell", "TAB", "call", "takes", "ratio"]
        table("a TAB beside the call of Postfix under it", [heads, *tab_rows(host)])
    table(f"a shell's start, with completions for {INSTANCES} instances", start_rows())


def fill_queue(host: Host) -> None:
    """Queue messages by the thousand: copies of one, which Postfix renames and sorts in itself."""
    host.run("postconf", "-c", OUT, "-e", "defer_transports=smtp", "queue_run_delay=9d")
    host.run("postfix", "-c", OUT, "reload")
    host.run("sendmail", "-C", OUT, "-f", "from@out.example", "to@far.example", input="hello\n")
    (queue_id,) = host.wait_for(
        lambda: [m["queue_id"] for m in host.queue(OUT) if m["queue_name"] == "deferred"], 30
    )
    queue = "/var/spool/postfix-out/deferred"
    script = (
        'cd "$1" && file=$(find . -name "$2") && n=0 && while [ $n -lt "$3" ]; do '
        'cp -p "$file" "./${file##*/}$n"; n=$((n + 1)); done'
    )
    host.sh(script, queue, queue_id, str(MESSAGES - 1), timeout=300)
    host.run("postsuper", "-c", OUT, "-s", timeout=300)
    host.wait_for(lambda: len(host.queue(OUT)) == MESSAGES, 60)


def tab_rows(host: Host) -> list[list[str]]:
    """Return a line of the table for each command line and shell."""
    rows = []
    for tab in TABS:
        for name, (start, bind) in SHELLS.items():
            with start(host) as terminal:
                terminal.run(bind.format(OUT, tab.call))
                pressed, called = measure(terminal, tab, rounds=5 if "queue" in tab.call else 31)
            times = [milliseconds(pressed), tab.call, milliseconds(called)]
            rows.append([tab.line, name, *times, f"{pressed / called:.2f}"])
    return rows


def measure(terminal: Terminal, tab: Tab, rounds: int) -> tuple[float, float]:
    """Return the median seconds of the TAB and of the call, the terminal's own taken off."""
    keys = ("", "\t", CALL)
    for key in keys:
        press(terminal, tab.line, key)  # once for the caches, not counted
    times: list[list[float]] = [[] for _ in keys]
    for _ in range(rounds):
        for key, seconds in zip(keys, times, strict=True):
            seconds.append(press(terminal, tab.line, key))
    idle, pressed, called = map(statistics.median, times)
    return pressed - idle, called - idle


def press(terminal: Terminal, line: str, key: str) -> float:
    """Return the seconds until the shell has done what ``key`` asks for after ``line``."""
    before = time.perf_counter()
    terminal.send_and_wait(line + key + DUMP)
    return time.perf_counter() - before


def start_rows() -> Sequence[Sequence[str]]:
    """Return the table of the shells' starts: two hosts, measured in turn."""
    with Host() as plain, Host() as installed:
        for host in (plain, installed):
            make_instances(host, INSTANCES)
            # zsh reads what compinit knew before, as it does in a person's second shell.
            zshrc = "autoload -Uz compinit; compinit -u -d /root/.zcompdump"
            host.write("/root/.zshrc", zshrc + "\n")
            host.write("/root/.bashrc", ". /usr/share/bash-completion/bash_completion\n")
        installed.postwrap("install", timeout=300)
        cases = [Case((f"/usr/bin/{name}", "-i", "-c", ":")) for name in SHELLS]
        times: list[list[list[float]]] = [[[], []] for _ in cases]
        for _ in range(9):
            for which, host in enumerate((plain, installed)):
                for case, seconds in enumerate(medians(host, cases, rounds=7)):
                    times[case][which].append(seconds)
    rows = [["shell", "without", "with", "ratio"]]
    for name, (without, having) in zip(SHELLS, times, strict=True):
        one, other = statistics.median(without), statistics.median(having)
        rows.append([name, milliseconds(one), milliseconds(other), f"{other / one:.2f}"])
    return rows


if __name__ == "__main__":
    main()
