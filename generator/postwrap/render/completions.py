"""Completions: one engine, a short file for each shell, a table for each instance.

Shells find completions by the command's name: bash and fish get a link for each wrapper, zsh has
patterns. The links of all instances lead to one file. At a TAB it runs ``complete``, a shell script
beside the tables of the instances, which prints the candidates. Nothing runs when a shell starts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from postwrap.bundle import Artifact
from postwrap.catalog import CATALOG
from postwrap.catalog.program import Program
from postwrap.catalog.usage import DASHES, Option, Usage, Value
from postwrap.catalog.usages import USAGES
from postwrap.host.naming import Instance
from postwrap.layout import Layout
from postwrap.render import render
from postwrap.render.quoting import comment, sh
from postwrap.render.wrappers import Target

SHELLS = ("bash", "zsh", "fish")
"""The shells that there are completions for."""

VALUES = ("maps", "postconf", "postqueue", "postwrap")
"""The parts of the engine that it reads only when they are needed."""

# The tables of --user. Both kinds of installation may exist; the engine of either reads all tables.
_USER_STATE = '"${XDG_STATE_HOME:-${HOME:-}/.local/state}/postwrap"'
_STATES = ("/usr/local/lib/postwrap", "/usr/lib/postwrap")


def engine_path(layout: Layout) -> str:
    """Return the path of the script that all shells ask for candidates."""
    return f"{layout.state}/complete"


def table_path(instance: Instance, layout: Layout) -> str:
    """Return the path of the table that tells the engine where ``instance`` is."""
    return f"{layout.state}/instance{instance.suffix}"


def shell_path(shell: str, layout: Layout, name: str = "postwrap") -> str:
    """Return where ``shell`` looks for the completions of the command ``name``."""
    return {
        "bash": f"{layout.bash_completion}/{name}",
        "zsh": f"{layout.zsh_completion}/_{name}",
        "fish": f"{layout.fish_completion}/{name}.fish",
    }[shell]


def completions(
    instance: Instance, targets: Sequence[Target], layout: Layout, shells: Collection[str] = SHELLS
) -> Iterator[Artifact]:
    """Yield what ``shells`` need to complete the wrappers of ``instance``.

    Commands that the settings add are not in the catalog and have their own completions.
    """
    if not shells:
        return
    paths = {target.name: target.path for target in targets}
    names = [name for name in paths if name in USAGES]
    added = [name for name in paths if name not in USAGES]
    yield Artifact(
        path=table_path(instance, layout),
        content=render(
            "completions/instance.j2", instance=instance, names=names, paths=paths, layout=layout
        ),
        instance=instance.directory,
    )
    for shell in SHELLS:
        if shell not in shells:
            continue
        for name in names if shell != "zsh" else ():
            yield Artifact(
                path=shell_path(shell, layout, name + instance.suffix),
                target=shell_path(shell, layout).rpartition("/")[2],
                instance=instance.directory,
            )
        for name in added:
            yield _added(shell, name, instance, layout)


def _added(shell: str, real: str, instance: Instance, layout: Layout) -> Artifact:
    """Return the completion of a wrapper of ``real``, which is not in the catalog."""
    name, remake = real + instance.suffix, layout.remake(instance.name)
    template = f"completions/{shell}/added.{shell}.j2"
    directory = comment(instance.directory)
    content = render(template, name=name, real=real, remake=remake, directory=directory)
    return Artifact(shell_path(shell, layout, name), content, instance=instance.directory)


def shared_completions(
    layout: Layout,
    program: Program,
    shells: Collection[str] = SHELLS,
    codes: Sequence[tuple[str, str]] = (),
) -> Iterator[Artifact]:
    """Yield what the completions of all instances have in common, and those of postwrap itself.

    ``program`` is postwrap's command line; ``codes`` are those of ``postwrap check``, with a line
    each.
    """
    if not shells:
        return
    common = {"layout": layout, "remake": layout.remake(), "home": _USER_STATE}
    others = [state for state in _STATES if state != layout.state]
    places = [sh(layout.state), '"$home"', *others]
    yield Artifact(
        path=engine_path(layout),
        content=render(
            "completions/complete.sh.j2",
            commands=[command.name for command in CATALOG],
            places=places,
            tables=f"{layout.state}/options",
            values=f"{layout.state}/values",
            attached=_attached_flags(),
            dashes=DASHES,
            **common,
        ),
        mode=0o755,
    )
    for name in VALUES:
        yield Artifact(
            path=f"{layout.state}/values/{name}",
            content=render(
                f"completions/values/{name}.sh.j2", places=places, codes=codes, layout=layout
            ),
        )
    for name, table in tables(program):
        yield Artifact(
            path=f"{layout.state}/options/{name}",
            content=render("completions/table.j2", name=name, table=table, layout=layout),
        )
    for shell in SHELLS:
        if shell in shells:
            yield Artifact(
                path=shell_path(shell, layout),
                content=render(
                    f"completions/{shell}/postwrap.{shell}.j2",
                    engine=engine_path(layout),
                    places=places,
                    commands=[command.name for command in CATALOG],
                    **common,
                ),
            )


def tables(program: Program) -> list[tuple[str, dict[str, str]]]:
    """Return the engine's table of each command, verbs as ``postwrap-VERB``."""
    own = {"postwrap": program.usage}
    own |= {f"postwrap-{verb.name}": verb.usage for verb in program.verbs}
    return [(name, _table(usage)) for name, usage in (*USAGES.items(), *own.items())]


def _table(usage: Usage) -> dict[str, str]:
    return {
        "options": "\n".join(map(_option_line, usage.options)),
        "operands": "\n".join(
            f"{rule.given}|{rule.first}|{';'.join(map(_value_field, rule.values))}"
            for rule in usage.operands
        ),
        "plain": " ".join(option.flag for option in usage.options if not option.value),
        "meanings": "\n".join(f"{word}|{meaning}" for word, meaning in usage.meanings.items()),
    }


def _option_line(option: Option) -> str:
    value = option.value
    kind = f"{'=' if value.attached else ''}{value.kind}" if value else ""
    of = ",".join(value.of) if value else ""
    return f"{option.flag}|{kind}|{of}|{option.since}|{option.summary}"


def _value_field(value: Value) -> str:
    return f"{value.kind}:{','.join(value.of)}"


def _attached_flags() -> list[str]:
    """Return the flags whose value follows without a space."""
    flags: Iterable[Option] = (option for usage in USAGES.values() for option in usage.options)
    return sorted({o.flag for o in flags if o.value and o.value.attached})
