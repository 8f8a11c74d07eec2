"""A real create, role and remove: what is renamed into place was synced, and its directory is."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from tests.harness.paths import CHECKOUT
from tests.harness.powercut import RECORD, recorded_calls

if TYPE_CHECKING:
    from tests.harness.host import Host

CREATE = ("create", "out", "--address=10.0.0.1", "--role=fallback-relay", "--no-start", "--yes")
REMOVE = ("remove", "out", "--purge", "--yes")
CACHES = ("facts.json", "configurations.json")
"""Not synced: what a power cut tears is known by its check sum, and asked again."""

STARTED_BY_OTHERS = ("/var/spool/", "/run/", "/tmp/")
_PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HANDLE = re.compile(r"\d+<([^>]*)>")


def traced(host: Host, *words: str) -> list[tuple[str, str]]:
    """The renames, the new links and the syncs of a run, by all its processes, in order."""
    argv = (*RECORD, "-o", "/root/trace", host.python, "-B", "-m", "postwrap", *words)
    host.run(*argv, env={"PYTHONPATH": str(CHECKOUT / "generator")}, timeout=300)
    found = []
    trace = host.path("/root/trace").read_text(encoding="latin-1")
    for _, name, arguments, result in recorded_calls(trace):
        if result < 0:
            continue
        if name in {"fsync", "fdatasync"}:
            found.append(("sync", _HANDLE.findall(arguments)[0]))
        elif name.startswith("rename"):
            found.append(("rename", "\n".join(_PATH.findall(arguments)[:2])))
        elif name.startswith("symlink"):
            found.append(("symlink", _PATH.findall(arguments)[-1]))
        elif name.startswith("sync"):
            found.append((name, ""))
    return found


def unsynced(done: list[tuple[str, str]], is_tree: set[str]) -> list[str]:
    """The renames whose file was not synced before, or whose directory was not after."""
    wrong = []
    for number, (call, words) in enumerate(done):
        if call != "rename":
            continue
        source, target = words.split("\n")
        if target.endswith(CACHES) or target.startswith(STARTED_BY_OTHERS):
            continue
        before = {path for kind, path in done[:number] if kind == "sync"}
        after = {path for kind, path in done[number:] if kind == "sync"}
        links = {path for kind, path in done[:number] if kind == "symlink"}
        if source not in before | links | is_tree:
            wrong.append(f"{target}: its content was not synced")
        wrong += [
            f"{target}: {parent} was not synced"
            for parent in {str(PurePosixPath(path).parent) for path in (source, target)}
            if parent not in after
        ]
    return wrong


@pytest.mark.bases("bookworm", "trixie")
def test_what_is_renamed_into_place_is_on_the_disk(bare_host: Host) -> None:
    host = bare_host
    host.run("postfix", "check")
    before = host.postwrap("list").stdout
    directories = {
        *("/etc/.postwrap.postfix-out", "/etc/postfix-out"),
        *("/var/spool/postfix-out", "/var/lib/postfix-out"),
    }
    counts = []
    for words in (
        ("install",),
        CREATE,
        ("role", "out", "outbound", "--yes"),
        REMOVE,
        ("uninstall",),
    ):
        with host.aging():
            done = traced(host, *words)
        assert unsynced(done, directories) == [], words
        assert [call for call, _ in done if call.startswith(("sync ", "syncfs"))] == []
        counts.append(sum(call == "rename" for call, _ in done))
        if words in (CREATE, REMOVE):
            # The manual pages of the others name settings that have changed.
            assert host.postwrap("diff", check=False).returncode == 0, words
    assert min(counts[:4]) > 2, counts
    assert host.postwrap("list").stdout == before
