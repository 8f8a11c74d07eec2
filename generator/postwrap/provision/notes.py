"""What a person should know before an instance is made or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from postwrap.postfix import Postfix
from postwrap.provision import certificates
from postwrap.provision.facts import Configured, Facts
from postwrap.provision.listeners import Endpoint
from postwrap.provision.options import Role, RoleOptions
from postwrap.provision.transport import amavis_settings


def with_tables(options: RoleOptions, facts: Facts) -> RoleOptions:
    """Return ``options`` with the tables of --header-checks and --body-checks given a type."""
    best = "pcre" if "pcre" in facts.table_types else "regexp"

    def typed(text: str) -> str:
        return f"{best}:{text}" if text.startswith("/") else text

    return replace(
        options,
        header_checks=typed(options.header_checks),
        body_checks=typed(options.body_checks),
    )


def tls_notes(default: Configured, role: Role | None, level: str) -> Iterator[str]:
    """Yield what is to be said where the default sends by TLS alone; ``level`` is the second's."""
    sends = default["smtp_tls_security_level"]
    is_spoken_to = role in {Role.FALLBACK_RELAY, Role.OUTBOUND}
    if is_spoken_to and sends not in {"", "none", "may", "dane"} and level in {"", "none"}:
        yield (
            f"{default.directory}: smtp_tls_security_level = {sends}, and the instance offers no "
            "TLS: give it --tls-cert and --tls-key, or nothing is handed to it"
        )


def bypass_notes(default: Configured, role: Role | None) -> Iterator[str]:
    """Yield what is to be said where a service of the default has a content_filter of its own."""
    for key, value in default.overrides.items() if role is Role.CONTENT_FILTER else ():
        service, _, parameter = key.rpartition("/")
        ports = {s.port for s in default.inet_services if f"{s.name}/inet" == service}
        if parameter == "content_filter" and 25 in ports:
            yield (
                f"{default.directory}/master.cf: {service} has content_filter={value}, which wins: "
                f"postconf -c {default.directory} -PX {key}"
            )


def filter_notes(facts: Facts, directory: str, forward: Endpoint | None) -> Iterator[str]:
    """Yield what is left to be done with the content filter."""
    if forward and not facts.amavis:
        text = amavis_settings(str(forward), directory).splitlines()[2]
        yield f"tell the filter to hand on to {forward}; amavisd wants: {text}"
    elif forward and not facts.systemd:
        yield "restart amavisd once this is done"


def setting_notes(postfix: Postfix, options: RoleOptions, hostname: str) -> Iterator[str]:
    """Yield what is to be said of a certificate's names and of settings that nobody knows."""
    if options.tls_cert and not certificates.covers(options.tls_cert, hostname):
        yield f"{options.tls_cert}: is not for {hostname}; clients that look will object"
    names = list(options.settings)
    known = postfix.defaults(names) if names else {}
    for name in names:
        if name not in known:
            yield f"--set {name}: this Postfix knows no such parameter"
