"""What a command for every instance costs: postwrap each, postmulti -x, and a shell loop.

postmulti knows the instances in multi_instance_directories; none of them runs. The command is
true(1), so that what is measured is the way to it.
"""

from __future__ import annotations

from benchmarks.survey import COMPILED
from benchmarks.tables import Case, machine, medians, milliseconds, table
from tests.harness.host import Host
from tests.harness.many import make_instances
from tests.harness.paths import CHECKOUT

INSTANCES = (1, 10, 100)
ROUNDS = 7
LOOP = 'for main in /etc/postfix*/main.cf; do MAIL_CONFIG=${main%/*} "$@"; done'
ENVIRONMENT = {"PYTHONPATH": str(CHECKOUT / "generator"), **COMPILED}


def main() -> None:
    """Print the table."""
    rows = [["instances", "postwrap each", "--parallel 4", "postmulti -x", "shell loop"]]
    for count in INSTANCES:
        with Host() as host:
            about = machine(host)
            prepare(host, count)
            each = (host.python, "-m", "postwrap", "each")
            times = medians(
                host,
                [
                    Case((*each, "--", "true"), ENVIRONMENT),
                    Case((*each, "--parallel", "4", "--", "true"), ENVIRONMENT),
                    Case(("/usr/sbin/postmulti", "-x", "/bin/true")),
                    Case(("/bin/sh", "-c", LOOP, "sh", "/bin/true")),
                ],
                ROUNDS,
            )
            rows.append([str(count), *map(milliseconds, times)])
    print(f"each: {about}; medians of {ROUNDS} rounds, instances beside the default one\n")
    table("a command for every instance", rows)


def prepare(host: Host, count: int) -> None:
    """Make ``count`` instances beside the default one, known to postmulti and to postwrap."""
    make_instances(host, count)
    names = [f"postfix-i{number}" for number in range(1, count + 1)]
    for name in names:
        text = host.read(f"/etc/{name}/main.cf")
        host.write(f"/etc/{name}/main.cf", f"{text}\nmulti_instance_name = {name}\n")
    host.postconf(
        "alternate_config_directories=",
        "multi_instance_directories=" + " ".join(f"/etc/{name}" for name in names),
        "multi_instance_enable=yes",
    )
    host.age()
    host.postwrap("install", env=COMPILED, timeout=600)


if __name__ == "__main__":
    main()
