"""The verb package."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from postwrap import RELEASED
from postwrap.assemble import Assembly, assemble
from postwrap.bundle import Artifact
from postwrap.cli import output
from postwrap.cli.declare import Metavar, flag, option, verb
from postwrap.cli.documents import PackageDocument
from postwrap.cli.options import DIRECTORY, FILE, Json, Names, Root
from postwrap.cli.program import program
from postwrap.cli.words import one_of, whole_number
from postwrap.entries import MISSING
from postwrap.errors import RefusedError, Status, UsageError
from postwrap.filesystem import Filesystem
from postwrap.installation import Installation, Where
from postwrap.layout import SYSTEM_PREFIX
from postwrap.pack import pack
from postwrap.packages import WRITERS, Format, format_of
from postwrap.packages.package import BOOT_NAME, DEFAULT_NAME, MAINTAINER, Package, PackagePart

FORMATS = Metavar("FORMAT", words={str(f): writer.systems for f, writer in WRITERS.items()})

FormatOption = Annotated[
    str, option("--format", metavar=FORMATS, help="Package format (default: this system's)")
]
Name = Annotated[
    str,
    option(
        metavar=Metavar("NAME"),
        help=f"Name of the package (default: {DEFAULT_NAME}, with the names of the instances)",
    ),
]
Boot = Annotated[
    bool, flag("--boot", help="Pack what all instances share, and no commands, as postwrap-boot")
]
Maintainer = Annotated[
    str,
    option(
        metavar=Metavar("MAINTAINER"),
        help="Maintainer of the package, as 'Alice <alice@example.com>'",
    ),
]
Release = Annotated[
    str,
    option(
        metavar=Metavar("N"),
        help="Release of the package (default: 1); increase it after a change",
    ),
]
Prefix = Annotated[
    str,
    option(
        metavar=DIRECTORY, help=f"Prefix that the package installs under (default: {SYSTEM_PREFIX})"
    ),
]
Output = Annotated[
    str,
    option("--output", "-o", metavar=FILE, help="File or directory to write (default: .)"),
]


@verb(
    "package",
    examples=(
        "postwrap package --format deb --release 2",
        "postwrap package --name acme-out out",
        "postwrap package --format tar -o /tmp",
    ),
    document=PackageDocument,
)
def package(
    names: Names = None,
    kind: FormatOption = "",
    name: Name = "",
    boot: Boot = False,
    release: Release = "1",
    out: Output = ".",
    maintainer: Maintainer = MAINTAINER,
    prefix: Prefix = SYSTEM_PREFIX,
    root: Root = "",
    json: Json = False,
) -> None:
    """Pack the commands of the instances for a package manager.

    A host that installs the package needs Postfix and the same instances, but not postwrap. The
    package of named instances has their commands alone; it needs one with what all instances share:
    that of --boot, one without names, or the package of postwrap itself.
    """
    if boot and names:
        raise UsageError("--boot: cannot be combined with NAME", "leave one of them out")
    root = root.rstrip("/")
    number = whole_number("--release", release, least=1)
    chosen = one_of(Format, "--format", kind) if kind else _format_of(Filesystem(root))
    where = Where(prefix, root=root, packs=chosen is not Format.TAR, merged=chosen is Format.PACMAN)
    host = Installation(where, program)
    assembly = assemble(host, names or ())
    part = PackagePart.INSTANCES if names and where.packs else PackagePart.ALL
    part = PackagePart.BOOT if boot else part
    empty = Package(
        name=name or _name(part, assembly),
        release=number,
        timestamp=_timestamp(),
        part=part,
        maintainer=maintainer,
    )
    made = pack(host, assembly, empty)
    path = _path(made, chosen, out)
    _write(path, WRITERS[chosen].build(made))
    if json:
        problems = output.problem_list(assembly.problems)
        document: PackageDocument = {
            "format": str(chosen),
            "package": made.name,
            "file": path,
            "problems": problems,
        }
        output.as_json(document)
    else:
        output.problems(assembly.problems)
        output.line(path)
        output.note(f"to install it: {WRITERS[chosen].installing.format(shlex.quote(path))}")
    raise typer.Exit(Status.FOUND if assembly.problems else Status.OK)


def _name(part: PackagePart, assembly: Assembly) -> str:
    """Return what the package is called where nobody says so."""
    if part is PackagePart.BOOT:
        return BOOT_NAME
    named = assembly.instances if part is PackagePart.INSTANCES else ()
    return "-".join((DEFAULT_NAME, *(instance.name.lower() for instance in named)))


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
        raise UsageError(f"SOURCE_DATE_EPOCH={word}: not a number of seconds", "unset it")
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
        here.put(wanted)
    elif before.content != content:
        hint = "give --release a higher number, or name another file with --output"
        raise RefusedError(f"{path}: exists with another content", hint)
