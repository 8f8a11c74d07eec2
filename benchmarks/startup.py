"""What a verb costs on a host with two instances, beside Python that imports Typer alone."""

from __future__ import annotations

from benchmarks.survey import COMPILED
from benchmarks.tables import Case, machine, medians, milliseconds, table
from tests.harness.host import Host
from tests.harness.many import make_instances
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

ROUNDS = 15
VERBS = ("--version", "list", "which mailq-i1", "env i1", "queue", "map", "check")
ENVIRONMENT = {"PYTHONPATH": str(CHECKOUT / "generator"), **COMPILED}


def main() -> None:
    """Print the tables, one a Debian."""
    for suite in ("bookworm", "trixie"):
        with Host(variant("host", suite)) as host:
            make_instances(host, 1)
            host.start_default()
            host.postwrap("install", env=COMPILED)
            # check finds something on this host, and exits with 1.
            shell = ("/bin/sh", "-c", f'{host.python} -m postwrap "$@" >/dev/null || :', "sh")
            cases = [
                Case((host.python, "-I", "-c", "pass")),
                Case((host.python, "-I", "-c", "import typer")),
                *(Case((*shell, *verb.split()), ENVIRONMENT) for verb in VERBS),
            ]
            times = medians(host, cases, ROUNDS)
            print(f"startup: {machine(host)}; medians of {ROUNDS} rounds\n")
        names = ("python3 -c pass", "python3 -c 'import typer'", *VERBS)
        rows = [
            [name, milliseconds(seconds), f"{seconds / times[1]:.2f}"]
            for name, seconds in zip(names, times, strict=True)
        ]
        table(f"verbs on two instances, {suite}", [["", "time", "to import typer"], *rows])


if __name__ == "__main__":
    main()
