"""How many processes of Postfix it takes to look at many instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.survey import VERBS, measure
from tests.harness.many import make_instances

if TYPE_CHECKING:
    from tests.harness.host import Host

COUNT = 12


def test_two_processes_an_instance_where_files_have_not_changed(bare_host: Host) -> None:
    make_instances(bare_host, COUNT)
    bare_host.postwrap("install")
    every = COUNT + 1
    for verb in ("list", "which", "env"):
        assert measure(bare_host, VERBS[verb])[0] == 0, verb
    first = measure(bare_host, VERBS["check"])[0]
    assert first > 2 * every
    for verb in ("check", "map"):
        assert measure(bare_host, VERBS[verb])[0] == 2 * every, verb
    # What has changed is asked anew, and nothing else.
    bare_host.postconf("relayhost=[192.0.2.1]", directory="/etc/postfix-i7")
    changed = measure(bare_host, VERBS["map"])[0]
    assert 2 * every < changed <= 2 * every + 5
    assert measure(bare_host, VERBS["map"])[0] == 2 * every
    assert "[192.0.2.1]" in bare_host.postwrap("map", "i7").stdout
