"""What a power cut leaves of postwrap's own files: cut, blanked or with bytes changed."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postwrap import STATE_DIRECTORY
from postwrap.bundle import Artifact
from postwrap.errors import RefusedError, UsageError
from postwrap.filesystem import Filesystem
from postwrap.host.answers import AnswerCache, ConfigurationCache, ParameterCache
from postwrap.install.manifest import FileRecord as File
from postwrap.install.manifest import Manifest, load
from postwrap.provision.desired import parameter
from postwrap.provision.engine.journal import (
    InstanceRecord,
    ProvisionJournal,
    RecordState,
    TornError,
)
from postwrap.provision.engine.steps import Step, run
from postwrap.provision.ownership import Claim, Part
from postwrap.settings import parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OUT = "/etc/postfix-out"
RELAY = parameter("/etc/postfix", "relayhost")
RECORD = InstanceRecord(
    OUT,
    RecordState.UNDER_WAY,
    "create",
    (Step("make it", run("mkdir", OUT), (run("rmdir", OUT, accept=(0, 1)),)),),
    (Claim(OUT, Part.ROLE, RELAY, "[10.0.0.1]", None, 1),),
    existed=True,
)
MANIFEST = Manifest(
    {"/usr/local/bin/mailq-out": File(("a" * 64,), OUT, "mailq"), "/usr/local/x": File(("b",))},
    ("/usr/local/lib/postwrap",),
    under_way=True,
    package="postwrap-instances",
)
PARAMETERS = ParameterCache({OUT: {"stamp": {"main.cf": [1]}, "parameters": {"mail_owner": "me"}}})
CONFIGURATIONS = ConfigurationCache(
    {
        "": {"stamp": {}, "types": ["hash"]},
        OUT: {"stamp": {"main.cf": [1]}, "printed": ["a", "b", "c", "d"], "warnings": ["w"]},
    }
)
SETTINGS = b'default-suffix = "-d"\nshells = ["bash"]\nprefix = "/opt/x"\nadd = ["/opt/b/mailx"]\n'


@st.composite
def torn(draw: st.DrawFn, whole: bytes) -> bytes:
    """What may be left of a file."""
    kind = draw(st.sampled_from(["cut", "blank", "flip", "twice"]))
    at = draw(st.integers(0, len(whole) - 1))
    if kind == "cut":
        return whole[:at]
    if kind == "blank":
        return whole[:at] + bytes(len(whole) - at)
    if kind == "twice":
        return whole[:at] + whole
    changed = bytearray(whole)
    for place in draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        changed[place] ^= draw(st.integers(1, 255))
    return bytes(changed)


@pytest.fixture(scope="module")
def filesystem(tmp_path_factory: pytest.TempPathFactory) -> Filesystem:
    root = tmp_path_factory.mktemp("torn")
    (root / "var/lib").mkdir(parents=True)
    return Filesystem(str(root))


def written(record: InstanceRecord) -> bytes:
    """A record as the journal writes it."""
    import tempfile

    with tempfile.TemporaryDirectory() as root:
        os.makedirs(f"{root}/var/lib")  # noqa: PTH103
        journal = ProvisionJournal(Filesystem(root))
        journal.write(record)
        return journal.filesystem.real(journal.path(record.directory)).read_bytes()


@settings(max_examples=400, deadline=None)
@given(data=torn(written(RECORD)))
def test_a_torn_record_is_its_own_instances_alone(data: bytes, filesystem: Filesystem) -> None:
    journal = ProvisionJournal(filesystem)
    other = Claim("/etc/postfix-b", Part.ROLE, RELAY, "[10.0.0.2]", None, 2)
    journal.write(InstanceRecord("/etc/postfix-b", claims=(other,)))
    filesystem.real(journal.path(OUT)).write_bytes(data)
    with contextlib.suppress(RefusedError):  # a number changed: a newer postwrap's
        assert {c.owner for c in journal.ownership().claims} <= {OUT, "/etc/postfix-b"}
        assert journal.unsettled("b") is None
        assert journal.ownership(without=[OUT]).claims == (other,)
    is_whole = is_read(journal)
    assert [error.directory for error in journal.torn()] == ([] if is_whole else [OUT])
    if not is_whole:
        assert journal.known(OUT) is None
        assert journal.unsettled("out", forgiving=True) is None
        with pytest.raises(TornError) as caught:
            journal.unsettled("out")
        assert caught.value.hint == f"mv {journal.path(OUT)} {journal.path(OUT)}.torn"
        assert journal.set_aside(OUT).startswith(f"{journal.path(OUT)}.torn")
        assert [*journal.directories()] == ["/etc/postfix-b"]


def is_read(journal: ProvisionJournal) -> bool:
    try:
        journal.read(OUT)
    except TornError:
        return False
    except RefusedError:
        return True
    return True


def test_a_record_under_the_name_of_another_is_torn(filesystem: Filesystem) -> None:
    journal = ProvisionJournal(filesystem)
    journal.write(RECORD)
    other = filesystem.real(journal.path("/etc/postfix-c"))
    filesystem.real(journal.path(OUT)).rename(other)
    assert [error.path for error in journal.torn()] == [journal.path("/etc/postfix-c")]
    assert journal.known("/etc/postfix-c") is None
    other.unlink()
    assert STATE_DIRECTORY in str(other)


def stored(filesystem: Filesystem, artifact: Artifact, data: bytes) -> None:
    real = filesystem.real(artifact.path)
    real.parent.mkdir(parents=True, exist_ok=True)
    real.write_bytes(data)


@settings(max_examples=400, deadline=None)
@given(data=torn(MANIFEST.artifact("/m.json").content))
def test_a_torn_manifest_tells_nothing(data: bytes, filesystem: Filesystem) -> None:
    stored(filesystem, MANIFEST.artifact("/m.json"), data)
    with contextlib.suppress(RefusedError):
        read = load(filesystem, "/m.json")
        assert read == Manifest(torn=True) or (read.files and not read.torn)
        for path in (*read.files, *read.directories):
            assert path.startswith("/")
            filesystem.entry(path)


@settings(max_examples=400, deadline=None)
@given(data=torn(PARAMETERS.artifact("/f.json", [OUT]).content))
def test_a_torn_cache_is_passed_over(data: bytes, filesystem: Filesystem) -> None:
    stored(filesystem, PARAMETERS.artifact("/f.json", [OUT]), data)
    cache = ParameterCache.load(filesystem, "/f.json")
    assert cache.known == {} or not cache.torn
    for record in cache.known.values():
        assert all(isinstance(value, str) for value in dict(record["parameters"]).values())
    cache.artifact("/f.json", cache.known)


@settings(max_examples=400, deadline=None)
@given(data=torn(CONFIGURATIONS.artifact("/f.json", [OUT]).content))
def test_a_torn_cache_of_configurations_is_passed_over(data: bytes, filesystem: Filesystem) -> None:
    stored(filesystem, CONFIGURATIONS.artifact("/f.json", [OUT]), data)
    cache = ConfigurationCache.load(filesystem, "/f.json")
    assert cache.known == {} or not cache.torn
    for record in cache.known.values():
        assert "types" in record or len(record["printed"]) == 4
    cache.artifact("/f.json", cache.known)


@settings(max_examples=400, deadline=None)
@given(data=torn(SETTINGS))
def test_torn_settings_are_a_usage_error(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        read = parse(data.decode("utf-8", "surrogateescape"), "/etc/postwrap.toml")
        assert "\0" not in read.prefix


@pytest.mark.parametrize("key", ['prefix = "/a\\u0000b"', 'add = ["/a\\u0000b/c"]'])
def test_a_nul_in_a_path_is_a_usage_error(key: str) -> None:
    with pytest.raises(UsageError, match=r"/etc/postwrap.toml:1: "):
        parse(key, "/etc/postwrap.toml")


@pytest.mark.parametrize("left", [b"", b"\0" * 300, b"{", b"[]", b"null", b"7", b'{"schema": 1}'])
@pytest.mark.parametrize("read", [load, ParameterCache.load, ConfigurationCache.load])
def test_what_is_no_such_file(
    left: bytes, read: Callable[[Filesystem, str], Manifest | AnswerCache], tmp_path: Path
) -> None:
    (tmp_path / "x.json").write_bytes(left)
    assert read(Filesystem(str(tmp_path)), "/x.json").torn
    assert not read(Filesystem(str(tmp_path)), "/none.json").torn
