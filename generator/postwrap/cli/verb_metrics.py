"""The verb metrics."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postwrap.cli import output, queues
from postwrap.cli.declare import option, verb
from postwrap.cli.options import FILE, seen_host
from postwrap.cli.queues import QueueOutcome
from postwrap.errors import FailedError, Problem, Status, UsageError
from postwrap.installation import Installation
from postwrap.metrics import STATE
from postwrap.metrics.assembly import InstanceFigures, assembled
from postwrap.metrics.text import exposition
from postwrap.queues.views import Counts, Spread

if TYPE_CHECKING:
    from postwrap.metrics.state import MetricsState

TextFile = Annotated[
    str,
    option("--textfile", metavar=FILE, help="Write FILE, for node_exporter, instead of printing"),
]


@verb(
    "metrics",
    examples=(
        "postwrap metrics",
        "postwrap metrics --textfile /srv/textfile/postwrap.prom",
    ),
)
def metrics(textfile: TextFile = "") -> None:
    """Print the metrics of all instances for Prometheus.

    The label name is the name of the instance. Queues are read at each run. Logs are counted from
    the first run with --textfile on; each further run counts what was logged since. Without
    --textfile the counts are printed, and nothing is kept. systemctl enable --now
    postwrap-metrics.timer has the file written every minute.
    """
    host = seen_host()
    if textfile:
        problems = _keep(host, textfile)
    else:
        state, problems = _read_on(host)
        text, more = _text(host, state)
        sys.stdout.write(text)
        sys.stdout.flush()
        problems += more
    output.problems(problems)
    raise typer.Exit(Status.FOUND if problems else Status.OK)


def _read_on(host: Installation) -> tuple[MetricsState | None, list[Problem]]:
    """Return what is known once the logs have been read on, where logs are counted."""
    if not host.source.exists(STATE):
        return None, []
    from postwrap.cli import metering

    state = metering.kept(host)
    return metering.read_on(host, state) if state else (None, [])


_EXAMPLE = "--textfile /var/lib/prometheus/node-exporter/postwrap.prom"


def _keep(host: Installation, textfile: str) -> list[Problem]:
    """Read the logs on, keep what they say, then write ``textfile``."""
    from postwrap.cli import metering

    if not textfile.startswith("/") or textfile.endswith("/"):
        raise UsageError(f"--textfile {textfile}: is not an absolute path of a file", _EXAMPLE)
    place = Path(textfile).parent
    if not place.is_dir():
        raise FailedError(f"{place}: is not a directory", shlex.join(("mkdir", "-p", str(place))))
    return metering.keep(host, textfile, lambda state: _text(host, state))


def _text(host: Installation, state: MetricsState | None) -> tuple[str, list[Problem]]:
    """Return the metrics, and why those of some queues are missing."""
    now = time.time()
    instances = host.discovery.instances
    views = {i.directory: (Counts(), Spread(now)) for i in instances}
    found = queues.outcomes(host, instances, lambda i: views[i.directory])
    figures = _figures(host, found, views, state)
    return exposition(assembled(figures)), queues.problems(host, found)


def _figures(
    host: Installation,
    found: Sequence[QueueOutcome],
    views: dict[str, tuple[Counts, Spread]],
    state: MetricsState | None,
) -> list[InstanceFigures]:
    figures = []
    for outcome in found:
        directory = outcome.instance.directory
        counts, spread = views[directory]
        figures.append(
            InstanceFigures(
                name=outcome.instance.name,
                directory=directory,
                role=queues.recorded_role(host, directory),
                unit=outcome.master.unit if outcome.master else "",
                is_up=outcome.running is True and outcome.is_complete,
                counts=counts if outcome.is_complete else None,
                spread=spread if outcome.is_complete else None,
                values=state.values.get(directory) if state else None,
            )
        )
    return figures
