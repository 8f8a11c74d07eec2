"""Make the packages for Arch and Alpine without makepkg(8) and abuild(1), from the same recipes.

Arguments: arch or alpine, the directory of the recipe (packaging/recipe), that of the unpacked
source archive, its parent being what the recipe calls srcdir, and the directory that gets the
package. The recipe's own function package() puts the files together; the archive has the same bytes
each time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "generator"))

from postwrap import RELEASED
from postwrap.bundle import Artifact
from postwrap.packages import apk, pacman
from postwrap.packages.package import Package

__all__ = ["Package", "apk_information", "pacman_information", "values_of"]

_STAGE = """
recipe=$1
. "$recipe"
umask 022
cd "$srcdir"
package
"""

# Each name with its values, all ended by NUL; a name ends its values.
_TELL = """
recipe=$1
shift
. "$recipe"
for name; do
    declare -n values=$name
    printf '%s\\0' "$name" "${#values[@]}" "${values[@]}"
done
"""

_NAMES = (
    *("pkgname", "pkgver", "pkgrel", "pkgdesc", "url", "license", "arch"),
    *("depends", "provides", "conflicts", "backup", "install", "triggers"),
)

Values = Mapping[str, Sequence[str]]


def values_of(recipe: Path) -> Values:
    """Return what a PKGBUILD or an APKBUILD sets, each name as a list."""
    told = _bash(_TELL, str(recipe), *_NAMES).split("\0")
    found: dict[str, list[str]] = {}
    while len(told) > 1:
        name, number = told[0], int(told[1])
        found[name], told = told[2 : 2 + number], told[2 + number :]
    return found


def pacman_information(values: Values, package: Package) -> str:
    """Return .PKGINFO as makepkg(8) writes it."""
    name, version = values["pkgname"][0], f"{values['pkgver'][0]}-{values['pkgrel'][0]}"
    lines = [
        *(("pkgname", name), ("pkgbase", name), ("pkgver", version)),
        *(("pkgdesc", values["pkgdesc"][0]), ("url", values["url"][0])),
        *(("builddate", str(package.timestamp)), ("packager", package.maintainer)),
        *(("size", str(package.size)), ("arch", "any")),
    ]
    keys = {"license": "license", "conflict": "conflicts", "provides": "provides"}
    keys |= {"backup": "backup", "depend": "depends"}
    lines += [(key, value) for key, its in keys.items() for value in values[its]]
    return _text(lines)


def apk_information(values: Values, package: Package) -> str:
    """Return .PKGINFO as abuild(1) writes it, without the sum of the data."""
    name, version = values["pkgname"][0], f"{values['pkgver'][0]}-r{values['pkgrel'][0]}"
    lines = [
        *(("pkgname", name), ("pkgver", version), ("pkgdesc", values["pkgdesc"][0])),
        *(("url", values["url"][0]), ("builddate", str(package.timestamp))),
        *(("packager", package.maintainer), ("size", str(package.size))),
        *(("arch", values["arch"][0]), ("origin", name), ("license", values["license"][0])),
    ]
    lines += [("depend", word) for word in values["depends"][0].split()]
    lines += [("provides", word) for word in values["provides"][0].split()]
    watched = values["triggers"][0].partition("=")[2]
    return _text([*lines, ("triggers", watched.replace(":", " "))])


def _text(lines: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in lines)


def _bash(script: str, *words: str, **environment: str) -> str:
    settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **environment}
    argv = ["bash", "-ec", script, "bash", *words]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, env=settings).stdout


def artifacts(tree: Path) -> Iterator[Artifact]:
    """Yield what is below ``tree``, without directories."""
    for path in sorted(tree.rglob("*")):
        place = f"/{path.relative_to(tree)}"
        if path.is_symlink():
            yield Artifact(place, target=str(path.readlink()))
        elif path.is_file():
            yield Artifact(place, path.read_bytes(), path.stat().st_mode & 0o777)


def staged(recipe: Path, sources: Path, values: Values) -> Package:
    """Return what the recipe's package() makes of the sources."""
    packager = recipe.read_text().partition("# Maintainer: ")[2].partition("\n")[0]
    with tempfile.TemporaryDirectory() as tree:
        _bash(_STAGE, str(recipe), srcdir=str(sources.parent), pkgdir=tree)
        return Package(
            tuple(artifacts(Path(tree))),
            name="postwrap",
            release=int(values["pkgrel"][0]),
            timestamp=RELEASED,
            maintainer=packager,
        )


def for_arch(recipes: Path, sources: Path) -> tuple[str, bytes]:
    """Return the name and the content of the package for pacman(8)."""
    recipe = recipes / "PKGBUILD"
    values = values_of(recipe)
    package = staged(recipe, sources, values)
    hooks = (recipes / values["install"][0]).read_text()
    information = pacman_information(values, package)
    return pacman.file_name(package), pacman.written(package, information, hooks)


def for_alpine(recipes: Path, sources: Path) -> tuple[str, bytes]:
    """Return the name and the content of the package for apk(8)."""
    recipe = recipes / "APKBUILD"
    values = values_of(recipe)
    package = staged(recipe, sources, values)
    names = [*values["install"][0].split(), values["triggers"][0].partition("=")[0]]
    scripts = {name.partition(".")[2]: (recipes / name).read_text() for name in names}
    information = apk_information(values, package)
    return apk.file_name(package), apk.written(package, information, scripts)


def main(kind: str, recipes: str, sources: str, output: str) -> None:
    """Write the package of ``kind``."""
    make = {"arch": for_arch, "alpine": for_alpine}[kind]
    name, content = make(Path(recipes), Path(sources))
    Path(output, name).write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:5])
