"""The directories for completions, as pkg-config(1) reports them; the I/O boundary to it.

bash-completion and fish each come with such a file, and name there where a package puts the
completions of its commands: ``completionsdir``.
"""

from __future__ import annotations

from collections.abc import Mapping

from postwrap import programs
from postwrap.filesystem import Filesystem

_MODULES = {"bash": "bash-completion", "fish": "fish"}
_VARIABLE = "completionsdir"
_PLACES = ("/usr/lib/pkgconfig", "/usr/lib64/pkgconfig", "/usr/share/pkgconfig")


def completion_directories(filesystem: Filesystem) -> Mapping[str, str]:
    """Return where ``filesystem``'s bash and fish read a package's completions, by shell.

    A shell of which nothing is known, for want of the file or of pkg-config, is left out.
    """
    found = {shell: _ask(filesystem, module) for shell, module in _MODULES.items()}
    return {shell: place for shell, place in found.items() if place.startswith("/")}


def _ask(filesystem: Filesystem, module: str) -> str:
    program = programs.find("pkg-config") or programs.find("pkgconf")
    is_there = any(filesystem.is_file(f"{place}/{module}.pc") for place in _PLACES)
    if not program or not is_there:
        return ""  # and no process is spent on it
    places = ":".join(str(filesystem.real(place).absolute()) for place in _PLACES)
    asked = programs.run(
        [program, f"--variable={_VARIABLE}", module], environment={"PKG_CONFIG_LIBDIR": places}
    )
    return asked.stdout.strip().rstrip("/")
