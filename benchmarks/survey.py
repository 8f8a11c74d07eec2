"""What looking at many instances costs: list, which, env, check and map.

The first run of a verb finds nothing kept from before, the second finds all files as they were.
Processes of Postfix are counted where postwrap starts them. None of the instances runs.
"""

from __future__ import annotations

import json

from benchmarks.tables import machine, milliseconds, table
from tests.harness.host import Host
from tests.harness.many import make_instances
from tests.harness.paths import CHECKOUT

INSTANCES = (100, 300, 1000)
COMPILED = {"PYTHONPYCACHEPREFIX": "/var/cache/byte-code", "PYTHONDONTWRITEBYTECODE": ""}
VERBS = {
    "list": ("list",),
    "which": ("which", "mailq-i7"),
    "env": ("env", "i7"),
    "check": ("check",),
    "map": ("map",),
}
DRIVER = """
import json, sys, time
from postwrap.cli import main
from postwrap.postfix import Postfix

started = 0

def counting(method):
    def counted(self, *argv, **options):
        global started
        started += 1
        return method(self, *argv, **options)
    return counted

Postfix.run, Postfix._refused = counting(Postfix.run), counting(Postfix._refused)
begun = time.perf_counter()
try:
    main()
except SystemExit as end:
    if end.code not in (None, 0, 1):
        raise
print(json.dumps([started, time.perf_counter() - begun]), file=sys.stderr)
"""


def main() -> None:
    """Print the table."""
    rows = [["instances", "verb", "run", "time", "an instance", "of Postfix", "an instance"]]
    for count in INSTANCES:
        with Host() as host:
            about = machine(host)
            make_instances(host, count)
            host.postwrap("install", env=COMPILED, timeout=600)
            for verb, words in VERBS.items():
                for run in ("first", "second"):
                    started, seconds = measure(host, words)
                    cells = [milliseconds(seconds), milliseconds(seconds / count)]
                    counts = [str(started), f"{started / (count + 1):.2f}"]
                    rows.append([str(count), verb, run, *cells, *counts])
    print(f"survey: {about}; instances beside the default one\n")
    table("looking at many instances", rows)


def measure(host: Host, words: tuple[str, ...]) -> tuple[int, float]:
    """Return how many processes of Postfix a verb started, and its seconds."""
    path = str(CHECKOUT / "generator")
    env = {"PYTHONPATH": path, **COMPILED}
    done = host.run(host.python, "-c", DRIVER, *words, env=env, timeout=600)
    started, seconds = json.loads(done.stderr.splitlines()[-1])
    return started, seconds


if __name__ == "__main__":
    main()
