"""The pictures of docs/pictures, from real runs on a private host.

`python -m tests.harness.pictures`, as root, makes them anew: the terminal of create, queue, trace
and check, and the map of each role.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from docs.extension.terminal import svg
from tests.harness.host import Host
from tests.harness.pages import WIDTH, typed
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURES = CHECKOUT / "docs/pictures"

CREATE = "postwrap create relay --role fallback-relay --address 10.0.0.1"
"""What makes the instance that all but the maps show."""

_SLOW = """
printf '%s\\n' 'example.net smtp:[127.0.0.3]' 'example.org smtp:[127.0.0.4]' >/etc/postfix/transport
postmap /etc/postfix/transport
postconf -e transport_maps=hash:/etc/postfix/transport
"""
_MAIL = """
for number in 1 2 3 4; do
    printf 'Subject: hello\\n\\nhello\\n' | sendmail -f alice@example.com "carol$number@example.org"
done
printf 'Subject: hello\\n\\nhello\\n' | sendmail -f alice@example.com bob@example.net
"""
_ARRIVED = "[ $(postqueue -c /etc/postfix-relay -j | grep -c deferred) = 5 ]"
_SERVE = """
for number in 3 4; do
    setsid -f smtp-sink -u nobody "127.0.0.$number:25" 10 >/dev/null 2>&1 </dev/null
done
until [ "$(ss -Htln 'sport = :25' | grep -c '127.0.0.[34]:')" = 2 ]; do sleep 0.1; done
postfix -c /etc/postfix-relay flush
"""

MAPS = {
    "fallback-relay": "--address 10.0.0.1",
    "content-filter": "--address 10.0.0.1",
    "outbound": "--address 10.0.0.1 --same-source-address",
    "backup-mx": "--address 10.0.0.1 --relay-domains example.org",
}
"""Each role, and with what options its map is drawn."""


def screens(host: Host) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each picture of a terminal, and the lines on it."""
    host.sh(_SLOW)
    host.start_default()
    host.make_command()
    host.postwrap("install")
    with host.aging():
        yield "create", _screen(host, CREATE, "y")
        host.sh(_MAIL)
        host.wait_for(lambda: host.sh(_ARRIVED, check=False).returncode == 0)
        yield "queue", _screen(host, "postwrap queue")
        host.sh(_SERVE)
        host.wait_log("to=<bob@example.net>", "status=sent (250 2.0.0 Ok)")
        yield "trace", _screen(host, "postwrap trace bob@example.net")
        host.postconf("mynetworks=192.0.2.0/24", directory="/etc/postfix-relay")
        yield "check", _screen(host, "postwrap check")


def _screen(host: Host, command: str, *answers: str) -> list[str]:
    said = typed(host, command, answers=answers)
    lines = [f"# {command}", *said.rstrip("\n").split("\n")]
    return [folded for line in lines for folded in _folded(line)]


def _folded(line: str) -> Iterator[str]:
    """A line as the terminal shows it, which goes on in the next row."""
    if "\x1b" in line:
        yield line
        return
    yield line[:WIDTH]
    yield from (line[n : n + WIDTH] for n in range(WIDTH, len(line), WIDTH))


def map_of(role: str) -> str:
    """The map of a host with one instance that has the role, as SVG."""
    with Host(variant("host", "trixie")) as host, host.aging():
        host.start_default()
        if role == "content-filter":
            filter_ = CHECKOUT / "tests/harness/content_filter.py"
            places = "127.0.0.1:10024 10.0.0.1:25"
            host.sh(f"setsid -f python3 {filter_} {places} >/dev/null 2>&1 </dev/null")
        host.postwrap("create", "out", "--role", role, *MAPS[role].split())
        graph = host.postwrap("map", "--format", "dot").stdout
    done = subprocess.run(["dot", "-Tsvg"], input=graph, text=True, capture_output=True, check=True)
    return done.stdout


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with Host(variant("host", "trixie")) as host:
        for name, lines in screens(host):
            (PICTURES / f"{name}.svg").write_text(svg(lines, lines[0][2:]))
    for role in MAPS:
        (PICTURES / f"map-{role}.svg").write_text(map_of(role))


if __name__ == "__main__":
    main()
