"""What an instance uses in queue and data directories is its own, or is there for it."""

from __future__ import annotations

from collections.abc import Iterator

from postwrap.checks import remedies
from postwrap.checks.model import Hit, Severity, Theme
from postwrap.checks.picture import Picture
from postwrap.host.inside import (
    NEXT_HOPS,
    SASL,
    SASL_ON,
    NamedSocket,
    named_caches,
    named_sockets,
    replaced,
)
from postwrap.host.model import InstanceConfig

theme = Theme("inside")


@theme.rule(
    "socket-missing",
    Severity.ERROR,
    "a socket that smtpd, a milter or a next hop needs is in another instance's queue directory",
    "postconf(5) smtpd_sasl_path, smtpd_milters, check_policy_service; lmtp(8)",
)
def socket_missing(picture: Picture) -> Iterator[Hit]:
    """Yield sockets that secondaries name, that are not there, and that the default one has."""
    default = picture.host.default
    for instance in picture.host.readable if default else ():
        done = set()
        for named in named_sockets(instance) if not instance.is_default else ():
            assert default
            there = named.path_in(default.queue_directory)
            known = {named.path, there} & {*instance.unseen, *default.unseen}
            is_there = named.path in instance.files or there not in instance.files
            place = (named.parameter, named.override, named.text)
            if is_there or known or place in done:
                continue
            done.add(place)
            message = (
                f"{named.parameter} = {_value(instance, named)}: {named.service.key} looks for "
                f"{named.path}, which is not there; {there} is"
            )
            commands = _mend(instance, named, there)
            yield Hit(
                instance.directory, message, remedies.both(commands, remedies.reload(instance))
            )


def _value(instance: InstanceConfig, named: NamedSocket) -> str:
    return instance.value(named.service, named.parameter)


def _mend(instance: InstanceConfig, named: NamedSocket, there: str) -> str:
    """Return the command that leads to ``there``, or does without where a chroot is in between."""
    value = _value(instance, named)
    sharing = [n.service for n in named_sockets(instance) if n.parameter == named.parameter]
    if not any(service.chroot for service in sharing):
        spelt = replaced(value, named.text, there)
        return remedies.override(instance, named.override, named.parameter, spelt)
    if named.parameter in NEXT_HOPS:
        unjailed = remedies.tool(instance, "postconf", "-F", f"{named.service.key}/chroot=n")
        return remedies.both(
            unjailed,
            remedies.edit(instance, **{named.parameter: replaced(value, named.text, there)}),
        )
    if named.parameter == SASL:
        override = named.service.key if SASL_ON in named.service.options else ""
        return remedies.override(instance, override, SASL_ON, "no")
    rest = replaced(value, named.text, "")
    return remedies.override(instance, named.override, named.parameter, rest)


@theme.rule(
    "cache-shared",
    Severity.ERROR,
    "a cache is the file of another instance: the process that comes second dies or waits",
    "postscreen(8); postconf(5) postscreen_cache_map, address_verify_map",
)
def cache_shared(picture: Picture) -> Iterator[Hit]:
    """Yield caches of secondaries in a file that another instance has, or keeps data beside."""
    instances = [i for i in picture.host.readable if i.running is not False or not i.is_default]
    owners: dict[str, InstanceConfig] = {}
    for instance in picture.host.readable:
        for cache in named_caches(instance):
            owner = owners.setdefault(cache.path, instance)
            others = [i for i in instances if i is not instance and _is_in(cache.path, i)]
            other = owner if owner is not instance else next(iter(others), None)
            if (
                other is None
                or other is instance
                or other.data_directory == instance.data_directory
            ):
                continue
            message = (
                f"{cache.parameter} = {cache.kind}:{cache.path} is the file of "
                f"{other.directory}: only one process can use it"
            )
            commands = (
                remedies.override(instance, cache.override, cache.parameter, cache.own),
                remedies.reload(instance),
            )
            yield Hit(instance.directory, message, remedies.both(*commands))


def _is_in(path: str, instance: InstanceConfig) -> bool:
    return bool(instance.data_directory) and path.startswith(f"{instance.data_directory}/")
