"""Ansible with the collection of the checkout, and private hosts as its inventory.

ansible-core has a virtual environment of its own, kept between runs: it is nothing to postwrap.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.harness.paths import CHECKOUT, cache_directory, locked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.harness.host import Host

COLLECTION = CHECKOUT / "packaging" / "ansible"
DOCUMENT = CHECKOUT / "docs" / "how-to" / "many-hosts.md"
PLUGINS = CHECKOUT / "tests" / "harness" / "ansible_plugins"


def environment_of(*packages: str) -> Path:
    """A virtual environment with these packages of PyPI, made on first use."""
    name = "-".join((*packages, f"{sys.version_info.major}.{sys.version_info.minor}"))
    made = cache_directory() / "ansible" / name
    with locked(made.with_name(f"{name}.lock")):
        if not (made / "complete").exists():
            shutil.rmtree(made, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", made], check=True)
            pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", *packages], check=True)
            (made / "complete").touch()
    return made


def place_collection(directory: Path, *, copied: bool = False) -> Path:
    """Put the collection where Ansible looks for it below `directory`, and return its place."""
    place = directory / "ansible_collections" / "postwrap" / "postfix"
    place.parent.mkdir(parents=True)
    if copied:
        shutil.copytree(COLLECTION, place, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        place.symlink_to(COLLECTION)
    return place


def documented(text: str) -> str:
    """The block of YAML in docs/how-to/many-hosts.md that has this text."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (block,) = [block for block in blocks if text in block]
    return str(block)


@dataclass(frozen=True)
class Result:
    """What one task did on one host."""

    host: str
    task: str
    state: str
    result: dict[str, Any]


@dataclass
class Played:
    """What a run of ansible-playbook did."""

    status: int
    said: str
    results: list[Result] = field(default_factory=list)
    stats: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, task: str, host: str = "") -> dict[str, Any]:
        """The last result of the task with this name."""
        found = [r.result for r in self.results if r.task == task and host in ("", r.host)]
        assert found, f"{task}: did not run\n{self.said}"
        return found[-1]

    def sum(self, key: str) -> int:
        """The sum over all hosts of ok, changed, failures, …"""
        return sum(stats[key] for stats in self.stats.values())


class Controller:
    """Who runs playbooks on private hosts, in a directory of its own."""

    def __init__(self, directory: Path, hosts: Mapping[str, Host], forks: int = 5) -> None:
        self.directory = directory
        self.python = environment_of("ansible-core") / "bin" / "python"
        self._number = 0
        place_collection(directory)
        inventory = {"mail": {"hosts": {name: _way_into(host) for name, host in hosts.items()}}}
        (directory / "inventory.json").write_text(json.dumps(inventory))
        (directory / "ansible.cfg").touch()
        # Nothing of what Ansible may be told on this machine.
        kept = {name: value for name, value in os.environ.items() if name[:8] != "ANSIBLE_"}
        self.environment = {
            **kept,
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(directory),
            "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "recording",
            "ANSIBLE_INVENTORY": str(directory / "inventory.json"),
            "ANSIBLE_FORKS": str(forks),
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOLOR": "true",
            # One warning fewer: the hosts are those of this checkout.
            "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        }

    def start(self, playbook: str, *words: str) -> subprocess.Popen[str]:
        """Start ansible-playbook; see end()."""
        self._number += 1
        book = self.directory / f"{self._number}.yml"
        book.write_text(playbook)
        return subprocess.Popen(
            [self.python, "-m", "ansible", "playbook", book, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.directory,
            env={**self.environment, "RECORDING": str(self._recording)},
        )

    def end(self, started: subprocess.Popen[str], *, timeout: float = 3600) -> Played:
        """Wait for what start() has started, and return what it did."""
        said, _ = started.communicate(timeout=timeout)
        played = Played(started.returncode, said)
        lines = self._recording.read_text().splitlines() if self._recording.exists() else []
        for line in map(json.loads, lines):
            if "stats" in line:
                played.stats = line["stats"]
            else:
                played.results.append(Result(**line))
        return played

    def play(self, playbook: str, *words: str, status: int = 0) -> Played:
        """Run a playbook; its exit status is as expected."""
        played = self.end(self.start(playbook, *words))
        assert played.status == status, played.said
        return played

    @property
    def _recording(self) -> Path:
        return self.directory / f"{self._number}.jsonl"


def _way_into(host: Host) -> dict[str, Any]:
    command, environment = host.command()
    return {
        "ansible_connection": "private_host",
        "ansible_become": False,  # the way leads to root
        "private_host_enter": [str(word) for word in command],
        "private_host_environment": environment,
    }
