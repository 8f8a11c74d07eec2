"""What packaging/release is made of, and what of it can be seen without building one."""

from __future__ import annotations

import json
import subprocess
import sys
from email.message import Message
from typing import TYPE_CHECKING

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.harness.paths import CHECKOUT

from postwrap import RELEASED, __version__
from releasing import changelog, packs, sbom

if TYPE_CHECKING:
    from pathlib import Path

MODULE = '__version__ = "1.2.3"\n\nRELEASED = 1795737600\n'
CHANGELOG = "# Changelog\n\n## 1.2.3 (2026-11-27)\n\n- New.\n\n## 1.2.2 (2026-11-22)\n\n- Old.\n"
FOLDERS = ("alpine", "arch", "debian", "rpm")


def recipe(folder: str, output: Path, *archive: str, maintainer: str = "") -> None:
    environment = {"PATH": "/usr/bin:/bin", **({"MAINTAINER": maintainer} if maintainer else {})}
    command = [str(CHECKOUT / "packaging/recipe"), folder, str(output), *archive]
    subprocess.run(command, check=True, env=environment)


def test_the_newest_entry_is_of_this_version() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text()
    assert changelog.fault(text, (CHECKOUT / "generator/postwrap/__init__.py").read_text()) == ""
    assert changelog.fault(CHANGELOG, MODULE) == ""


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("1.2.3 (2026-11-27)", "1.2.3 (2026-11-28)", "does not begin"),
        ("1.2.3 (2026-11-27)", "1.2.4 (2026-11-27)", "does not begin"),
        ("(2026-11-27)", "(not yet released)", "does not begin"),
        ("- New.", "", "says nothing"),
        ("- New.", "<<<<<<< HEAD\n- New.\n=======\n>>>>>>> main", "unfinished merge"),
    ],
)
def test_another_entry_is_no_release(old: str, new: str, word: str) -> None:
    assert word in changelog.fault(CHANGELOG.replace(old, new), MODULE)


def test_debians_changelog_has_each_version() -> None:
    made = changelog.debian(CHANGELOG, "Alice <alice@example.com>")
    assert made.startswith("postwrap (1.2.3-1) unstable; urgency=medium\n\n  * ")
    assert made.endswith("\n -- Alice <alice@example.com>  Sun, 22 Nov 2026 00:00:00 +0000\n")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_version_stands_in_one_place(folder: str, tmp_path: Path) -> None:
    for path in (CHECKOUT / "packaging" / folder).rglob("*"):
        assert not path.is_file() or __version__ not in path.read_text(), path
    archive = tmp_path / "archive"
    archive.write_bytes(b"1")
    recipe(folder, tmp_path / "out", str(archive), maintainer="A & B | C <a\\b@example.com>")
    texts = [path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not any("@VERSION@" in t or "@SHA" in t or "@MAINTAINER@" in t for t in texts)
    assert any(__version__ in text for text in texts)
    assert any("A & B | C <a\\b@example.com>" in text for text in texts)


def test_a_recipe_tells_what_the_package_says_of_itself(tmp_path: Path) -> None:
    for folder in ("arch", "alpine"):
        recipe(folder, tmp_path / folder)
    values = packs.values_of(tmp_path / "arch/PKGBUILD")
    assert values["pkgver"] == [__version__]
    assert "python>=3.11" in values["depends"]
    assert values["triggers"] == []
    package = packs.Package(timestamp=RELEASED, name="postwrap")
    lines = packs.pacman_information(values, package).splitlines()
    assert {f"pkgver = {__version__}-1", "backup = etc/postwrap.toml", "arch = any"} <= {*lines}
    alpine = packs.apk_information(packs.values_of(tmp_path / "alpine/APKBUILD"), package)
    assert f"provides = postwrap-boot={__version__}-r0\n" in alpine


def metadata(name: str, version: str, **more: str) -> Message:
    made = Message()
    for key, value in {"Name": name, "Version": version, **more}.items():
        made[key.replace("_", "-")] = value
    return made


def test_the_bill_of_materials_holds_by_its_schema() -> None:
    requirements = (CHECKOUT / "packaging/requirements.txt").read_text()
    pinned = [line.split()[0].split("==") for line in requirements.splitlines() if "==" in line]
    carried = [metadata(name, version, License_Expression="MIT") for name, version in pinned]
    licence = "License :: OSI Approved :: BSD License"
    carried[0] = metadata(*pinned[0], Classifier=licence)
    made = sbom.document(MODULE, requirements, carried)
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(made)) is None
    assert validator.validate_str(json.dumps({**made, "components": [{}]})) is not None
    assert sbom.document(MODULE, requirements, carried[::-1]) == made
    assert len(made["components"]) == len(pinned) == 6
    assert {"BSD-3-Clause", "MIT"} == {
        c["licenses"][0]["license"]["id"] for c in made["components"]
    }


@pytest.mark.parametrize("words", [(), ("--snapshot",), ("one", "two")])
def test_release_tells_how_it_is_called(words: tuple[str, ...]) -> None:
    command = [str(CHECKOUT / "packaging/release"), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("packaging/release OUTPUT: ")


def test_pages_are_rendered_for_each_system(tmp_path: Path) -> None:
    script = CHECKOUT / "packaging/releasing/pages.py"
    for system in ("debian", ""):
        argv = [
            sys.executable,
            "-I",
            "-B",
            str(script),
            str(CHECKOUT / "generator"),
            str(tmp_path / system),
        ]
        subprocess.run([*argv, system] if system else argv, check=True)
    made = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.gz"))
    assert made == [
        *("debian/man5/postwrap.toml.5.gz", "debian/man8/postwrap.8.gz"),
        *("man5/postwrap.toml.5.gz", "man8/postwrap.8.gz"),
    ]
