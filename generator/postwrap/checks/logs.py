"""The log tells the instances apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from postwrap.checks import remedies
from postwrap.checks.facts import Facts
from postwrap.checks.model import Hit, Severity, Theme

theme = Theme("logs")

_NAME = "syslog_name"


@theme.rule(
    "syslog-name-shared",
    Severity.WARNING,
    "two instances have one syslog_name: the log does not tell them apart",
    "postconf(5) syslog_name",
)
def syslog_name_shared(facts: Facts) -> Iterator[Hit]:
    """Yield instances whose log lines look like those of an earlier one."""
    first: dict[str, str] = {}
    for instance in facts.readable:
        name = instance.get(_NAME)
        owner = first.setdefault(name, instance.directory)
        if owner != instance.directory:
            message = f"its {_NAME} {name} is that of {owner}: the log does not tell them apart"
            taken = {i.get(_NAME) for i in facts.readable}
            own = next(n for n in _names(instance.instance.suffix) if n not in taken)
            remedy = remedies.both(
                remedies.edit(instance, syslog_name=own), remedies.reload(instance)
            )
            yield Hit(instance.directory, message, remedy)


def _names(suffix: str) -> Iterator[str]:
    yield f"postfix{suffix}"
    yield from (f"postfix{suffix}-{number}" for number in count(2))


@theme.rule(
    "syslog-name-fixed",
    Severity.WARNING,
    "a service of master.cf logs under another instance's name",
    "master(5) -o syslog_name; Debian's relay and submission services",
)
def syslog_name_fixed(facts: Facts) -> Iterator[Hit]:
    """Yield services whose own syslog_name begins as another instance's does."""
    names = {i.get(_NAME) for i in facts.readable}
    for instance in facts.readable:
        own = instance.get(_NAME)
        wrong = {}
        for service in instance.services:
            name, slash, rest = service.options.get(_NAME, own).partition("/")
            if name != own and name in names:
                wrong[service.key] = f"{own}{slash}{rest}"
        if wrong and own:
            message = (
                f"{', '.join(wrong)} of master.cf logs under another instance's name, not as {own}"
            )
            pairs = [f"{key}/{_NAME}={value}" for key, value in wrong.items()]
            remedy = remedies.both(
                remedies.tool(instance, "postconf", "-P", *pairs), remedies.reload(instance)
            )
            yield Hit(instance.directory, message, remedy)
