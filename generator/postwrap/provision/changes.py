"""From changed settings to the steps that make them so. Pure.

The parameters of one main.cf come together in one step, for Postfix's programs wait until a
main.cf is two seconds old before they trust it to be whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from postwrap.provision.desired import (
    FILES,
    SettingKind,
    Value,
    parameter,
    with_word,
    without_word,
)
from postwrap.provision.engine.steps import (
    NO_SUCH_COMMAND,
    Operation,
    Restore,
    Run,
    Step,
    Write,
    run,
    set_parameters,
)
from postwrap.provision.plan import SettingChange
from postwrap.provision.site import ProvisionSite

_NM_UNKNOWN = 10
"""nmcli(1): there is no such connection, so the address went with it."""


def main_cf(
    title: str,
    changes: Iterable[SettingChange],
    site: ProvisionSite,
    refresh: Run | None = None,
    *,
    at_once: bool = False,
) -> Iterator[Step]:
    """Yield the step that changes parameters of one main.cf, none where there is no change.

    ``refresh`` lets the instance see that it is undone and, ``at_once``, that it is done.
    """
    edits = [_edit(change, site) for change in changes]
    if not edits:
        return
    edit = set_parameters(edits[0].directory, {e.parameter: e.written for e in edits})
    if refresh and at_once:
        edit = Run((*edit.commands, *refresh.commands))
    # What comes back does so in the order in which it was there.
    gone = [edit for edit in reversed(edits) if edit.before is None]
    undo: tuple[Operation, ...] = (*gone, *(edit for edit in edits if edit.before is not None))
    yield Step(title, edit, (*undo, refresh) if refresh else undo)


def _edit(change: SettingChange, site: ProvisionSite) -> Restore:
    """Return what undoes ``change``; its ``written`` is what main.cf is to state."""
    key = change.key
    if key.kind is SettingKind.PARAMETER:
        return Restore(key.place, key.name, change.value, change.before)
    listed, _, word = key.name.partition(" ")
    text = site.actual([parameter(key.place, listed)])[parameter(key.place, listed)]
    edited = (with_word if change.value else without_word)(listed, text or "", word)
    return Restore(key.place, listed, edited, text, word if change.value else "")


def other(change: SettingChange) -> Iterator[Step]:
    """Yield the steps that change what is not in a main.cf."""
    key, before, value = change.key, change.before, change.value
    if before is not None and value is not None and key.kind is not SettingKind.SERVICE:
        yield from other(SettingChange(key, None, before))
        before = None
    at = SettingChange(key, value, before)
    yield Step(_title(at), _operation(at), (_operation(SettingChange(key, before, value)),))


def _title(change: SettingChange) -> str:
    key = change.key
    after = "after a boot" if change.value else "no more after a boot"
    match key.kind:
        case SettingKind.SERVICE:
            verb = "add the service" if change.value else "remove the service"
            return f"{verb} {key.name.partition('/')[0]} in {key.place}/master.cf"
        case SettingKind.ADDRESS:
            return f"{'add' if change.value else 'remove'} the address {key.name}"
        case SettingKind.CONNECTION:
            return f"the same {after}: NetworkManager"
        case _:
            verb = "write" if change.value else "remove"
            return f"{verb} {key.place}"


def _operation(change: SettingChange) -> Operation:
    """Return what makes ``change`` so, whether or not it is so by then."""
    key, value = change.key, change.value
    if key.kind in FILES:
        return _file(key.place, value, is_drop_in=key.kind is SettingKind.DROP_IN)
    match key.kind:
        case SettingKind.SERVICE:
            postconf = ("postconf", "-c", key.place)
            return (
                run(*postconf, "-M", f"{key.name}={value}")
                if value
                else run(*postconf, "-MX", key.name)
            )
        case SettingKind.ADDRESS:
            return _address(key.place, key.name, is_there=value is not None)
        case _:
            return _connection(key.place, key.name, is_there=value is not None)


def _file(path: str, content: Value, *, is_drop_in: bool) -> Operation:
    if content is not None:
        return Write(path, content, is_drop_in)
    if not is_drop_in:
        return run("rm", "-f", path)
    # 1: others have something in there, or it is gone.
    return Run((("rm", "-f", path), ("rmdir", str(PurePosixPath(path).parent))), accept=(0, 1))


def _address(device: str, width: str, *, is_there: bool) -> Run:
    if not is_there:
        # 1: there is no such device any more; 2: no such address.
        return run("ip", "address", "del", width, "dev", device, accept=(0, 1, 2))
    # The kernel prefers the newest IPv6 address to send from. That is not ours to change:
    # a deprecated one is only used by who asks for it.
    last = ("preferred_lft", "0") if ":" in width else ()
    return run("ip", "address", "add", width, "dev", device, *last)


def _connection(connection: str, name: str, *, is_there: bool) -> Run:
    listed, _, width = name.partition(" ")
    modify = ("nmcli", "connection", "modify", connection)
    if is_there:
        return run(*modify, f"+{listed}", width)
    return run(*modify, f"-{listed}", width, accept=(0, _NM_UNKNOWN, NO_SUCH_COMMAND))
