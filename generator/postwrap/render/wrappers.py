"""The wrapper commands of one instance."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postwrap.bundle import Artifact
from postwrap.host.naming import Instance
from postwrap.layout import Layout
from postwrap.render import render
from postwrap.render.native import MOST_WORDS, native

USERS_COMMANDS = frozenset(("sendmail", "postqueue"))
"""Commands of sbin for ordinary users, who seldom have that in their PATH."""


@dataclass(frozen=True, slots=True)
class Target:
    """A real command to wrap: its name, and the words that run it.

    ``path`` tells where the command lives, and so where its wrapper goes. ``argv`` is what the
    wrapper executes before the caller's own arguments: the path itself, or sendmail with a flag.
    """

    name: str
    path: str
    argv: tuple[str, ...]


def wrappers(
    instance: Instance,
    targets: Iterable[Target],
    layout: Layout,
    unit: str = "",
    machine: str = "",
) -> Iterator[Artifact]:
    """Yield the wrapper of each of ``targets`` for ``instance``.

    ``unit`` is the systemd unit that starts this instance, which is to know when ``postfix``
    is told to start or stop it; "" for none. ``machine`` asks for native wrappers for it, ""
    for shell scripts; what has more to do than to set MAIL_CONFIG stays a script.
    """
    remake = layout.remake(instance.name)
    for target in targets:
        name = target.name + instance.suffix
        values = {"name": name, "instance": instance, "target": target, "remake": remake}
        template = "postfix" if target.name == "postfix" and unit else "wrapper"
        content = render(f"wrappers/{template}.sh.j2", **values, unit=unit)
        if machine and template == "wrapper" and len(target.argv) <= MOST_WORDS:
            content = native(machine, instance.directory, target.argv, content)
        directory = layout.command_directory(target.path)
        yield Artifact(
            path=f"{directory}/{name}",
            content=content,
            mode=0o755,
            instance=instance.directory,
            command=target.name,
        )
        if layout.links and directory == layout.sbin and target.name in USERS_COMMANDS:
            link = posixpath.relpath(f"{directory}/{name}", layout.links)
            yield Artifact(f"{layout.links}/{name}", target=link, instance=instance.directory)
