"""Queue and data directories: each instance has its own, and they are whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from postwrap.checks import remedies
from postwrap.checks.facts import Copy, Facts, InstanceFacts
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.status import Installed

theme = Theme("queues")

PARTS = (
    *("active", "bounce", "corrupt", "defer", "deferred", "incoming", "maildrop", "pid"),
    *("private", "public", "saved"),
)
"""What a queue directory must hold; Postfix makes hold, trace and flush when it needs them."""


@theme.rule(
    "shared-queue-directory",
    Severity.ERROR,
    "two instances have one queue_directory",
    "postconf(5) queue_directory; MULTI_INSTANCE_README",
)
def shared_queue_directory(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose queue directory is that of an earlier one."""
    for first, second in _sharing(facts, "queue_directory"):
        path = second.get("queue_directory")
        own = _own(facts, second, "queue_directory")
        commands = (
            remedies.edit(second, queue_directory=own),
            f"mkdir -p {remedies.quoted(own)}",
            remedies.tool(second, "postfix", "check"),
            remedies.fill_jail(facts, second, own) if second.jail else "",
        )
        message = f"its queue_directory {path} is that of {first.directory}"
        yield Hit(second.directory, message, remedies.both(*commands))


@theme.rule(
    "shared-data-directory",
    Severity.ERROR,
    "two instances have one data_directory: the second refuses to start",
    "postconf(5) data_directory",
)
def shared_data_directory(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose data directory is that of an earlier one."""
    for first, second in _sharing(facts, "data_directory"):
        path = second.get("data_directory")
        own = _own(facts, second, "data_directory")
        owner = remedies.quoted(second.get("mail_owner") or "postfix")
        commands = (
            f"install -d -o {owner} -m 700 {remedies.quoted(own)}",
            remedies.edit(second, data_directory=own),
        )
        message = (
            f"its data_directory {path} is that of {first.directory}: "
            "only one of the two can run (master.lock)"
        )
        yield Hit(second.directory, message, remedies.both(*commands))


@theme.rule(
    "copy",
    Severity.NOTE,
    "a copy of an instance's configuration lies where instances are",
    "postwrap(8): names of instances",
)
def copy(facts: Facts) -> Iterator[Hit]:
    """Yield copies, which are taken for instances and get commands for somebody else's queue."""
    for instance in facts.copies:
        directory, last = instance.directory, instance.instance.service_name
        message = (
            "it is registered nowhere and has the queue and data directories of another instance: "
            "a copy, it seems, whose commands would be for the other's queue"
        )
        is_installed = instance.commands is not Installed.MISSING
        remedy = remedies.both(
            "mkdir -p /var/backups",
            remedies.words("mv", directory, f"/var/backups/{last}"),
            remedies.install(facts) if is_installed else "",
        )
        yield Hit(directory, message, remedy)


def copies_among(
    instances: Sequence[InstanceFacts], registered: Sequence[str]
) -> Iterator[InstanceFacts]:
    """Yield those of ``instances`` that are mere copies: unregistered, all shared, not running."""
    for instance in instances:
        others = [i for i in instances if i is not instance and not i.error]
        is_shared = all(
            instance.get(name) and instance.get(name) in {i.get(name) for i in others}
            for name in ("queue_directory", "data_directory")
        )
        is_own = instance.instance.is_default or instance.directory in registered
        if is_shared and not is_own and not instance.running:
            yield instance


def sharing(facts: Facts) -> list[InstanceFacts]:
    """Return the instances that have a directory of another one, and so cannot start."""
    names = ("queue_directory", "data_directory")
    return [second for name in names for _, second in _sharing(facts, name)]


def _sharing(facts: Facts, parameter: str) -> Iterator[tuple[InstanceFacts, InstanceFacts]]:
    """Yield pairs of instances whose directories are one, by name or by what is there."""
    first: dict[object, InstanceFacts] = {}
    for instance in facts.readable:
        path = instance.get(parameter)
        status = instance.files.get(path)
        keys = [path, *([status.identity] if status else [])]
        owner = next((first[key] for key in keys if key in first), None)
        if owner and path:
            yield owner, instance
        for key in keys:
            first.setdefault(key, instance)


def _own(facts: Facts, instance: InstanceFacts, parameter: str) -> str:
    """Return a directory for ``instance`` beside the default one's: /var/spool/postfix-out."""
    beside = facts.default or instance
    taken = {i.get(parameter) for i in facts.readable}
    base = f"{beside.get(parameter)}{instance.instance.suffix}"
    names = (base if not n else f"{base}-{n}" for n in range(len(taken) + 1))
    return next(name for name in names if name not in taken)


@theme.rule(
    "queue-parts-missing",
    Severity.ERROR,
    "the queue directory or a part of it is missing",
    "postdrop(1): it waits for maildrop for ever",
)
def queue_parts_missing(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose queue directory is not whole."""
    for instance in facts.readable:
        missing = missing_parts(instance)
        if not missing:
            continue
        queue = instance.get("queue_directory")
        in_the_way = [p for p in missing if p in instance.files]
        if in_the_way:
            message = f"{', '.join(in_the_way)} is no directory: submission fails"
        elif queue in missing:
            message = f"its queue_directory {queue} is missing: submission fails with status 75"
        else:
            hang = " (submission hangs)" if f"{queue}/maildrop" in missing else ""
            message = f"{', '.join(missing)} missing{hang}"
        is_jail_poor = Copy.MISSING in instance.jail.values()
        commands = (
            *(remedies.words("mv", path, f"{path}.no-directory") for path in in_the_way),
            remedies.words("mkdir", "-p", queue) if queue in missing else "",
            remedies.tool(instance, "postfix", "check"),
            remedies.fill_jail(facts, instance) if is_jail_poor else "",
        )
        yield Hit(instance.directory, message, remedies.both(*commands))


def missing_parts(instance: InstanceFacts) -> list[str]:
    """Return the paths that a queue directory must have and this one has not, as far as seen."""
    queue = instance.get("queue_directory")
    paths = [queue, *(f"{queue}/{part}" for part in PARTS)]
    there = {p for p, status in instance.files.items() if status.is_directory}
    missing = [p for p in paths if p not in there and p not in instance.unseen]
    return [queue] if queue in missing else missing
