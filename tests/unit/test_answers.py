"""What Postfix said is kept for as long as all that it hangs on is as it was."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from postwrap.filesystem import Filesystem
from postwrap.host.answers import ConfigurationCache, ParameterCache
from postwrap.postfix import Answers, Postfix

if TYPE_CHECKING:
    from collections.abc import Sequence


class Counting(Postfix):
    """Counts what it is asked; says what it is told to."""

    def __init__(self, postconf: Path) -> None:
        super().__init__(str(postconf))
        self.expanded = "myhostname = a\nmynetworks = 10.0.0.0/8\n"

    def ask(self, *requests: Sequence[str], directory: str | None = None) -> Answers:
        self.started += len(requests)
        said = {
            "-x": f"{self.expanded}process_id = {self.started}\n",
            "-n": "config_directory = /x\nmyhostname = $a\n",
            "-M": "smtp inet n - y - - smtpd\n",
            "-Px": "smtp/inet/x = a\n",
            "-P": "smtp/inet/x = $a\n",
        }
        warnings = ("live", "twice") if requests[0] == ("-x",) else ("twice", "of master.cf")
        return Answers(tuple(said[r[0]] for r in requests), warnings)

    def parameters(self, names: Sequence[str], directory: str | None = None) -> dict[str, str]:
        self.started += 1
        return dict.fromkeys(names, directory or "default")

    def table_types(self) -> list[str]:
        self.started += 1
        return ["hash"]


class Place:
    """An instance's files, and the caches that were kept of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for path in ("etc/postfix-out/main.cf", "etc/postfix-out/master.cf", "etc/postfix/main.cf"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("")
        (root / "postconf").write_text("")
        self.filesystem = Filesystem(str(root))
        self.postfix = Counting(root / "postconf")

    def asked(self, directory: str = "/etc/postfix-out") -> int:
        """Look once more, with what is kept from before; how many processes did it take."""
        cache = ConfigurationCache.load(self.filesystem, "/kept.json")
        before = self.postfix.started
        cache.configuration(self.postfix, self.filesystem, directory, is_default=False)
        self.filesystem.real("/kept.json").write_bytes(
            cache.artifact("/kept.json", [directory]).content
        )
        return self.postfix.started - before


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_printed_is_told_apart(place: Place) -> None:
    found = ConfigurationCache().configuration(
        place.postfix, place.filesystem, "/etc/postfix-out", is_default=False
    )
    assert found.parameters == {"myhostname": "a", "mynetworks": "10.0.0.0/8"}
    assert found.settings == {"myhostname": "$a"}
    assert found.master == "smtp inet n - y - - smtpd\n"
    assert (found.expanded, found.stated) == ({"smtp/inet/x": "a"}, {"smtp/inet/x": "$a"})
    assert found.warnings == ("live", "twice", "of master.cf")


def test_one_process_where_nothing_has_changed(place: Place) -> None:
    assert place.asked() == 5
    assert place.asked() == 1
    assert place.asked() == 1


@pytest.mark.parametrize(
    "changed", ["etc/postfix-out/main.cf", "etc/postfix-out/master.cf", "postconf"]
)
def test_all_is_asked_again_where_a_file_has_changed(place: Place, changed: str) -> None:
    place.asked()
    (place.root / changed).write_text("# changed\n")
    assert place.asked() == 5
    assert place.asked() == 1


def test_all_is_asked_again_where_a_parameter_has_changed_that_hangs_on_the_network(
    place: Place,
) -> None:
    place.asked()
    place.postfix.expanded = "myhostname = a\nmynetworks = 192.168.0.0/16\n"
    assert place.asked() == 5


def test_all_is_asked_again_under_another_name_of_the_host(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.asked()
    node = os.uname_result(("Linux", "other", "6", "1", "x86_64"))
    monkeypatch.setattr(os, "uname", lambda: node)
    assert place.asked() == 5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"/etc/postfix-out": 1}', "\xff"])
def test_what_is_torn_is_asked_again(place: Place, text: str) -> None:
    place.asked()
    (place.root / "kept.json").write_bytes(text.encode("latin-1"))
    assert place.asked() == 5


def test_an_instance_without_main_cf_is_asked_each_time(place: Place) -> None:
    (place.root / "etc/postfix-out/main.cf").unlink()
    assert place.asked() == place.asked() == 5


def test_parameters_and_types_of_tables_are_kept_too(place: Place) -> None:
    cache = ParameterCache()
    for _ in range(2):
        found = cache.parameters(place.postfix, place.filesystem, ("a",), "/etc/postfix-out")
        assert found == {"a": "/etc/postfix-out"}
    assert cache.parameters(place.postfix, place.filesystem, ("a",)) == {"a": "default"}
    assert place.postfix.started == 2
    assert cache.parameters(place.postfix, place.filesystem, ("a", "b")) != {}
    assert place.postfix.started == 3
    types = ConfigurationCache()
    assert {types.table_types(place.postfix, place.filesystem) for _ in range(2)} == {
        frozenset({"hash"})
    }
    assert place.postfix.started == 4


def test_what_is_kept_is_of_the_instances_that_there_are_and_for_root_alone(place: Place) -> None:
    cache = ConfigurationCache()
    cache.configuration(place.postfix, place.filesystem, "/etc/postfix-out", is_default=False)
    empty = ConfigurationCache().artifact("/kept", [])
    assert cache.artifact("/kept", ["/etc/postfix"]).content == empty.content
    assert cache.artifact("/kept", []).mode == 0o600
    assert ParameterCache().artifact("/kept", []).mode == 0o644
