"""What the generator costs at boot, beside Debian 12's own, which asks postconf of each instance.

Both run in turn on the same host, whose instances are in multi_instance_directories and so known
to both; processes are counted by strace(1) in a run of its own. Ours runs in dash and in busybox.
"""

from __future__ import annotations

from benchmarks.tables import Case, machine, medians, milliseconds, table
from tests.harness.host import Host

from postwrap.layout import system_layout
from postwrap.render.boot import generator

INSTANCES = (0, 1, 3, 10, 100, 500)
THEIRS = "/lib/systemd/system-generators/postfix-instance-generator"
OURS = generator(system_layout("/usr/local"))
TRACE = "/tmp/trace"


def main() -> None:
    """Print the table."""
    rows = [["instances", "generator", "time", "ratio", "processes"]]
    for count in INSTANCES:
        with Host() as host:
            about = machine(host)
            make_instances(host, count)
            host.write(OURS.path, OURS.content, OURS.mode)
            rows += measure(host, count)
    print(f"generator: {about}; instances beside the default one\n")
    table("a run of the generator", rows)


def make_instances(host: Host, count: int) -> None:
    """Make ``count`` instances with Debian's main.cf, known to postmulti."""
    main_cf = host.read("/etc/postfix/main.cf")
    for number in range(1, count + 1):
        name = f"postfix-i{number}"
        own = f"multi_instance_name = {name}\nmulti_instance_enable = yes\n"
        own += f"queue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n"
        host.write(f"/etc/{name}/main.cf", main_cf + own)
        host.write(f"/etc/{name}/master.cf", "")
    known = " ".join(f"/etc/postfix-i{number}" for number in range(1, count + 1))
    host.postconf(f"multi_instance_directories={known}")
    host.age()


def measure(host: Host, count: int) -> list[list[str]]:
    """Return the lines of the table for ``count`` instances."""
    # Debian's wants an empty directory each time; so each gets one.
    fresh = 'rm -rf /tmp/out; mkdir /tmp/out; exec "$@" /tmp/out'
    commands = {
        "Debian 12's": ("/bin/sh", THEIRS),
        "ours": ("/bin/dash", OURS.path),
        "ours, busybox": ("/bin/busybox", "sh", OURS.path),
        "(an empty script)": ("/bin/dash", "-c", ":", "sh"),
    }
    cases = [Case(("/bin/sh", "-c", fresh, "sh", *words), {}) for words in commands.values()]
    times = medians(host, cases, rounds=3 if count >= 100 else 15)
    lines = []
    for (name, words), seconds in zip(commands.items(), times, strict=True):
        ratio = f"{seconds / times[0]:.2f}"
        processes = str(started(host, words))
        lines.append([str(count), name, milliseconds(seconds), ratio, processes])
    return lines


def started(host: Host, words: tuple[str, ...]) -> int:
    """Return how many processes ``words`` start."""
    calls = "trace=fork,vfork,clone,clone3"
    host.sh("rm -rf /tmp/out; mkdir /tmp/out")
    strace = ("strace", "-f", "-qq", "-o", TRACE, "-e", calls)
    host.run(*strace, *words, "/tmp/out", timeout=600)
    return sum(" = " in line and "= -1" not in line for line in host.read(TRACE).splitlines())


if __name__ == "__main__":
    main()
