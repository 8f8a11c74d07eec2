"""What tables say of next hops: read by Postfix's own postmap, of each type that is a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.harness.faults import FAST, NETS, OUT
from tests.harness.outcome import check, paste, working
from tests.harness.settled import ALL, paths_of, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

pytestmark = pytest.mark.bases("bookworm", "trixie")

_TEXT = "example.net smtp:[10.0.0.1]\n"
TABLES = {
    "hash": ("hash:/srv/t", _TEXT),
    "texthash": ("texthash:/srv/t", _TEXT),
    "proxied": ("proxy:hash:/srv/t", _TEXT),
    "inline": ("inline:{{example.net=smtp:[10.0.0.1]}}", ""),
    "regexp": ("regexp:/srv/t", "/example.net$/ smtp:[10.0.0.1]\n"),
    "static": ("static:smtp:[10.0.0.1]", ""),
}
_BY_HAND = {"regexp"}
"""The types that no command can edit: the remedy opens the file."""


@pytest.fixture
def sound(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "settled", settle) as host:
        host.start("/etc/postfix", OUT)
        yield host


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_leads_back_is_found_and_shown(sound: Host, name: str) -> None:
    table, text = TABLES[name]
    paths = paths_of(sound)
    sound.write("/srv/t", text)
    if "hash" in table and "text" not in table:
        sound.run("postmap", "hash:/srv/t")
    # Another instance's table tells of the domain where this one cannot be listed.
    sound.postconf("relay_domains=example.net")
    sound.postconf(f"transport_maps={table}", directory=OUT)
    found = check(sound)
    assert {(f["code"], f["instance"]) for f in found} == {("route-loop", OUT)}, found
    document = json.loads(sound.run("postwrap", "map", "--json", "out").stdout)
    legs = [leg for leg in document["instances"][0]["hands_to"] if leg["by"] == "transport_maps"]
    assert [leg["to"] for leg in legs] == ["[10.0.0.1]"]
    assert legs[0]["instances"] == ["out"]
    assert "transport_maps" in sound.run("postwrap", "map", "out").stdout
    if name in _BY_HAND:
        assert found[0]["remedy"].startswith('"${EDITOR:-vi}" /srv/t')
    else:
        paste(sound, found)
        assert check(sound) == []
        assert working(sound, paths) == ALL


def test_the_instance_is_meant_whose_misspelt_setting_has_the_port(sound: Host) -> None:
    paths = paths_of(sound)
    sound.sh(f"postconf -e smtp_fallback_relay=[10.0.0.1]:26 {FAST}")
    sound.sh(f"postconf -c {OUT} -e smtpd_port=26 {NETS}")
    found = check(sound)
    assert {f["code"] for f in found} == {"next-hop-unheard", "unknown-setting"}
    paste(sound, found)
    assert check(sound) == []
    assert working(sound, paths) == ALL
    with sound.smtp("10.0.0.1", 26, source="127.0.0.1") as client:
        assert client.noop()[0] == 250
