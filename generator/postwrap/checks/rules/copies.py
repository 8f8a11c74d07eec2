"""Messages that are in the queues of two instances, as after a copy of a queue directory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Choice, Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import CopiedMessage, InstanceConfig

theme = Theme("queues")

_Pair = tuple[InstanceConfig, InstanceConfig]
"""The instance that keeps the messages, and the one that has the copies."""


@theme.rule(
    "copied-queue",
    Severity.ERROR,
    "messages are in the queues of two instances, and each is sent twice",
    "postsuper(1) -h",
)
def copied_queue(picture: Picture) -> Iterator[Hit]:
    """Yield queues with copies that will be sent. The remedy deletes nothing: it puts on hold."""
    for (keeper, other), found in _pairs(picture).items():
        ids = [c.second_id for c in found if not (c.first_held or c.second_held)]
        if ids:
            message = (
                f"{_counted(len(ids))} in its queue {_is(ids)} also in that of {keeper}: "
                "each is sent twice"
            )
            receiver = picture.host.of(other)
            if receiver:
                yield Hit(other, message, _each(receiver, "-h", ids))


@theme.rule(
    "held-copy",
    Severity.WARNING,
    "messages on hold in one queue are also in the queue of another instance",
    "postsuper(1) -d, -H",
)
def held_copy(picture: Picture) -> Iterator[Hit]:
    """Yield queues with copies of which at least one is on hold, until one of the two is gone."""
    for (keeper, other), found in _pairs(picture).items():
        held = [c for c in found if c.first_held or c.second_held]
        one, two = picture.host.of(keeper), picture.host.of(other)
        if held and one and two:
            message = (
                f"{_counted(len(held))} in its queue {_is(held)} also in that of {keeper}, and on "
                "hold: one of the two copies is to go"
            )
            turned = [c.turned() for c in held]
            choices = (
                Choice(f"{keeper} is to send them", _keep((one, two), held)),
                Choice(f"{other} is to send them", _keep((two, one), turned)),
            )
            yield Hit(other, message, "", choices)


def _pairs(picture: Picture) -> dict[tuple[str, str], list[CopiedMessage]]:
    """Return the copies by the instances that have them, the one that keeps them first.

    Of the two the one that runs keeps them, for it may be sending them already.
    """
    found: dict[tuple[str, str], list[CopiedMessage]] = defaultdict(list)
    runs = {i.directory for i in picture.host.instances if i.running}
    for copied in sorted(picture.copied, key=lambda c: (c.first, c.second, c.first_id)):
        is_turned = copied.second in runs and copied.first not in runs
        copied = copied.turned() if is_turned else copied
        found[copied.first, copied.second].append(copied)
    return found


def _keep(pair: _Pair, copied: Iterable[CopiedMessage]) -> str:
    """Return the command that deletes the copies of the second instance, and releases the others.

    A copy goes only if the keeper's queue still has the same message.
    """
    keeper, other = pair
    listed = list(copied)
    words = " ".join(remedies.quoted(f"{c.first_id}:{c.second_id}") for c in listed)
    hold = _each(other, "-h", [c.second_id for c in listed])
    kept = remedies.tool(keeper, "postcat", "-bhq") + ' "${m%:*}"'
    copy = remedies.tool(other, "postcat", "-bhq") + ' "${m#*:}"'
    delete = remedies.tool(other, "postsuper", "-d") + ' "${m#*:}"'
    is_same = f'[ "$({kept} | cksum)" = "$({copy} | cksum)" ]'
    loop = f"for m in {words}; do {is_same} && {delete} || :; done"
    freed = [c.first_id for c in listed if c.first_held]
    release = _each(keeper, "-H", freed) if freed else ""
    return "; ".join(filter(None, (hold, loop, release)))


def _each(instance: InstanceConfig, option: str, ids: Iterable[str]) -> str:
    """Return the command of postsuper that does ``option`` with each of ``ids``.

    Without postlogd(8), postsuper fails when it logs to a maillog_file, after it has done one.
    """
    if instance.running is False and instance.get("maillog_file"):
        command = remedies.tool(instance, "postsuper", option)
        return f'for m in {remedies.words(*ids)}; do {command} "$m" || :; done'
    words = (word for queue_id in ids for word in (option, queue_id))
    return remedies.tool(instance, "postsuper", *words)


def _counted(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"


def _is(found: list[str] | list[CopiedMessage]) -> str:
    return "is" if len(found) == 1 else "are"
