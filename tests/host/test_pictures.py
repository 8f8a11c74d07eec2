"""The pictures of terminals in docs/pictures show what happens."""

from __future__ import annotations

from docs.extension.terminal import text_of
from tests.harness import pages
from tests.harness.host import Host
from tests.harness.need import need_root, need_tool
from tests.harness.pictures import PICTURES, screens
from tests.harness.roots import variant
from tests.harness.terminals import ESCAPES


def test_terminals() -> None:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Host(variant("host", "trixie")) as host:
        for name, lines in screens(host):
            shown = text_of((PICTURES / f"{name}.svg").read_text())
            said = [ESCAPES.sub("", line) for line in lines]
            again = "python -m tests.harness.pictures makes them anew"
            assert pages.matches(shown, said), f"{name}: {again}\n" + "\n".join(said)
