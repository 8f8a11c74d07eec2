"""The log tells the instances apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import count

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.model import InstanceConfig
from postwrap.host.naming import own_maillog

theme = Theme("logs")

_NAME = "syslog_name"
_MAILLOG = "maillog_file"


@theme.rule(
    "syslog-name-shared",
    Severity.WARNING,
    "two instances have one syslog_name: the log does not tell them apart",
    "postconf(5) syslog_name",
)
def syslog_name_shared(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose log lines look like those of an earlier one."""
    first: dict[str, str] = {}
    for instance in picture.host.readable:
        name = instance.get(_NAME)
        owner = first.setdefault(name, instance.directory)
        if owner != instance.directory:
            message = f"its {_NAME} {name} is that of {owner}: the log does not tell them apart"
            taken = {i.get(_NAME) for i in picture.host.readable}
            own = next(n for n in _names(instance.instance.suffix) if n not in taken)
            remedy = remedies.both(
                remedies.edit(instance, syslog_name=own),
                _rename(instance, dict(_fixed(instance, own, {name}))),
                remedies.reload(instance),
            )
            yield Hit(instance.directory, message, remedy)


def _fixed(
    instance: InstanceConfig, own: str, others: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield the services whose syslog_name begins as ``others``, and what it is to be."""
    for service in instance.enabled_services:
        name, slash, rest = service.options.get(_NAME, own).partition("/")
        if name != own and name in others:
            yield service.key, f"{own}{slash}{rest}"


def _rename(instance: InstanceConfig, names: Mapping[str, str]) -> str:
    """Return the command that gives services of master.cf their syslog_name, "" for none."""
    pairs = [f"{key}/{_NAME}={value}" for key, value in names.items()]
    return remedies.tool(instance, "postconf", "-P", *pairs) if pairs else ""


def _names(suffix: str) -> Iterator[str]:
    yield f"postfix{suffix}"
    yield from (f"postfix{suffix}-{number}" for number in count(2))


@theme.rule(
    "maillog-shared",
    Severity.WARNING,
    "two instances write one maillog_file, and lines are lost when one of them rotates it",
    "postconf(5) maillog_file; postfix(1) logrotate; postlogd(8)",
)
def maillog_shared(picture: Picture) -> Iterator[Hit]:
    """Yield instances whose postlogd(8) goes on to write a file that another one has rotated."""
    first: dict[str, InstanceConfig] = {}
    for instance in picture.host.readable:
        path = instance.get(_MAILLOG)
        owner = first.setdefault(path, instance)
        if owner is instance or path not in picture.host.rotated:
            continue
        own = own_maillog(path, instance.instance.suffix)
        message = (
            f"its {_MAILLOG} {path} is that of {owner.directory}, which rotates it by postfix "
            f"logrotate: what this instance logs then is lost"
        )
        if not _acts_for(picture, instance):
            rotate = remedies.tool(instance, "postfix", "logrotate")
            message += f". Rotate its own file by {rotate}"
        command = remedies.edit(instance, maillog_file=own)
        remedy = remedies.both(command, remedies.reload(instance))
        yield Hit(instance.directory, message, remedy)


def _acts_for(picture: Picture, instance: InstanceConfig) -> bool:
    """Whether postfix(1) of the default instance acts for ``instance`` too: postmulti(1)."""
    default = picture.host.default
    known = default.words("multi_instance_directories") if default else []
    return instance.directory in known and bool(default and default.get("multi_instance_wrapper"))


@theme.rule(
    "syslog-name-fixed",
    Severity.WARNING,
    "a service of master.cf logs under another instance's name",
    "master(5) -o syslog_name; Debian's relay and submission services",
)
def syslog_name_fixed(picture: Picture) -> Iterator[Hit]:
    """Yield services whose own syslog_name begins as another instance's does."""
    names = {i.get(_NAME) for i in picture.host.readable}
    for instance in picture.host.readable:
        own = instance.get(_NAME)
        wrong = dict(_fixed(instance, own, names))
        if wrong and own:
            message = (
                f"{', '.join(wrong)} of master.cf logs under another instance's name, not as {own}"
            )
            remedy = remedies.both(_rename(instance, wrong), remedies.reload(instance))
            yield Hit(instance.directory, message, remedy)
