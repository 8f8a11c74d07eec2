"""Commands that the settings add complete as the shell completes the command itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.terminals import Terminal, bash, fish, zsh

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.host import Host

pytestmark = pytest.mark.bases("bookworm", "trixie")


@pytest.fixture(scope="module")
def added(module_host: Host) -> Host:
    module_host.talk_instance("out", start=False)
    # Every shell has a completion of tail, and none of odd.
    module_host.write("/opt/bin/odd", "#!/bin/sh\n", mode=0o755)
    module_host.write("/etc/postwrap.toml", 'add = ["tail", "/opt/bin/odd"]\n')
    module_host.postwrap("install")
    return module_host


@pytest.mark.parametrize("start", [bash, zsh, fish])
def test_they_complete_as_the_command_itself(added: Host, start: Callable[..., Terminal]) -> None:
    added.write("/srv/one file", "")
    with start(added) as shell:
        itself = shell.complete("tail --byt").line
        assert itself.startswith("tail --bytes")
        wrapped = shell.complete("tail-out --byt").line
        assert wrapped == itself.replace("tail", "tail-out")
        # Of which nothing is known, files are offered.
        assert shell.complete("odd-out /srv/on").line.rstrip() == "odd-out /srv/one\\ file"
        assert shell.complete("mailq-out /srv/on").line.rstrip() == "mailq-out /srv/on"


@pytest.mark.parametrize("start", [bash, zsh, fish])
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("postfix-out rel", "postfix-out reload "),
        ("/usr/local/sbin/postfix-out rel", "/usr/local/sbin/postfix-out reload "),
        ("../usr/local/sbin/postfix-out rel", "../usr/local/sbin/postfix-out reload "),
        ("postwrap unin", "postwrap uninstall "),
        ("/usr/local/sbin/postwrap unin", "/usr/local/sbin/postwrap uninstall "),
        ("/usr/local/bin/odd-out /srv/on", "/usr/local/bin/odd-out /srv/one\\ file"),
    ],
)
def test_the_first_tab_in_a_shell(
    added: Host, start: Callable[..., Terminal], line: str, completed: str
) -> None:
    """It is the one that loads the completion, by a name or by a path."""
    added.make_command()
    added.write("/srv/one file", "")
    with start(added) as shell:
        assert shell.complete(line).line.rstrip(" =") == completed.rstrip()


@pytest.mark.parametrize("start", [bash, zsh])
def test_the_first_tab_on_the_path_of_an_added_command(
    added: Host, start: Callable[..., Terminal]
) -> None:
    """fish knows what a command wraps (complete -w) by its name alone."""
    with start(added) as shell:
        line = shell.complete("/usr/local/bin/tail-out --byt").line
        assert line.startswith("/usr/local/bin/tail-out --bytes")
