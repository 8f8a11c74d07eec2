"""Postwrap's records follow an instance that gets other names."""

from __future__ import annotations

from postwrap.filesystem import Filesystem
from postwrap.provision.engine.journal import ProvisionJournal, RecordState, finished
from postwrap.provision.engine.steps import Records
from postwrap.provision.renamed import NewNames


def follow(filesystem: Filesystem, operation: Records) -> None:
    """Write the records anew under the new names; once more, or half done before, does no harm.

    The record of the instance itself is its journal meanwhile, and stays where it is: a second one
    has what it wants under the new names.
    """
    journal = ProvisionJournal(filesystem)
    names = NewNames.of(operation.paths)
    own = names.old if not operation.back else names.new
    for directory in list(journal.directories()):
        record = journal.known(directory)
        if not record or directory == own or record.state is not RecordState.MADE:
            continue
        if operation.back and directory == names.old:
            journal.remove(record)
        elif (renamed := names.record(record)) != record:
            journal.write(renamed)
    mine = journal.known(own)
    if not operation.back and mine and (mine.existed or mine.state is RecordState.MADE):
        made = names.record(mine)
        journal.write(finished(made, made.claims))


def settle(filesystem: Filesystem, paths: tuple[tuple[str, str], ...]) -> None:
    """Let the records follow an instance that was renamed by hand; its old one goes."""
    follow(filesystem, Records(paths))
    journal = ProvisionJournal(filesystem)
    old, new = paths[0]
    record = journal.known(old)
    if record and record.state is RecordState.MADE and journal.known(new):
        journal.remove(record)
