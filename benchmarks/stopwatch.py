"""Runs command lines in turn and says how long each took; it runs inside the host it measures.

Standard input: {"rounds": 20, "cases": [{"argv": [...], "env": {...}, "input": "..."}, ...]}.
Standard output: one list of seconds a case. In each round every case has its turn, so that whatever
else the machine does meanwhile falls on all alike. Only the standard library is needed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import Any


def main() -> None:
    """Measure what standard input asks for."""
    task = json.load(sys.stdin)
    cases = [Case(**case) for case in task["cases"]]
    for case in cases:
        case.run()  # once for the caches, not counted
    times: list[list[float]] = [[] for _ in cases]
    for _ in range(task["rounds"]):
        for case, seconds in zip(cases, times, strict=True):
            seconds.append(case.run())
    json.dump(times, sys.stdout)


class Case:
    """One command line; it must succeed each time."""

    def __init__(self, argv: list[str], env: dict[str, str], input: str = "") -> None:  # noqa: A002
        self.argv = argv
        self.env = {**os.environ, **env}
        self.input = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the case is
        self.input.write(input.encode())
        null = os.open(os.devnull, os.O_WRONLY)
        self.files: list[Any] = [
            (os.POSIX_SPAWN_DUP2, self.input.fileno(), 0),
            (os.POSIX_SPAWN_DUP2, null, 1),
        ]

    def run(self) -> float:
        """Return the seconds from before the start to after the end of one run."""
        self.input.seek(0)
        before = time.perf_counter()
        process = os.posix_spawn(self.argv[0], self.argv, self.env, file_actions=self.files)
        _, status = os.waitpid(process, 0)
        seconds = time.perf_counter() - before
        if status:
            sys.exit(f"{' '.join(self.argv)} exited {os.waitstatus_to_exitcode(status)}")
        return seconds


if __name__ == "__main__":
    main()
