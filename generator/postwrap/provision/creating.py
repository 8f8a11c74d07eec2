"""``create`` as one call: gather, decide, and hand back what is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from postwrap.collisions import foreign_commands
from postwrap.errors import RefusedError
from postwrap.host import Host
from postwrap.postfix import Postfix
from postwrap.provision.address import missing
from postwrap.provision.draft import Draft, draft
from postwrap.provision.facts import Facts
from postwrap.provision.gathering import gather, need_sound
from postwrap.provision.notes import (
    bypass_notes,
    filter_notes,
    setting_notes,
    tls_notes,
    with_tables,
)
from postwrap.provision.options import CreateOptions
from postwrap.provision.preconditions import need_possible
from postwrap.provision.recipe import create_steps, refreshes
from postwrap.provision.steps import kept
from postwrap.provision.workshop import Plan, changes, host_postfix


def plan_create(host: Host, options: CreateOptions) -> Plan:
    """Return the plan to make an instance; RefusedError where something stands against it."""
    facts = gather(host, options.add_address)
    _need_free_names(host, options.name)
    need_sound(host_postfix(host), facts.default.directory)
    options = replace(options, shared=with_tables(options.shared, facts))
    made = draft(options, facts)
    need_possible(options, facts, made, host.source, host_postfix(host))
    _need_usable(host_postfix(host), facts.default.directory, made.interfaces)
    steps = create_steps(options, facts, made)
    return Plan(
        options.name,
        made.directory,
        steps,
        kept(steps, refreshes(facts)),
        _settled(made, facts),
        (*made.share.notes, *_notes(host, options, facts, made)),
    )


def _need_free_names(host: Host, name: str) -> None:
    """Raise RefusedError where the instance would have a command that is another's."""
    taken = foreign_commands(host)
    for target in host.targets[0]:
        if path := taken.get(f"{target.name}-{name}"):
            raise RefusedError(f"{name}: {path} is a command already", "choose another name")


def _need_usable(postfix: Postfix, directory: str, interfaces: str) -> None:
    """Raise RefusedError where Postfix itself would not take the default's new inet_interfaces."""
    tried = ("-o", f"inet_interfaces={interfaces}", "-hx", "mynetworks")
    if interfaces and postfix.run(postfix.postconf, *tried, directory=directory).returncode:
        hint = f"set inet_interfaces in {directory}/main.cf to the addresses that it is to keep"
        raise RefusedError(f"inet_interfaces = {interfaces}: will not do for Postfix", hint)


def _settled(made: Draft, facts: Facts) -> dict[str, str]:
    """Return what a person wants to see before it is done."""
    shown = {
        "configuration": made.directory,
        "queue": made["queue_directory"],
        "data": made["data_directory"],
        "listens at": ", ".join(map(str, made.endpoints)) or "nothing: it takes mail from sendmail",
        "log tag": made["syslog_name"],
        "myhostname": made["myhostname"],
        "HELO name": made["smtp_helo_name"] or made["myhostname"],
        "mynetworks": made["mynetworks"],
    }
    if made.interfaces:
        shown["default listens at"] = made.interfaces
    shown |= changes("default ", made.share.first, facts.default)
    for name, value in made.dropped.items():
        shown[f"left out: {name}"] = value
    return shown


def _notes(host: Host, options: CreateOptions, facts: Facts, made: Draft) -> Iterator[str]:
    yield from setting_notes(host_postfix(host), options.shared, made["myhostname"])
    if made.interfaces and facts.default.running:
        yield "the default instance is stopped and started, for it gives up an address"
    role = options.shared.role
    level = made.parameters.get("smtpd_tls_security_level", made.source["smtpd_tls_security_level"])
    yield from tls_notes(facts.default, role, level or "")
    yield from bypass_notes(facts.default, role)
    yield from filter_notes(facts, made.directory, made.share.forward)
    if (given := missing(options, facts)) and not facts.network.kind:
        yield (
            f"{options.add_address}: neither NetworkManager, systemd-networkd nor ifupdown "
            f"configures it, so {', '.join(given)} is gone after a boot; have it given again there"
        )
    shared = [n for n, v in made.source.stated.items() if f"{made.source.directory}/" in v]
    if shared:
        yield f"files in {made.source.directory} serve both instances: {', '.join(shared)}"
