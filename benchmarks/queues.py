"""What looking at queues costs: a large one beside postqueue -j, many empty ones beside as many.

The large queue is made of copies of one deferred message's files. The aim: ``queue`` takes at most
what it takes for an empty queue and 1.2 times ``postqueue -j``, and no more memory; ``metrics`` of
100 empty queues at most what 100 ``postqueue -j`` take side by side, and starts no program.
"""

from __future__ import annotations

import json
import os

from benchmarks.survey import COMPILED
from benchmarks.tables import machine, milliseconds, table
from tests.harness.host import Host
from tests.harness.many import make_instances, start_instances
from tests.harness.paths import CHECKOUT

MESSAGES = int(os.environ.get("POSTWRAP_BENCHMARK_MESSAGES", "100000"))
INSTANCES = 100
ROUNDS = 5
COPY = """
import shutil, sys
from pathlib import Path

ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
spool = Path("/var/spool/postfix")
first = next(path for path in spool.glob("deferred/*/*") if path.is_file())
log = next(spool.glob(f"defer/*/{first.name}"))
for number in range(1, int(sys.argv[1])):
    # A long queue ID: seconds, microseconds and inode (mail_queue.h); the directory is the first
    # digit of the microseconds in hex.
    micro, digits = number * 9, ""
    for _ in range(4):
        micro, digit = divmod(micro, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    name, place = f"{first.name[:6]}{digits}z{first.name[-2:]}", f"{number * 9:05X}"[0]
    for queue, source in (("deferred", first), ("defer", log)):
        directory = spool / queue / place
        if not directory.is_dir():
            directory.mkdir(mode=0o700)
            shutil.chown(directory, "postfix")
        shutil.copy2(source, directory / name)
        shutil.chown(directory / name, "postfix")
"""
DRIVER = """
import json, os, subprocess, sys, time
times, peaks = [], []
cases = json.load(sys.stdin)
for _ in range(int(sys.argv[1])):
    for number, commands in enumerate(cases):
        begun = time.perf_counter()
        runs = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for words in commands]
        waited = [os.wait4(run.pid, 0) for run in runs]
        seconds = time.perf_counter() - begun
        if len(times) <= number:
            times.append([])
            peaks.append(0)
        times[number].append(seconds)
        peaks[number] = max(peaks[number], *(usage.ru_maxrss for _, _, usage in waited))
        assert all(status in (0, 256) for _, status, _ in waited), waited
print(json.dumps([[min(t), sorted(t)[len(t) // 2], p] for t, p in zip(times, peaks)]))
"""


def main() -> None:
    """Print both tables."""
    with Host() as host:
        host.start_default()
        host.postconf("defer_transports=smtp", "enable_long_queue_ids=yes")
        host.run("postfix", "reload")
        host.postwrap("install", env=COMPILED)
        rows = [["", "least", "median", "peak memory"]]
        ours = postwrap(host, "queue")
        rows += measured(host, {"postwrap queue, empty": [ours]})
        host.run("sendmail", "-f", "app", "bob@far.example", input="hello\n" * 40)
        host.wait_for(lambda: [m["queue_name"] for m in host.queue()] == ["deferred"])
        host.run("python3", "-c", COPY, str(MESSAGES), timeout=1800)
        cases = {
            "postqueue -j": [["postqueue", "-j"]],
            "postwrap queue": [ours],
            "postwrap list": [postwrap(host, "list")],
            "postwrap metrics": [postwrap(host, "metrics")],
        }
        rows += measured(host, cases)
        print(f"queues: {machine(host)}\n")
        table(f"{MESSAGES} deferred messages", rows)
    with Host() as host:
        make_instances(host, INSTANCES)
        directories = ["/etc/postfix", *(f"/etc/postfix-i{n}" for n in range(1, INSTANCES + 1))]
        host.start_default()
        start_instances(host, range(1, INSTANCES + 1))
        host.postwrap("install", env=COMPILED, timeout=600)
        theirs = [["postqueue", "-c", directory, "-j"] for directory in directories]
        cases = {
            f"{len(theirs)} postqueue -j, side by side": theirs,
            "postwrap metrics": [postwrap(host, "metrics")],
            "postwrap queue": [postwrap(host, "queue")],
            "postwrap probe": [postwrap(host, "probe")],
        }
        rows = [["", "least", "median", "peak memory"], *measured(host, cases)]
        table(f"{len(directories)} running instances, empty queues", rows)


def postwrap(host: Host, *words: str) -> list[str]:
    """Return the command line of postwrap, with its byte-code kept."""
    settings = {"PYTHONPATH": str(CHECKOUT / "generator"), **COMPILED}
    assigned = [f"{name}={value}" for name, value in settings.items()]
    return ["env", *assigned, host.python, "-m", "postwrap", *words]


def measured(host: Host, cases: dict[str, list[list[str]]]) -> list[list[str]]:
    """Return a row for each case: command lines that run at the same time."""
    task = json.dumps(list(cases.values()))
    done = host.run("python3", "-c", DRIVER, str(ROUNDS), input=task, timeout=3600)
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        [name, milliseconds(least), milliseconds(median), f"{peak // 1024} MB"]
        for name, (least, median, peak) in zip(cases, found, strict=True)
    ]


if __name__ == "__main__":
    main()
