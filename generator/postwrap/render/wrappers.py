"""The wrapper commands of one instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postwrap.bundle import Artifact
from postwrap.instance import Instance
from postwrap.layout import Layout
from postwrap.render import render


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
    instance: Instance, targets: Iterable[Target], layout: Layout, unit: str = ""
) -> Iterator[Artifact]:
    """Yield the wrapper of each of ``targets`` for ``instance``.

    ``unit`` is the systemd unit that starts this instance, which is to know when ``postfix``
    is told to start or stop it; "" for none.
    """
    remake = layout.remake(instance.name)
    for target in targets:
        name = target.name + instance.suffix
        values = {"name": name, "instance": instance, "target": target, "remake": remake}
        template = "postfix" if target.name == "postfix" and unit else "wrapper"
        yield Artifact(
            path=f"{layout.command_directory(target.path)}/{name}",
            content=render(f"wrappers/{template}.sh.j2", **values, unit=unit),
            mode=0o755,
            instance=instance.directory,
            command=target.name,
        )
