"""Ansible's way into a private host: what nsenter(1) runs in its namespaces."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure  # type: ignore[import-not-found, unused-ignore]
from ansible.plugins.connection import ConnectionBase  # type: ignore[import-not-found, unused-ignore]

DOCUMENTATION = """
name: private_host
short_description: Run in the namespaces of a private host
description: Runs commands by nsenter(1); see tests/harness/ansible.py.
author: The postwrap authors
version_added: 0.1.0
options:
  enter:
    description: The command line that runs what is put behind it in the host.
    type: list
    elements: str
    required: true
    vars:
      - name: private_host_enter
  environment:
    description: The environment of all that runs there.
    type: dict
    required: true
    vars:
      - name: private_host_environment
"""


class Connection(ConnectionBase):  # type: ignore[misc] # Ansible is not where mypy looks
    transport = "private_host"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self._run(cmd, in_data or b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        quoted = self._shell.quote(out_path)
        status, _, error = self._run(f"cat >{quoted}", Path(in_path).read_bytes())
        if status:
            raise AnsibleConnectionFailure(f"{out_path}: {error.decode()}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        status, content, error = self._run(f"cat {self._shell.quote(in_path)}", b"")
        if status:
            raise AnsibleConnectionFailure(f"{in_path}: {error.decode()}")
        Path(out_path).write_bytes(content)

    def close(self) -> None:
        self._connected = False

    def _run(self, script: str, data: bytes) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            [*self.get_option("enter"), "sh", "-c", script],
            input=data,
            capture_output=True,
            env=self.get_option("environment"),
            check=False,
        )
        return done.returncode, done.stdout, done.stderr
