"""What a role, or options without one, give to the two instances. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from postwrap.errors import RefusedError
from postwrap.host.addresses import is_public
from postwrap.provision.desired import Value
from postwrap.provision.nexthop import remarks
from postwrap.provision.options import RoleOptions
from postwrap.provision.roles.definition import RoleContext, Share
from postwrap.provision.transports import bouncing

_OTHER_CERTIFICATES = ("chain_files", "eccert_file", "eckey_file", "dcert_file", "dkey_file")
"""These would win over smtpd_tls_cert_file."""


def share(options: RoleOptions, context: RoleContext) -> Share:
    """Return what the role of ``options`` gives to the two instances, nothing for no role."""
    if not options.role:
        return Share(notes=_hop_notes(options.settings))
    definition = options.role.definition
    given = definition.share(options, context)
    # It is to send, and so is the default instance, to it or before it; even to a content filter
    # smtpd(8) lets nothing pass that error is for.
    secondary = {**bouncing(context.secondary), **given.secondary}
    default = {**given.default, **(bouncing(context.default) if definition.is_private else {})}
    notes = (*given.notes, *_hop_notes(default), *_hop_notes(options.settings))
    return replace(given, secondary=secondary, default=default, notes=notes)


def _hop_notes(settings: Mapping[str, Value]) -> tuple[str, ...]:
    hops = ((name, settings.get(name) or "") for name in ("relayhost", "smtp_fallback_relay"))
    return tuple(note for name, value in hops for note in remarks(name, value))


def named_settings(options: RoleOptions, context: RoleContext) -> dict[str, Value]:
    """Return the secondary's settings that come with any role or none."""
    made: dict[str, Value] = {}
    if options.queue_lifetime:
        made["maximal_queue_lifetime"] = options.queue_lifetime
    if options.tls_cert:
        made |= dict.fromkeys(f"smtpd_tls_{name}" for name in _OTHER_CERTIFICATES)
        made |= {
            "smtpd_tls_cert_file": options.tls_cert,
            "smtpd_tls_key_file": options.tls_key,
            "smtpd_tls_security_level": context.secondary.get("smtpd_tls_security_level") or "may",
        }
    if options.relay_domains:
        made["relay_domains"] = options.relay_domains
    if options.header_checks:
        made["header_checks"] = options.header_checks
    if options.body_checks:
        made["body_checks"] = options.body_checks
    if options.same_source_address:
        made |= source_addresses(context)
    return {**made, **options.settings}


def source_addresses(context: RoleContext) -> dict[str, Value]:
    """Return the settings that make the secondary send from the address that receives.

    That is its own; where its own is private, and so no address to show the world, it is the one
    at which the default instance receives.
    """
    made: dict[str, Value] = {}
    own = list(dict.fromkeys(e.address for e in context.endpoints))
    public = [a for a in own if is_public(a)]
    outside = [a for a in context.public if is_public(a)]
    chosen = public or outside or [a for a in own if not a.is_loopback]
    for parameter, version in (("smtp_bind_address", 4), ("smtp_bind_address6", 6)):
        fitting = [str(address) for address in chosen if address.version == version]
        if len(fitting) > 1:
            hint = f"choose one with --set {parameter}={fitting[0]}"
            raise RefusedError(f"--same-source-address: {' and '.join(fitting)} receive", hint)
        if fitting:
            made[parameter] = fitting[0]
    if not made:
        raise RefusedError("--same-source-address: no address receives", "give --address too")
    return made
