"""Man pages: one for each instance, under the names of all its commands, and postwrap's own.

The page of an instance is that of its first command; the other commands' pages are links to it,
for man(1), and its NAME section lists them all, for whatis(1) and apropos(1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from postwrap.bundle import Artifact
from postwrap.catalog import find
from postwrap.catalog.usage import Option, Usage
from postwrap.catalog.verbs import FORMATS, ROLES, VERBS, Verb
from postwrap.errors import Status
from postwrap.instance import Instance
from postwrap.layout import Layout
from postwrap.render import render
from postwrap.render.quoting import sh
from postwrap.render.wrappers import Target

STATUSES: dict[Status, str] = {
    Status.OK: "Done, or there was nothing to do, or nothing was found.",
    Status.FOUND: "Something was found, or differs, or an instance was skipped and the others "
    "were done. What it was is on standard error or in the report.",
    Status.USAGE: "The command line or the settings file cannot be understood.",
    Status.REFUSED: "Refused before anything was changed: a file that is not postwrap's is in the "
    "way, say, or there is no such instance.",
    Status.FAILED: "Failed on the way. What had been changed was put back, or the same command, "
    "given again, finishes it.",
}
"""What each exit status means, for DIAGNOSTICS."""


@dataclass(frozen=True, slots=True)
class Row:
    """One command on the page of an instance: its wrapper, the real one, the same in plain shell.

    ``section`` is that of the real command's manual, and so of the wrapper's.
    """

    name: str
    real: str
    section: int
    summary: str
    plain: str


def inet_services(master_cf: str) -> tuple[str, ...]:
    """Return the names of the services of type inet in the text of a master.cf (master(5)).

    A line that begins with white space continues the one before it; # begins a comment.
    """
    entries = (line.split() for line in master_cf.splitlines() if line[:1] not in {" ", "\t", "#"})
    return tuple(fields[0] for fields in entries if fields[1:2] == ["inet"])


def manpages(
    instance: Instance,
    targets: Sequence[Target],
    layout: Layout,
    services: Sequence[str] = (),
    unit: str = "",
) -> Iterator[Artifact]:
    """Yield the page of ``instance`` and the links to it.

    ``services`` are its inet services; ``unit`` is the systemd unit that starts it, "" for none.
    """
    rows = [_row(instance, target) for target in targets]
    if not rows:
        return
    first = rows[0]
    parameters = {key: _printable(value) for key, value in instance.parameters.items()}
    yield Artifact(
        path=_page_path(first, layout),
        content=render(
            "man/instance.1.j2",
            instance=instance,
            directory=_printable(instance.directory),
            parameters=parameters,
            services=[_printable(service) for service in services],
            unit=unit,
            rows=rows,
            first=first,
            commands=_command_directories(targets, layout),
            remake=layout.remake(instance.name),
        ),
        instance=instance.directory,
    )
    for row in rows[1:]:
        page = f"{first.name}.{first.section}"
        target = page if row.section == first.section else f"../man{first.section}/{page}"
        yield Artifact(path=_page_path(row, layout), target=target, instance=instance.directory)


def shared_manpages(layout: Layout, codes: Iterable[tuple[str, str]] = ()) -> Iterator[Artifact]:
    """Yield postwrap(8) and postwrap.toml(5); ``codes`` are those of check, with a line each."""
    verbs = [(verb, _synopsis(verb), list(_described(verb.usage))) for verb in VERBS]
    yield Artifact(
        path=f"{layout.man}/man8/postwrap.8",
        content=render(
            "man/postwrap.8.j2",
            layout=layout,
            verbs=verbs,
            statuses=[(status.value, text) for status, text in STATUSES.items()],
            codes=list(codes),
            roles=ROLES.items(),
            formats=FORMATS.items(),
        ),
    )
    yield Artifact(
        path=f"{layout.man}/man5/postwrap.toml.5",
        content=render("man/postwrap.toml.5.j2", layout=layout),
    )


def _row(instance: Instance, target: Target) -> Row:
    command = find(target.name)
    words = (f"MAIL_CONFIG={sh(instance.directory)}", *map(sh, target.argv))
    return Row(
        name=target.name + instance.suffix,
        real=target.name,
        section=command.section if command else 1,
        summary=command.summary if command else f"run {target.name}, which mails by this instance",
        plain=_printable(" ".join(words)),
    )


def _page_path(row: Row, layout: Layout) -> str:
    return f"{layout.man}/man{row.section}/{row.name}.{row.section}"


def _command_directories(targets: Iterable[Target], layout: Layout) -> list[str]:
    return sorted({layout.command_directory(target.path) for target in targets})


def _synopsis(verb: Verb) -> str:
    """Return a verb as a synopsis has it."""
    values = (value for rule in verb.usage.operands for value in rule.values)
    return " ".join(("postwrap", verb.name, "[option]...", *(v.name for v in values if v.name)))


def _described(usage: Usage) -> Iterator[tuple[str, str]]:
    """Yield each option as it is typed, ``--prefix DIR``, and what it does.

    Two flags that do the same stand together; --help is the same everywhere.
    """
    for summary, options in groupby(usage.options, key=lambda option: option.summary):
        flags = [_typed(option) for option in options]
        if "--help" not in flags:
            yield ", ".join(flags), summary


def _typed(option: Option) -> str:
    return f"{option.flag} {option.value.name}" if option.value else option.flag


def _printable(text: str) -> str:
    """Return ``text`` without what would end a line of roff or harm a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)
