"""``role`` as one call: gather, decide, and hand back what is to be done."""

from __future__ import annotations

from postwrap.host import Host
from postwrap.provision.gathering import gather, running_service
from postwrap.provision.journal import Journal
from postwrap.provision.notes import (
    bypass_notes,
    filter_notes,
    setting_notes,
    tls_notes,
    with_tables,
)
from postwrap.provision.options import RoleOptions
from postwrap.provision.preconditions import need_files, need_writable
from postwrap.provision.recipe import refreshes
from postwrap.provision.removing import find_configured
from postwrap.provision.role import Past, change, role_steps
from postwrap.provision.steps import kept
from postwrap.provision.workshop import Plan, changes, host_postfix


def plan_role(host: Host, journal: Journal, name: str, options: RoleOptions) -> Plan:
    """Return the plan to give an existing instance a role; RefusedError where that cannot be."""
    facts = gather(host)
    instance = find_configured(host, facts, name)
    options = with_tables(options, facts)
    need_files(options, host_postfix(host))
    need_writable(host.source, facts.default.directory)
    past = Past(journal.read(instance.directory), journal.wanted(instance.directory))
    made = change(options, facts, instance, past)
    service = running_service(host.source, instance)
    wrapped = instance.directory in host.manifest.instances()
    steps = role_steps(made, facts, service, wrapped=wrapped)
    hostname = made.second.get("myhostname") or instance["myhostname"]
    level = made.second.get("smtpd_tls_security_level", instance["smtpd_tls_security_level"])
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
            *tls_notes(facts.default, options.role, level or ""),
            *bypass_notes(facts.default, options.role),
            *filter_notes(facts, instance.directory, made.share.forward),
        ),
    )
