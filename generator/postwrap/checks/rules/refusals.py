"""What Postfix itself says: what it refuses, who died, and who is down."""

from __future__ import annotations

import re
from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.checks.rules.inside import cache_shared, socket_missing
from postwrap.checks.rules.queues import sharing
from postwrap.checks.rules.servers import server_unheard
from postwrap.host.model import InstanceConfig

theme = Theme("refusals")

_WRAPPER = "multi_instance_wrapper"
_SOUND = "${command_directory}/postmulti -p --"
_SCRIPT = re.compile(r"(?P<directory>/\S+)/postfix-script: ")
_LIBRARIES = re.compile(r"shared-library directory (?P<directory>/[^\s!]+)")
_CONFLICT = re.compile(r"^instance (?P<instance>/[^\s,]+), .* conflicts with ")
_PROGRAMS = ("daemon_directory", "shlib_directory", "command_directory", "meta_directory")


@theme.rule(
    "postfix-refuses",
    Severity.ERROR,
    "postfix(1) refuses the instance: it can be neither started nor stopped",
    "postfix(1), postmulti(1)",
)
def postfix_refuses(picture: Picture) -> Iterator[Hit]:
    """Yield what ``postfix status`` or ``postmulti -l`` refuses, in their own words."""
    conflict = _CONFLICT.search(picture.host.refusal)
    for instance in picture.host.readable:
        words = instance.refusal
        # A queue directory that is missing is told by queue-parts-missing.
        if words.startswith("chdir("):
            continue
        if not words and conflict and conflict["instance"] == instance.directory:
            is_of_programs = any(f"{name}=" in picture.host.refusal for name in _PROGRAMS)
            words = picture.host.refusal if is_of_programs else ""
        if words:
            message = f"postfix(1) refuses it: {words}"
            yield Hit(instance.directory, message, _mend(instance, words))


def _mend(instance: InstanceConfig, words: str) -> str:
    """Return the command that takes out the setting that ``words`` are about."""
    found = _SCRIPT.search(words) or _LIBRARIES.search(words)
    wrong = [
        name
        for name in _PROGRAMS
        if name in instance.settings
        and (f"{name}=" in words or (found and instance.get(name) == found["directory"]))
    ]
    return remedies.drop(instance, wrong) if wrong else remedies.tool(instance, "postfix", "check")


@theme.rule(
    "wrapper-refused",
    Severity.ERROR,
    "multi_instance_wrapper is not a command that takes start and stop: postfix(1) does nothing",
    "postmulti(1): postmulti -e init; postfix-wrapper(5)",
)
def wrapper_refused(picture: Picture) -> Iterator[Hit]:
    """Yield the default instance where the wrapper is postmulti without its option -p."""
    default = picture.host.default
    words = default.words(_WRAPPER) if default else []
    if default and words and words[0].endswith("/postmulti") and "-p" not in words[1:]:
        message = (
            f"{_WRAPPER} = {default.get(_WRAPPER)}: postmulti wants -p -- before start and stop, "
            "so postfix(1) starts and stops nothing"
        )
        yield Hit(default.directory, message, remedies.edit(default, **{_WRAPPER: _SOUND}))


@theme.rule(
    "not-running",
    Severity.ERROR,
    "the instance is down, though it is enabled",
    "postfix(1), postmulti(1); systemd.unit(5)",
)
def not_running(picture: Picture) -> Iterator[Hit]:
    """Yield instances that the boot starts, or postfix start beside the default one, and are not.

    What cannot start is told by the rule that says why.
    """
    default = picture.host.default
    cannot = {other.directory for other in sharing(picture)}
    known = default.words("multi_instance_directories") if default else []
    for instance in picture.host.readable:
        if instance.running is not False or instance.refusal or instance.directory in cannot:
            continue
        # A default instance that takes no mail is idle where others serve.
        if instance.is_default and not instance.listeners and _others_run(picture, instance):
            continue
        if picture.host.runs_systemd:
            is_enabled = picture.host.starts_at_boot(instance)
        else:
            is_known = instance.directory in known and default and default.running
            is_enabled = bool(is_known and instance.get("multi_instance_enable") == "yes")
        if is_enabled and not _is_in_the_way(picture, instance):
            message = "is enabled, and does not run: it takes no mail and passes none on"
            yield Hit(instance.directory, message, remedies.start(picture, instance))


def _others_run(picture: Picture, instance: InstanceConfig) -> bool:
    return any(i.running for i in picture.host.readable if i is not instance)


def _is_in_the_way(picture: Picture, instance: InstanceConfig) -> bool:
    """Whether ``instance``, started, would take connections of another one."""
    return any(
        mine.endpoint.overlaps(other.endpoint)
        for mine in instance.listeners
        for i in picture.host.readable
        if i is not instance
        for other in i.listeners
    )


@theme.rule(
    "master-blocked",
    Severity.ERROR,
    "master(8) waits to write to a log that nobody reads: it starts no program any more",
    "postlogd(8); postconf(5) maillog_file; unix(7)",
)
def master_blocked(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose master(8) can start nothing, postlogd(8) included.

    With maillog_file set it writes to the socket of postlogd(8), which it starts itself. When that
    one could not start for a while, say for a setting, ten lines fill the socket.
    """
    for instance in picture.host.readable:
        if instance.is_blocked:
            message = "master(8) waits for postlogd(8), which it cannot start: mail stands still"
            yield Hit(instance.directory, message, remedies.restart(picture, instance))


_TELL_WHY = (master_blocked, socket_missing, cache_shared, server_unheard)
"""The rules that say why a program dies."""


@theme.rule(
    "dies",
    Severity.ERROR,
    "a program of the instance dies: fatal or panic in its log",
    "postfix(1), troubleshooting; DEBUG_README",
)
def dies(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose log tells of programs that died since they were started or changed."""
    told = {h.directory for rule in _TELL_WHY for h in rule(picture)}
    for instance in picture.host.readable:
        lines = picture.fatal.get(instance.directory, ())
        if lines and instance.directory not in told:
            message = f"{lines[-1]} (in its log {len(lines)} times since it was started or changed)"
            yield Hit(instance.directory, message, remedies.restart(picture, instance))
