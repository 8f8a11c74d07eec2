"""What a message's story costs beside grep: start-up, the passes of grep -F, trace itself.

The log is that of two instances, each message handed from one to the other. For each question the
passes are run by ``LC_ALL=C grep -F`` over the same files with the words of each of trace's own
passes. The bound is start-up + 2 passes of grep + 20 µs a line told; ``ratio`` is trace's time over
it; ``memory`` is the most that Python had, the programs that it starts aside.

POSTWRAP_BENCH_LINES: how many lines, 1000000 without. POSTWRAP_BENCH_FORMS: which forms of the log,
``plain gz zst xz bz2`` without. The log is in memory, as all of a private host is: 140 MB for a
million lines.
"""

from __future__ import annotations

import json
import os
import random
import shlex
from collections.abc import Iterator
from pathlib import Path

from benchmarks.tables import Case, machine, medians, milliseconds, table
from tests.harness.host import Host
from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT

LINES = int(os.environ.get("POSTWRAP_BENCH_LINES", "1000000"))
ROUNDS = 3
LOG = "/var/log/maillog"
NEW = "Dec  1 00:00:00 mail postfix/qmgr[1]: statistics: none\n"
QUESTIONS = {
    "one message": "one@far.example",
    "40 recipients": "forty@client.example",
    "5000 messages": "many@shop.example",
    "nothing": "nobody@nowhere.example",
}
FORMS = {
    "plain": ("", "cat"),
    "gz": ("gzip -1", "gzip -dc"),
    "zst": ("zstd -q -1", "zstd -dc"),
    "xz": ("xz -0", "xz -dc"),
    "bz2": ("bzip2 -1", "bzip2 -dc"),
}
SUFFIXES = {"gzip": "gz", "zstd": "zst", "xz": "xz", "bzip2": "bz2"}
CHOSEN = os.environ.get("POSTWRAP_BENCH_FORMS", " ".join(FORMS)).split()
LONG = 7200
"""Seconds."""
DRIVER = """
import json, resource, sys
from postwrap.logs import searching, way
asked = []
call = searching.Search.__call__
def recorded(self, wanted, known):
    if wanted.reach is way.Reach.USUAL:
        asked.append([sorted(wanted.words), wanted.ignores_case])
    return call(self, wanted, known)
searching.Search.__call__ = recorded
from postwrap.cli import main
try:
    main()
except SystemExit:
    pass
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([asked, memory]), file=sys.stderr)
"""


def main() -> None:
    """Print the table."""
    heads = ("log", "question", "told", "passes", "start-up", "grep", "trace", "bound", "ratio")
    rows = [[*heads, "memory"]]
    with Host() as host:
        about = machine(host)
        prepare(host)
        for form in CHOSEN:
            pack, unpack = FORMS[form]
            if (
                not pack
                or host.run("sh", "-c", f"command -v {pack.split()[0]}", check=False).stdout
            ):
                store(host, pack)
                rows += [row(host, form, unpack, *question) for question in QUESTIONS.items()]
    print(f"trace: {about}; {LINES} lines, {ROUNDS} rounds\n")
    table("a message's story beside grep -F", rows)


def prepare(host: Host) -> None:
    """Make the second instance, and give the host what its root lacks to pack and unpack."""
    host.start_default()
    host.talk_instance(start=False)
    host.stop_all()
    for name in SUFFIXES:
        is_there = host.run("sh", "-c", f"command -v {name}", check=False).stdout
        if not is_there and (tool := find_tool(name)):
            host.write(f"/usr/local/bin/{name}", Path(tool).resolve().read_bytes(), 0o755)
    with host.path("/root/lines").open("w") as file:
        file.writelines(lines())


def store(host: Host, pack: str) -> None:
    """Make the lines the log, or a rotated file of it that ``pack`` has packed."""
    if not pack:
        host.sh(f"ln -f /root/lines {LOG}")
        return
    suffix = SUFFIXES[pack.split()[0]]
    host.sh(f"rm -f {LOG} {LOG}.*; {pack} -c </root/lines >{LOG}.1.{suffix}", timeout=LONG)
    host.write(LOG, NEW)


def row(host: Host, form: str, unpack: str, name: str, what: str) -> list[str]:
    """Measure one question; a row of the table."""
    path = {"PYTHONPATH": str(CHECKOUT / "generator"), "PYTHONPYCACHEPREFIX": "/var/cache/code"}
    driven = host.run(
        host.python, "-c", DRIVER, "trace", "--raw", what, env=path, check=False, timeout=LONG
    )
    asked, memory = json.loads(driven.stderr.splitlines()[-1])
    told = sum(line.startswith("  ") for line in driven.stdout.splitlines())
    greps = []
    files = LOG if unpack == "cat" else f"$(ls {LOG}.1.*) "
    for number, (words, ignores_case) in enumerate(asked):
        host.write(f"/root/words{number}", "".join(f"{word}\n" for word in words))
        case = " -i" if ignores_case else ""
        grep = f"grep -aF{case} -f /root/words{number}"
        shell = f"{unpack} {files} | {grep}" if unpack != "cat" else f"{grep} {files}"
        # Where its output is /dev/null itself, GNU grep stops at the first line that it finds.
        greps.append(Case(("/bin/sh", "-c", f"{shell} | cat"), {"LC_ALL": "C"}))
    trace = f"{shlex.quote(host.python)} -m postwrap trace --raw"
    cases = [
        Case(("/bin/sh", "-c", f"{trace} {shlex.quote(what)} 2>/dev/null; :"), path),
        *greps,
    ]
    whole, *passes = medians(host, cases, ROUNDS)
    # Nothing to be found in an empty log: what trace costs before and after it reads.
    host.sh(f"mkdir -p /root/aside; mv {LOG}* /root/aside; printf '%s' '{NEW}' >{LOG}")
    (startup,) = medians(host, [Case(("/bin/sh", "-c", f"{trace} x 2>/dev/null; :"), path)], ROUNDS)
    host.sh(f"rm {LOG}; mv /root/aside/* /var/log")
    bound = startup + 2 * sum(passes) + 20e-6 * told
    figures = [startup, sum(passes), whole, bound]
    cells = [str(told), str(len(asked)), *map(milliseconds, figures), f"{whole / bound:.2f}"]
    cells.append(f"{memory // 1024} MB")
    return [form, name, *cells]


def lines() -> Iterator[str]:
    """Yield LINES lines of a log of a day, the same each time."""
    chance = random.Random(1)
    made = 0
    number = 0
    every = max(1, LINES // 12 // 5000)
    while made < LINES:
        number += 1
        second = number * 86_000 // (LINES // 12 + 2)
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        for text in message(number, every, chance):
            made += 1
            yield f"Nov 30 {clock} mail {text}\n"


def message(number: int, every: int, chance: random.Random) -> Iterator[str]:
    """Yield the lines of one message and of one connection that brought none."""
    first, second, third = (f"{chance.getrandbits(40):010X}" for _ in range(3))
    sender = f"s{chance.randrange(100_000)}@client{number % 500}.example"
    to = f"user{chance.randrange(100_000)}@dom{number % 3000}.example"
    message_id = f"{number}.{chance.getrandbits(40)}@client.example"
    middle = LINES // 24
    if number % every == 0:
        sender = "many@shop.example"
    if number == middle + 1:
        to = "one@far.example"
    if middle + 10 <= number < middle + 50:
        message_id = "forty@client.example"
    sent = "delay=0.3, delays=0.1/0/0.1/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as"
    client = f"unknown[203.0.113.{number % 250}]"
    yield f"postfix/smtpd[1]: {first}: client=mx.client.example[192.0.2.{number % 250}]"
    yield f"postfix/cleanup[2]: {first}: message-id=<{message_id}>"
    yield f"postfix/qmgr[3]: {first}: from=<{sender}>, size=4312, nrcpt=1 (queue active)"
    yield f"postfix-out/smtpd[4]: {second}: client=localhost[127.0.0.1]"
    yield f"postfix-out/cleanup[5]: {second}: message-id=<{message_id}>"
    yield f"postfix-out/qmgr[6]: {second}: from=<{sender}>, size=4512, nrcpt=1 (queue active)"
    yield f"postfix/smtp[7]: {first}: to=<{to}>, relay=10.0.0.1[10.0.0.1]:25, {sent} {second})"
    yield f"postfix/qmgr[3]: {first}: removed"
    relay = f"mx.{to.partition('@')[2]}[198.51.100.{number % 250}]:25"
    yield f"postfix-out/smtp[8]: {second}: to=<{to}>, relay={relay}, {sent} {third})"
    yield f"postfix-out/qmgr[6]: {second}: removed"
    yield f"postfix/smtpd[1]: connect from {client}"
    yield f"postfix/smtpd[1]: disconnect from {client} ehlo=1 mail=1 rcpt=1 quit=1 commands=4"


if __name__ == "__main__":
    main()
