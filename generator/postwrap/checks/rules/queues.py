"""Queue and data directories: each instance has its own, and they are whole."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import QUEUE_PARTS, InstanceConfig, JailFile
from postwrap.install.state import Installed

theme = Theme("queues")


@theme.rule(
    "shared-queue-directory",
    Severity.ERROR,
    "two instances have one queue_directory",
    "postconf(5) queue_directory; MULTI_INSTANCE_README",
)
def shared_queue_directory(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose queue directory is that of another one, which keeps it.

    Where a master(8) still works in the directory that main.cf named before, its mail is there.
    """
    for keeper, other in _sharing(picture, "queue_directory"):
        message = f"its queue_directory {other.queue_directory} is that of {keeper.directory}"
        if stray := _way_back(picture, other):
            message += f", and its master(8) works in {stray}"
            remedy = remedies.edit(other, queue_directory=stray)
        else:
            remedy = _own_queue(picture, other)
        yield Hit(other.directory, message, remedy)


def _way_back(picture: Picture, instance: InstanceConfig) -> str:
    """Return the queue directory that the master(8) of ``instance`` works in, "" for none."""
    stray = picture.host.stray_master(instance)
    return stray.queue_directory if stray and not stray.is_orphaned else ""


def _own_queue(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command that gives ``instance`` a queue of its own.

    One that runs is stopped before and started after.
    """
    own = _own(picture, instance, "queue_directory")
    return remedies.both(
        remedies.tool(instance, "postfix", "stop") if instance.running else "",
        remedies.edit(instance, queue_directory=own),
        f"mkdir -p {remedies.quoted(own)}",
        remedies.tool(instance, "postfix", "check"),
        remedies.fill_jail(picture, instance, own) if instance.jail else "",
        remedies.tool(instance, "postfix", "start") if instance.running else "",
    )


@theme.rule(
    "shared-data-directory",
    Severity.ERROR,
    "two instances have one data_directory: the second refuses to start",
    "postconf(5) data_directory",
)
def shared_data_directory(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose data directory is that of another one, which keeps it."""
    for keeper, other in _sharing(picture, "data_directory"):
        message = (
            f"its data_directory {other.data_directory} is that of {keeper.directory}: "
            "only one of the two can run (master.lock)"
        )
        master = other.master or picture.host.stray_master(other)
        used = master.data_directory if master else ""
        if used and used != other.data_directory and used not in _named(picture, other):
            remedy = remedies.edit(other, data_directory=used)
        else:
            remedy = _own_data(picture, other)
        yield Hit(other.directory, message, remedy)


def _named(picture: Picture, instance: InstanceConfig) -> set[str]:
    """Return the data directories that others than ``instance`` name."""
    return {i.data_directory for i in picture.host.readable if i is not instance}


def _own_data(picture: Picture, instance: InstanceConfig) -> str:
    """Return the command that gives ``instance`` a data directory of its own."""
    own = _own(picture, instance, "data_directory")
    owner = remedies.quoted(instance.get("mail_owner") or "postfix")
    return remedies.both(
        remedies.tool(instance, "postfix", "stop") if instance.running else "",
        f"install -d -o {owner} -m 700 {remedies.quoted(own)}",
        remedies.edit(instance, data_directory=own),
        remedies.tool(instance, "postfix", "start") if instance.running else "",
    )


@theme.rule(
    "copy",
    Severity.NOTE,
    "a copy of an instance's configuration lies where instances are",
    "postwrap(8): names of instances",
)
def copy(picture: Picture) -> Iterator[Hit]:
    """Yield copies, which are taken for instances and get commands for somebody else's queue."""
    for instance in picture.host.copies:
        directory, last = instance.directory, instance.instance.service_name
        message = (
            "it is registered nowhere and has the queue and data directories of another instance: "
            "probably a copy, whose commands would act on the other instance's queue"
        )
        is_installed = picture.installed.of(instance.directory) is not Installed.MISSING
        remedy = remedies.both(
            "mkdir -p /var/backups",
            remedies.words("mv", directory, f"/var/backups/{last}"),
            remedies.install(picture) if is_installed else "",
        )
        yield Hit(directory, message, remedy)


def sharing(picture: Picture) -> list[InstanceConfig]:
    """Return the instances that have a directory of another one, and so cannot start."""
    names = ("queue_directory", "data_directory")
    return [second for name in names for _, second in _sharing(picture, name)]


def _sharing(picture: Picture, parameter: str) -> Iterator[tuple[InstanceConfig, InstanceConfig]]:
    """Yield pairs of instances whose directories are one, by name or by what is there.

    The first of a pair keeps the directory and the mail in it, the other one gets another.
    """
    first: dict[object, InstanceConfig] = {}
    for instance in picture.host.readable:
        path = instance.get(parameter)
        status = instance.files.get(path)
        keys = [path, *([status.identity] if status else [])]
        owner = next((first[key] for key in keys if key in first), None)
        if owner and path:
            yield (instance, owner) if _keeps(picture, instance, owner) else (owner, instance)
        for key in keys:
            first.setdefault(key, instance)


def _keeps(picture: Picture, later: InstanceConfig, earlier: InstanceConfig) -> bool:
    """Whether the later one keeps the directory: it alone runs, or only the boot starts it."""
    if later.running or earlier.running:
        return bool(later.running and not earlier.running)
    starts = picture.host.starts_at_boot
    return starts(later) and not starts(earlier)


def _own(picture: Picture, instance: InstanceConfig, parameter: str) -> str:
    """Return a directory for ``instance`` beside the default one's: /var/spool/postfix-out."""
    beside = picture.host.default or instance
    taken = {i.get(parameter) for i in picture.host.readable}
    base = f"{beside.get(parameter)}{instance.instance.suffix}"
    names = (base if not n else f"{base}-{n}" for n in range(len(taken) + 1))
    return next(name for name in names if name not in taken)


@theme.rule(
    "queue-parts-missing",
    Severity.ERROR,
    "the queue directory or a part of it is missing",
    "postdrop(1): it waits for maildrop for ever",
)
def queue_parts_missing(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose queue directory is not whole."""
    for instance in picture.host.readable:
        missing = missing_parts(instance)
        if not missing:
            continue
        queue = instance.get("queue_directory")
        in_the_way = [p for p in missing if p in instance.files]
        if in_the_way:
            message = f"{', '.join(in_the_way)} is not a directory: submission fails"
        elif queue in missing:
            message = f"its queue_directory {queue} is missing: submission fails with status 75"
        else:
            hang = " (submission hangs)" if f"{queue}/maildrop" in missing else ""
            message = f"{', '.join(missing)} missing{hang}"
        is_jail_poor = JailFile.MISSING in instance.jail.values()
        if stray := _way_back(picture, instance):
            message += f"; its master(8) works in {stray}"
            yield Hit(instance.directory, message, remedies.edit(instance, queue_directory=stray))
            continue
        commands = (
            *(remedies.words("mv", path, f"{path}.not-a-directory") for path in in_the_way),
            remedies.words("mkdir", "-p", queue) if queue in missing else "",
            remedies.tool(instance, "postfix", "check"),
            remedies.fill_jail(picture, instance) if is_jail_poor else "",
        )
        yield Hit(instance.directory, message, remedies.both(*commands))


def missing_parts(instance: InstanceConfig) -> list[str]:
    """Return the paths that a queue directory must have and this one has not, as far as seen."""
    queue = instance.get("queue_directory")
    paths = [queue, *(f"{queue}/{part}" for part in QUEUE_PARTS)]
    there = {p for p, status in instance.files.items() if status.is_directory}
    missing = [p for p in paths if p not in there and p not in instance.unseen]
    return [queue] if queue in missing else missing
