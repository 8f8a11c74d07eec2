"""Files of postwrap's own that a power cut has torn: every other verb and instance goes on."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"
RECORD = "/var/lib/postwrap/%2Fetc%2Fpostfix-out.json"
ZZZ = "/var/lib/postwrap/%2Fetc%2Fpostfix-zzz.json"
MANIFEST = "/usr/local/lib/postwrap/manifest.json"
FACTS = "/usr/local/lib/postwrap/facts.json"

LEFT = {"empty": "", "blank": "\0" * 400, "cut": '{\n "schema": 1,\n "direct', "foreign": "[]"}
TORN = pytest.mark.parametrize("left", LEFT.values(), ids=LEFT.keys())


@pytest.fixture
def made(host: Host) -> Host:
    """A host on which out was made as fallback-relay."""
    host.run("install", "-d", "/usr/local/lib")
    host.postwrap("install")
    host.postwrap("create", "out", "--address", "10.0.0.1", "--role", "fallback-relay", "--yes")
    return host


def torn(host: Host) -> list[dict[str, str]]:
    done = host.postwrap("check", "--json", check=False)
    assert done.returncode in (0, 1), done.stderr
    return [f for f in json.loads(done.stdout)["findings"] if f["code"] == "torn-file"]


@TORN
def test_a_torn_record_stops_no_other_instance(host: Host, left: str) -> None:
    host.postwrap("install")
    host.write(ZZZ, left)
    host.postwrap("create", "two", "--yes")
    host.postwrap("remove", "two", "--purge", "--yes")
    host.postwrap("list")
    (found,) = torn(host)
    assert ZZZ in found["message"]
    # Its own instance is not made over it: what it undoes is unknown.
    for words in (("create", "zzz", "--dry-run"), ("create", "zzz", "--yes")):
        done = host.postwrap(*words, check=False)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"remedy: mv {ZZZ} {ZZZ}.torn" in done.stderr
    host.sh(found["remedy"])
    assert torn(host) == []
    assert host.read(f"{ZZZ}.torn") == left
    host.postwrap("create", "zzz", "--yes")


def test_role_leaves_an_instance_with_a_torn_record_and_remove_does_what_is_known(
    made: Host,
) -> None:
    made.write(RECORD, "")
    before = made.read("/etc/postfix/main.cf")
    for words in (("role", "out", "outbound", "--dry-run"), ("role", "out", "outbound", "--yes")):
        done = made.postwrap(*words, check=False)
        assert (done.returncode, done.stdout) == (3, "")
        assert f"remedy: mv {RECORD} {RECORD}.torn" in done.stderr
    assert made.read("/etc/postfix/main.cf") == before
    done = made.postwrap("remove", "out", "--dry-run")
    assert f"note: {RECORD}: is not a record of postwrap" in done.stderr
    done = made.postwrap("remove", "out", "--yes")
    assert f"{RECORD}: is torn, and kept as {RECORD}.torn" in done.stderr
    assert made.read(f"{RECORD}.torn") == ""
    assert not made.exists(OUT)
    assert OUT not in made.run("postconf", "-h", "multi_instance_directories").stdout
    assert torn(made) == []


def test_what_is_left_of_an_instance_with_a_torn_record_can_be_removed(made: Host) -> None:
    made.write(RECORD, "")
    made.sh("postfix -c /etc/postfix-out stop; rm -r /etc/postfix-out")
    made.postwrap("remove", "out", "--yes")
    assert OUT not in made.run("postconf", "-h", "multi_instance_directories").stdout
    assert torn(made) == []


@TORN
def test_a_torn_manifest_stops_no_verb(made: Host, left: str) -> None:
    whole = json.loads(made.read(MANIFEST))
    made.write(MANIFEST, left)
    made.postwrap("list")
    made.postwrap("diff", check=False)
    (found,) = torn(made)
    assert MANIFEST in found["message"]
    assert made.read(MANIFEST) == left  # who looks changes nothing
    done = made.postwrap("install")
    assert f"{MANIFEST}: was torn, kept as {MANIFEST}.torn" in done.stderr
    assert made.read(f"{MANIFEST}.torn") == left
    assert json.loads(made.read(MANIFEST))["files"] == whole["files"]
    assert torn(made) == []
    # An instance made while it is torn has its commands, and the others keep theirs.
    made.write(MANIFEST, left)
    made.postwrap("create", "two", "--yes")
    for name in ("mailq-out", "mailq-two"):
        assert name in made.read(MANIFEST)
    # So do they where one instance alone is installed.
    made.write(MANIFEST, left)
    made.postwrap("install", "two")
    assert "mailq-out" in made.read(MANIFEST)
    # Uninstalled, nothing stays but what was edited.
    made.write(MANIFEST, left)
    made.write("/usr/local/bin/mailq-out", "#!/bin/sh\n# edited\n", 0o755)
    made.postwrap("uninstall")
    assert made.sh(
        "ls /usr/local/bin /usr/local/sbin | grep -E -e '-(out|two|default)$' || :"
    ).stdout == ("mailq-out\n")
    assert made.exists(f"{MANIFEST}.torn-4")


def test_a_torn_manifest_and_files_that_are_not_as_made(made: Host) -> None:
    made.write(MANIFEST, "")
    made.write("/usr/local/bin/mailq-out", "#!/bin/sh\n# an older postwrap's\n", 0o755)
    done = made.postwrap("install", check=False)
    assert done.returncode == 3
    assert "/usr/local/bin/mailq-out: is in the way and not postwrap's" in done.stderr
    assert "--force" in done.stderr
    assert made.read(MANIFEST) == ""
    made.postwrap("install", "--force")
    assert "older" in made.read("/usr/local/bin/mailq-out.postwrap-backup")
    assert torn(made) == []


@TORN
def test_a_torn_cache_stops_no_verb(made: Host, left: str) -> None:
    made.write(FACTS, left)
    made.postwrap("list")
    (found,) = torn(made)
    assert FACTS in found["message"]
    made.sh(found["remedy"])
    assert torn(made) == []
    made.write(FACTS, left)
    made.postwrap("install")
    assert torn(made) == []
    assert json.loads(made.read(FACTS))


VERBS = [
    ("list",),
    ("check",),
    ("diff",),
    ("which", "mailq-out"),
    ("env", "out"),
    ("map",),
    ("install",),
    ("role", "out", "--queue-lifetime", "2d", "--dry-run"),
    ("create", "two", "--dry-run"),
    ("remove", "out", "--dry-run"),
    ("uninstall", "--dry-run"),
]


@pytest.mark.parametrize("seed", range(3))
def test_no_verb_ends_in_a_traceback_whatever_is_torn(made: Host, seed: int) -> None:
    chance = random.Random(seed)
    made.write("/etc/postwrap.toml", 'default-suffix = "-default"\nshells = ["bash"]\n')
    made.postwrap("install")
    places = (RECORD, MANIFEST, FACTS, "/etc/postwrap.toml")
    whole = {place: made.read_bytes(place) for place in places}
    for _ in range(4):
        for place in chance.sample(places, chance.randint(1, 4)):
            content = bytearray(whole[place])
            if chance.random() < 0.5:
                del content[chance.randrange(len(content)) :]
            else:
                for _ in range(chance.randint(1, 5)):
                    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            made.path(place).write_bytes(content)
        for words in VERBS:
            done = made.postwrap(*words, check=False)
            told = (seed, words, done.stdout, done.stderr)
            assert "Traceback" not in done.stderr, told
            assert done.returncode in (0, 1, 2, 3), told
        for place in places:
            made.path(place).write_bytes(whole[place])
