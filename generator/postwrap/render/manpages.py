"""Man pages: one for each instance, under the names of all its commands, and postwrap's own.

The page of an instance is that of its first command; the other commands' pages are links to it,
for man(1), and its NAME section lists them all, for whatis(1) and apropos(1).
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from postwrap.bundle import Artifact
from postwrap.catalog import find
from postwrap.catalog.program import DocumentKey, Program, Verb, described
from postwrap.errors import Status
from postwrap.host.naming import Instance
from postwrap.layout import Layout, shared_pages
from postwrap.render import render
from postwrap.render.quoting import sh
from postwrap.render.wrappers import Target

STATUSES: dict[Status, str] = {
    Status.OK: "Done, or there was nothing to do, or nothing was found.",
    Status.FOUND: "Something was found, something differs, or an instance was skipped and the "
    "others were processed. Details are on standard error or in the report.",
    Status.USAGE: "The command line or the settings file is wrong.",
    Status.REFUSED: "Refused, and nothing was changed: for example, a foreign file is in the way, "
    "or there is no such instance.",
    Status.FAILED: "Failed, and changes were undone; or the same command, run again, completes "
    "them.",
}
"""The meaning of each exit status, for DIAGNOSTICS."""


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
    *,
    is_native: bool = False,
) -> Iterator[Artifact]:
    """Yield the page of ``instance`` and the links to it.

    ``services`` are its inet services; ``unit`` is the systemd unit that starts it, "" for none;
    ``is_native``: the wrappers are programs.
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
            is_native=is_native,
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


def packed(pages: Iterable[Artifact]) -> Iterator[Artifact]:
    """Yield ``pages`` compressed, as packages have them; the same bytes each time."""
    for page in pages:
        target = None if page.target is None else f"{page.target}.gz"
        content = gzip.compress(page.content, mtime=0) if target is None else b""
        yield replace(page, path=f"{page.path}.gz", content=content, target=target)


def shared_manpages(
    layout: Layout, program: Program, codes: Iterable[tuple[str, str]] = ()
) -> Iterator[Artifact]:
    """Yield postwrap(8) and postwrap.toml(5).

    ``program`` is postwrap's command line; ``codes`` are those of check, with a line each.
    """
    program_page, settings_page = shared_pages(layout)
    yield Artifact(
        path=program_page,
        content=render(
            "man/postwrap.8.j2",
            layout=layout,
            remake=layout.remake(),
            program=program,
            options={verb.name: _options(verb) for verb in program.verbs},
            statuses=[(status.value, text) for status, text in STATUSES.items()],
            codes=list(codes),
            words=dict(words for verb in program.verbs for words in verb.words),
            documents=_documents(program),
        ),
    )
    yield Artifact(
        path=settings_page,
        content=render("man/postwrap.toml.5.j2", remake=layout.remake()),
    )


def _row(instance: Instance, target: Target) -> Row:
    command = find(target.name)
    words = (f"MAIL_CONFIG={sh(instance.directory)}", *map(sh, target.argv))
    return Row(
        name=target.name + instance.suffix,
        real=target.name,
        section=command.section if command else 1,
        summary=command.summary if command else f"run {target.name} with this instance",
        plain=_printable(" ".join(words)),
    )


def _page_path(row: Row, layout: Layout) -> str:
    return f"{layout.man}/man{row.section}/{row.name}.{row.section}"


def _command_directories(targets: Iterable[Target], layout: Layout) -> list[str]:
    return sorted({layout.command_directory(target.path) for target in targets})


def _options(verb: Verb) -> tuple[tuple[str, str], ...]:
    """Return the options of ``verb`` but --help, which is the same everywhere."""
    return tuple(row for row in described(verb.usage) if "--help" not in row[0])


def _documents(program: Program) -> list[tuple[str, tuple[DocumentKey, ...]]]:
    """Return the keys of each JSON document, with the verbs that print it."""
    verbs: dict[tuple[DocumentKey, ...], list[str]] = {}
    for verb in program.verbs:
        if verb.document:
            verbs.setdefault(verb.document, []).append(verb.name)
    return [(", ".join(names), document) for document, names in verbs.items()]


def _printable(text: str) -> str:
    """Return ``text`` without what would end a line of roff or harm a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "?" for c in text)
