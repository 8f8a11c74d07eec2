"""The verb which."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import Annotated

from postwrap.assemble import Assembly, assemble
from postwrap.bundle import Artifact
from postwrap.catalog.usage import Kind
from postwrap.cli import output
from postwrap.cli.declare import Metavar, operand, verb
from postwrap.cli.documents import WhichDocument
from postwrap.cli.options import Json, TreeOptions
from postwrap.errors import RefusedError
from postwrap.host.naming import suffix_of
from postwrap.install.state import installed
from postwrap.installation import Installation
from postwrap.render.native import is_native
from postwrap.suggest import did_you_mean


@verb("which", examples=("postwrap which mailq-out",), document=WhichDocument)
def which(
    tree: TreeOptions,
    command: Annotated[str, operand(Metavar("COMMAND", Kind.WRAPPER), "Wrapper: mailq-out")],
    json: Json = False,
) -> None:
    """Show which instance and program a wrapper runs.

    Also shows the wrapper's file, and the shell line that does the same without it.
    """
    host = tree.host()
    assembly = assemble(host, commands_only=True)
    artifact = _wrapper(host, assembly, PurePosixPath(command).name)
    document = _document(host, assembly, artifact)
    if json:
        output.as_json(document)
    else:
        output.table([(key, str(value)) for key, value in document.items()])


def _wrapper(host: Installation, assembly: Assembly, name: str) -> Artifact:
    wrappers = {PurePosixPath(a.path).name: a for a in assembly.bundle if a.command}
    if name in wrappers:
        return wrappers[name]
    for problem in host.discovery.problems:
        if problem.subject in host.discovery.refused and name.endswith(suffix_of(problem.subject)):
            raise RefusedError(f"{name}: {problem.subject} {problem.message}", problem.hint)
    hint = did_you_mean(name, wrappers, "postwrap list shows the instances")
    raise RefusedError(f"{name}: no instance has a command of this name", hint)


def _document(host: Installation, assembly: Assembly, artifact: Artifact) -> WhichDocument:
    target = next(t for t in host.targets[0] if t.name == artifact.command)
    instance = next(i for i in assembly.instances if i.directory == artifact.instance)
    is_program = is_native(artifact.content)
    return {
        "command": PurePosixPath(artifact.path).name,
        "instance": instance.name,
        "directory": instance.directory,
        "runs": shlex.join(target.argv),
        "file": artifact.path,
        "kind": f"native program for {host.machine}" if is_program else "shell script",
        "state": str(installed([artifact], host.destination.entry, host.manifest.brought)),
        "means": shlex.join((f"MAIL_CONFIG={instance.directory}", *target.argv)),
    }
