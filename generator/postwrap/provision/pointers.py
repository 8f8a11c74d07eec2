"""Who still sends mail to an instance that is to go. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from postwrap.host.addresses import Destination, Endpoint
from postwrap.host.model import HostModel, InstanceConfig, TableAnswer
from postwrap.host.nexthops import Hop, at, hops, port_of
from postwrap.provision.plan import SettingsPlan
from postwrap.provision.prospect import changes_in, edited, with_interfaces
from postwrap.provision.site import ProvisionSite


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A next hop, how it is told, and the command that changes it."""

    told: str
    hop: Destination
    command: str


def without(site: ProvisionSite, gone: InstanceConfig, planned: SettingsPlan) -> HostModel:
    """Return the host once ``planned`` is carried out and the instance ``gone`` is no more."""
    found = [_after(site, i, planned) for i in site.model.instances if i != gone]
    return replace(site.model, instances=tuple(found))


def _after(site: ProvisionSite, instance: InstanceConfig, planned: SettingsPlan) -> InstanceConfig:
    changes = changes_in(planned, instance.directory)
    changed = edited(instance, changes)
    if instance.is_default and "inet_interfaces" in changes:
        return with_interfaces(site, changed, changes["inet_interfaces"] or "all")
    return changed


def pointers(host: HostModel, gone: InstanceConfig) -> Iterator[str]:
    """Yield a line for each next hop of ``host`` that leads to where ``gone`` listens till now.

    Somebody else may listen there from then on: the default instance, which has it back.
    """
    for pointer in dict.fromkeys(_pointers(host)):
        port = port_of(pointer.hop)
        for address in host.resolve(pointer.hop.host) if port and not pointer.hop.by_mx else ():
            place = Endpoint(address, port or 0)
            if any(listener.endpoint.overlaps(place) for listener in gone.listeners):
                heirs = [instance.directory for instance, _ in at(host, address, port)]
                then = f"{heirs[0]} listens" if heirs else "nobody listens"
                yield (
                    f"{pointer.told} still leads to it, and {then} at {place} from then on: "
                    f"{pointer.command}"
                )
                break


def _pointers(host: HostModel) -> Iterator[_Pointer]:
    for instance in host.readable:
        for hop in hops(instance):
            yield _given(hop.answer, hop) if hop.answer else _stated(hop)


def _given(answer: TableAnswer, hop: Hop) -> _Pointer:
    told = f"{hop.sender.directory}: {answer.parameter} gives {answer.result}, which"
    return _Pointer(told, hop.destination, f"it is in {answer.table}")


def _stated(hop: Hop) -> _Pointer:
    where = f" of {hop.override} in master.cf" if hop.override else ""
    directory = hop.sender.directory
    told = f"{directory}: {hop.parameter}{where} = {hop.destination.text}"
    gone = ("-P", f"{hop.override}/{hop.parameter}=") if hop.override else ("-X", hop.parameter)
    return _Pointer(told, hop.destination, shlex.join(("postconf", "-c", directory, *gone)))
