"""The verb package: the commands of a host's instances as a file for its package manager."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from postwrap import RELEASED
from postwrap.assemble import assemble
from postwrap.bundle import Artifact
from postwrap.cli import app, output, where
from postwrap.errors import RefusedError, Status, UsageError
from postwrap.filesystem import MISSING, Filesystem
from postwrap.host import Host, Where
from postwrap.layout import SYSTEM_PREFIX
from postwrap.pack import pack
from postwrap.packages import WRITERS, Format, format_of
from postwrap.packages.package import DEFAULT_NAME, Package

Kind = Annotated[
    Format | None,
    typer.Option("--format", metavar="FORMAT", help="What to make. [default: as this system's]"),
]
Name = Annotated[str, typer.Option(metavar="NAME", help="The package's name.")]
Release = Annotated[
    int, typer.Option(metavar="N", min=1, help="The package's release: one more each time.")
]
Prefix = Annotated[
    str,
    typer.Option(metavar="DIR", help="It installs under DIR. [default: /usr]", show_default=False),
]
Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write there, a file or directory. [default: .]",
        show_default=False,
    ),
]


@app.command()
def package(
    names: where.Names = None,
    kind: Kind = None,
    name: Name = DEFAULT_NAME,
    release: Release = 1,
    out: Output = ".",
    prefix: Prefix = SYSTEM_PREFIX,
    root: where.Root = "",
    json: where.Json = False,
) -> None:
    """Pack the commands of every instance, or of those named.

    It needs no postwrap where it is installed.
    """
    root = root.rstrip("/")
    chosen = kind or _format_of(Filesystem(root))
    host = Host(Where(prefix, root=root, packs=chosen is not Format.TAR))
    assembly = assemble(host, names or ())
    made = pack(host, assembly, name=name, release=release, timestamp=_timestamp())
    path = _path(made, chosen, out)
    _write(path, WRITERS[chosen].build(made))
    if json:
        problems = output.problem_list(assembly.problems)
        output.as_json({"format": chosen, "package": name, "file": path, "problems": problems})
    else:
        output.problems(assembly.problems)
        output.line(path)
        output.note(f"to install it: {WRITERS[chosen].installing.format(shlex.quote(path))}")
    raise typer.Exit(Status.FOUND if assembly.problems else Status.OK)


def _format_of(system: Filesystem) -> Format:
    """Return the kind of package that ``system`` installs."""
    path = "/etc/os-release"
    return format_of(system.read_text(path) if system.is_file(path) else "")


def _timestamp() -> int:
    """Return the time of all that is packed: SOURCE_DATE_EPOCH, or when this postwrap was made.

    The first is what reproducible-builds.org has distributions set.
    """
    word = os.environ.get("SOURCE_DATE_EPOCH", "") or str(RELEASED)
    if not word.isdecimal():
        raise UsageError(f"SOURCE_DATE_EPOCH={word}: is no number of seconds", "unset it")
    return int(word)


def _path(made: Package, kind: Format, out: str) -> str:
    """Return where the file goes: ``out``, or under its usual name there if that is a directory."""
    path = Path(out).absolute()
    return str(path / WRITERS[kind].file_name(made) if path.is_dir() else path)


def _write(path: str, content: bytes) -> None:
    """Write the file; raise RefusedError where another is in the way."""
    here = Filesystem()
    wanted = Artifact(path, content)
    before = here.entry(path)
    if before == MISSING:
        here.stage(wanted)
        here.commit(path)
    elif before.content != content:
        hint = "give --release a higher number, or name another file with --output"
        raise RefusedError(f"{path}: is there, and another", hint)
