"""``role`` as one call: gather, decide, and hand back what is to be done."""

from __future__ import annotations

from postwrap.host import Host
from postwrap.provision.gathering import gather, running_service
from postwrap.provision.notes import filter_notes, setting_notes, with_tables
from postwrap.provision.options import RoleOptions
from postwrap.provision.preconditions import need_files, need_writable
from postwrap.provision.recipe import refreshes
from postwrap.provision.removing import find_configured
from postwrap.provision.role import change, role_steps
from postwrap.provision.steps import kept
from postwrap.provision.workshop import Plan, changes, host_postfix


def plan_role(host: Host, name: str, options: RoleOptions) -> Plan:
    """Return the plan to give an existing instance a role; RefusedError where that cannot be."""
    facts = gather(host)
    instance = find_configured(host, facts, name)
    options = with_tables(options, facts)
    need_files(options)
    need_writable(host.source, facts.default.directory)
    made = change(options, facts, instance)
    service = running_service(host.source, instance)
    wrapped = instance.directory in host.manifest.instances()
    steps = role_steps(made, facts, service, wrapped=wrapped)
    hostname = made.second.get("myhostname") or instance["myhostname"]
    return Plan(
        instance.name,
        instance.directory,
        steps,
        kept(steps, (service.reload(), *refreshes(facts))),
        {
            **changes("", made.second, instance),
            **changes("default ", made.first, facts.default),
        },
        (
            *made.share.notes,
            *setting_notes(host_postfix(host), options, hostname),
            *filter_notes(facts, instance.directory, made.share.forward),
        ),
    )
