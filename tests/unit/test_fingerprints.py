"""What installed files were made from: outlines stand for files, and never change a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.hosts import OUT

from postwrap import fingerprints
from postwrap.assemble import Assembly, InstallScope
from postwrap.bundle import Artifact, Bundle
from postwrap.filesystem import Filesystem
from postwrap.fingerprints import Fingerprints, fingerprint
from postwrap.install.manifest import FileRecord, Manifest, load

PATHS = ("/usr/local/bin/a", "/usr/local/bin/b", "/usr/local/bin/c", "/usr/local/bin/d")
INSTANCES = ("", OUT)


def artifact(path: str, content: bytes = b"x", instance: str = OUT, mode: int = 0o755) -> Artifact:
    return Artifact(path, content, mode, instance=instance, command="mailq")


def link(path: str, target: str) -> Artifact:
    return Artifact(path, target=target, instance=OUT)


def manifest_of(*artifacts: Artifact, **made_from: str) -> Manifest:
    made = {a.path: FileRecord.of(a) for a in artifacts}
    return Manifest(made, fingerprints={OUT if k == "out" else "": v for k, v in made_from.items()})


def must_not_render() -> Iterator[Artifact]:
    raise AssertionError


def test_a_known_fingerprint_gives_what_the_manifest_lists() -> None:
    made = [artifact(PATHS[0]), link(PATHS[1], "a"), artifact(PATHS[2], mode=0o644)]
    known = Fingerprints(manifest_of(*made, artifact(PATHS[3], instance=""), out="r"))
    found = list(known.artifacts(OUT, "r", must_not_render))
    assert [(a.path, a.digest, a.instance) for a in found] == [
        (a.path, a.digest, a.instance) for a in made
    ]
    assert [a.mode for a in found] == [0o755, 0o644, 0o644]
    assert known.used == {OUT: "r"}


@pytest.mark.parametrize(
    "manifest",
    [
        manifest_of(artifact(PATHS[0]), out="other"),
        manifest_of(artifact(PATHS[0])),
        Manifest(fingerprints={OUT: "r"}, package="acme"),
        Manifest(fingerprints={OUT: "r"}, others=(Manifest(),)),
    ],
)
def test_another_fingerprint_or_a_package_is_rendered(manifest: Manifest) -> None:
    made = artifact(PATHS[0], b"new")
    assert list(Fingerprints(manifest).artifacts(OUT, "r", lambda: [made])) == [made]


def test_a_fingerprint_hangs_on_its_inputs_and_on_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fingerprint("a", 1) == fingerprint("a", 1) != fingerprint("a", 2)
    for name in ("completions", "man", "units", "wrappers"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(fingerprints, "templates", lambda: tmp_path)
    seen = [fingerprint("a", 1)]
    for text in ("one", "other"):
        fingerprints._code.cache_clear()
        (tmp_path / "man/page.j2").write_text(text)
        seen.append(fingerprint("a", 1))
    fingerprints._code.cache_clear()
    assert len(set(seen)) == 3


def test_fingerprints_are_kept_in_the_manifest(tmp_path: Path) -> None:
    files = Filesystem(str(tmp_path))
    files.put(manifest_of(artifact(PATHS[0]), out="r").artifact("/manifest.json"))
    assert load(files, "/manifest.json").fingerprints == {OUT: "r"}


def test_an_instance_whose_files_a_package_brought_has_none(tmp_path: Path) -> None:
    """The package may go: then they are to be rendered, and the manifest does not list them."""
    made, shared = artifact(PATHS[0]), artifact(PATHS[1], instance="")
    bundle = Bundle([made, shared])
    told = {OUT: "r", "": "s"}
    assembly = Assembly(bundle, (), (), InstallScope(), told, lambda: bundle)
    package = Manifest({made.path: FileRecord.of(made)}, package="acme")
    files = Filesystem(str(tmp_path))
    for manifest in (Manifest(others=(package,)), Manifest(others=(package,), fingerprints=told)):
        assert assembly.plan(manifest, files).manifest.fingerprints == {"": "s"}
    assert assembly.plan(Manifest(), files).manifest.fingerprints == told


def test_what_was_made_while_a_file_was_kept_is_not_taken_for_the_former_state(
    tmp_path: Path,
) -> None:
    """One file was edited, the others were made from something new, and that was taken back."""
    old = [artifact(PATHS[0], b"old"), artifact(PATHS[1], b"old")]
    new = Bundle([artifact(PATHS[0], b"new"), artifact(PATHS[1], b"new")])
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    files = Filesystem(str(tmp_path))
    files.put(old[0])
    files.put(artifact(PATHS[1], b"by hand"))
    assembly = Assembly(new, (), (), InstallScope(), {OUT: "n"}, lambda: new)
    planned = assembly.plan(manifest_of(*old, out="r"), files, keep=True)
    assert planned.kept
    assert planned.manifest.fingerprints == {}


@dataclass(frozen=True)
class World:
    """What was installed, what is on the disk since, and what is wanted now."""

    installed: list[Artifact]
    there: dict[str, bytes | None]
    wanted: list[Artifact]
    same: frozenset[str]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A host whose files were edited or removed by hand, and whose instances changed or did not."""
    contents = st.sampled_from((b"one", b"two"))
    drawn = [
        artifact(p, draw(contents), draw(st.sampled_from(INSTANCES)))
        for p in PATHS
        if draw(st.booleans())
    ]
    there = {a.path: draw(st.sampled_from((a.content, b"by hand", None))) for a in drawn}
    same = frozenset(draw(st.sets(st.sampled_from(INSTANCES))))
    others = [
        artifact(p, draw(contents), draw(st.sampled_from(INSTANCES)))
        for p in PATHS
        if draw(st.booleans())
    ]
    kept = [a for a in drawn if a.instance in same]
    paths = {a.path for a in kept}
    new = [a for a in others if a.instance not in same and a.path not in paths]
    return World(drawn, there, [*kept, *new], same)


@given(worlds(), st.booleans(), st.booleans())
def test_outlines_never_change_a_plan(
    tmp_path_factory: pytest.TempPathFactory, world: World, force: bool, keep: bool
) -> None:
    root = tmp_path_factory.mktemp("host")
    (root / "usr/local/bin").mkdir(parents=True)
    files = Filesystem(str(root))
    for path, content in world.there.items():
        if content is not None:
            files.put(Artifact(path, content, 0o755))
    old = dict.fromkeys(INSTANCES, "same")
    manifest = manifest_of(*world.installed)
    manifest = Manifest(manifest.files, fingerprints=old)
    now = {i: "same" if i in world.same else "new" for i in INSTANCES}

    def wanted(instance: str) -> list[Artifact]:
        return [a for a in world.wanted if a.instance == instance]

    def made(known: Fingerprints) -> Bundle:
        return Bundle(a for i in INSTANCES for a in known.artifacts(i, now[i], partial(wanted, i)))

    def assembly(known: Fingerprints) -> Assembly:
        bundle = made(known)
        return Assembly(
            bundle, (), (), InstallScope(), known.used, lambda: made(Fingerprints(Manifest()))
        )

    short, whole = assembly(Fingerprints(manifest)), assembly(Fingerprints(Manifest()))
    plans = [a.plan(manifest, files, force=force, keep=keep) for a in (short, whole)]
    assert plans[0] == plans[1]
    assert not any(c.after and c.after.outline for c in plans[0].changes)
