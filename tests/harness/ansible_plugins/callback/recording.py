"""What a playbook did, as one line of JSON a result and one for the sums, in RECORDING's file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.parsing.ajson import AnsibleJSONEncoder  # type: ignore[import-not-found, unused-ignore]
from ansible.plugins.callback import CallbackBase  # type: ignore[import-not-found, unused-ignore]

DOCUMENTATION = """
name: recording
type: aggregate
short_description: Record results as JSON
description: Writes each result to the file that the environment variable RECORDING names.
author: The postwrap authors
version_added: 0.1.0
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # Ansible is not where mypy looks
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recording"

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record(result, "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record(result, "failed")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record(result, "unreachable")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        hosts = sorted(stats.processed)
        self._write({"stats": {host: stats.summarize(host) for host in hosts}})

    def _record(self, result: Any, state: str) -> None:
        self._write(
            {
                "host": result._host.get_name(),
                "task": result._task.get_name(),
                "state": state,
                "result": result._result,
            }
        )

    def _write(self, line: dict[str, Any]) -> None:
        with Path(os.environ["RECORDING"]).open("a") as recording:
            recording.write(json.dumps(line, cls=AnsibleJSONEncoder) + "\n")
