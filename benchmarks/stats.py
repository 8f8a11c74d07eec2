"""``postwrap stats`` beside pflogsumm, which is run for one tag after the other.

A log of a million lines of 2 instances, and of 10. The aim: with two tags no slower than
pflogsumm's two runs, with ten at least 4 times as fast. Processor time: both are one process.
"""

from __future__ import annotations

import json
import os

from benchmarks.queues import postwrap
from benchmarks.tables import machine, table
from tests.harness import maillog
from tests.harness.debian import unpacked
from tests.harness.host import Host

LINES = int(os.environ.get("POSTWRAP_BENCHMARK_LINES", "1000000"))
ROUNDS = 2
DRIVER = """
import json, os, subprocess, sys
found = []
for words in json.load(sys.stdin):
    best = None
    for _ in range(int(sys.argv[1])):
        run = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(run.pid, 0)
        assert status == 0, words
        seconds = usage.ru_utime + usage.ru_stime
        best = seconds if best is None else min(best, seconds)
    found.append([best, usage.ru_maxrss])
print(json.dumps(found))
"""


def main() -> None:
    """Print the table."""
    rows = [["instances", "lines", "pflogsumm, all runs", "postwrap stats", "ratio", "memory"]]
    for count in (2, 10):
        with Host() as host:
            about = machine(host)
            names = [f"i{number}" for number in range(1, count + 1)]
            make_logging_instances(host, names)
            log = maillog.lines(LINES, [f"postfix-{name}" for name in names])
            host.write("/var/log/maillog", "".join(f"{line}\n" for line in log))
            program = host.write("/usr/local/bin/pflogsumm", b"", 0o755)
            program.write_bytes((unpacked("pflogsumm") / "usr/sbin/pflogsumm").read_bytes())
            theirs = [
                ["perl", "/usr/local/bin/pflogsumm", "--syslog-name", f"postfix-{name}"]
                for name in names
            ]
            cases = [[*words, "/var/log/maillog"] for words in theirs]
            cases.append(postwrap(host, "stats"))
            task = json.dumps(cases)
            done = host.run("python3", "-c", DRIVER, str(ROUNDS), input=task, timeout=3600)
            found = json.loads(done.stdout.splitlines()[-1])
            all_runs = sum(seconds for seconds, _ in found[:-1])
            own, memory = found[-1]
            cells = [f"{all_runs:.2f} s", f"{own:.2f} s", f"{all_runs / own:.1f}"]
            rows.append([str(count), str(LINES), *cells, f"{memory // 1024} MB"])
    print(f"stats: {about}; processor time, the least of {ROUNDS} runs\n")
    table("a log of several instances", rows)


def make_logging_instances(host: Host, names: list[str]) -> None:
    """Make instances that are registered and log under names of their own."""
    main_cf, master_cf = host.read("/etc/postfix/main.cf"), host.read("/etc/postfix/master.cf")
    for name in names:
        own = f"queue_directory = /var/spool/postfix-{name}\nsyslog_name = postfix-{name}\n"
        host.write(f"/etc/postfix-{name}/main.cf", f"{main_cf}\n{own}")
        host.write(f"/etc/postfix-{name}/master.cf", master_cf)
    host.postconf("alternate_config_directories=" + " ".join(f"/etc/postfix-{n}" for n in names))
    host.age()


if __name__ == "__main__":
    main()
