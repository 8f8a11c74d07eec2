"""The format file for lnav(1): lnav takes it, and reads the lines of each instance by it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from typing import TYPE_CHECKING

from tests.harness import maillog
from tests.harness.need import need_tool

from postwrap.layout import system_layout
from postwrap.render.lnav import lnav_format

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = system_layout("/usr/local")
TAGS = ("postfix", "postfix-out", "mail.x")


def lnav(place: Path, *words: str) -> str:
    """What lnav prints with the format in ``place``, which it must accept."""
    argv = ["lnav", "-I", str(place), *words]
    env = os.environ | {"HOME": str(place), "TERM": "dumb"}
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, env=env, stdin=subprocess.DEVNULL
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def installed(place: Path) -> Path:
    (own,) = lnav_format(LAYOUT, TAGS)
    assert own.path == "/etc/lnav/formats/postwrap/postwrap.json"
    path = place / "formats/postwrap/postwrap.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(own.content)
    return path


def test_lnav_takes_it(tmp_path: Path) -> None:
    need_tool("lnav")
    path = installed(tmp_path)
    lnav(tmp_path, "-C")
    told = json.loads(path.read_text())
    told["postwrap_log"]["sample"].append({"line": "Jan 31 14:05:00 mail sshd[1]: x"})
    path.write_text(json.dumps(told))
    argv = ["lnav", "-I", str(tmp_path), "-C"]
    spoiled = subprocess.run(
        argv, capture_output=True, timeout=60, env=os.environ | {"HOME": str(tmp_path)}
    )
    assert spoiled.returncode != 0, "lnav looks at the samples"


def test_it_reads_the_lines_of_each_instance(tmp_path: Path) -> None:
    need_tool("lnav")
    installed(tmp_path)
    log = tmp_path / "maillog"
    written = [*maillog.lines(300, TAGS)]
    log.write_text("".join(f"{line}\n" for line in written))
    ask = ";SELECT instance, program, queue_id, log_level FROM postwrap_log"
    said = lnav(tmp_path, "-n", "-c", ask, "-c", ":write-csv-to -", str(log))
    rows = [*csv.DictReader(said[said.index("instance,program") :].splitlines())]
    assert len(rows) == len(written)
    for row, line in zip(rows, written, strict=True):
        tag, _, message = line.split(maxsplit=4)[4].partition(": ")
        assert f"{row['instance']}/{row['program']}[" in tag
        about = message.partition(": ")[0]
        is_about_one = about == "NOQUEUE" or about.startswith("4b")
        assert row["queue_id"] == (about if is_about_one else "<NULL>")
        body = message.removeprefix(f"{about}: ") if is_about_one else message
        assert (row["log_level"] == "warning") == (
            body.startswith("warning: ") or ", status=deferred" in message
        )


def test_there_is_none_without_instances() -> None:
    assert [*lnav_format(LAYOUT, ())] == []
