"""What a person should know before an instance is made or changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from postwrap.host.addresses import Endpoint
from postwrap.host.model import HostModel
from postwrap.postfix import Postfix
from postwrap.provision import certificates
from postwrap.provision.design import Design, InstanceDesign
from postwrap.provision.filtering import amavis_place
from postwrap.provision.options import RoleOptions
from postwrap.provision.site import ProvisionSite
from postwrap.provision.transports import TRANSPORTS, is_error


def with_tables(options: RoleOptions, model: HostModel) -> RoleOptions:
    """Return ``options`` with the tables of --header-checks and --body-checks given a type."""
    best = "pcre" if "pcre" in model.table_types else "regexp"

    def typed(text: str) -> str:
        return f"{best}:{text}" if text.startswith("/") else text

    return replace(
        options,
        header_checks=typed(options.header_checks),
        body_checks=typed(options.body_checks),
    )


def bounce_notes(design: InstanceDesign) -> Iterator[str]:
    """Yield what is to be said where an instance bounces what is for elsewhere, as its source."""
    told = {name: design.final(name) for name in TRANSPORTS}
    if lost := [f"{name} = {value}" for name, value in told.items() if is_error(value)]:
        yield (
            f"{design.source.directory}: {', '.join(lost)}, so the instance bounces mail for "
            "elsewhere too; --set default_transport=smtp --set relay_transport=relay lets it send"
        )


def log_notes(design: InstanceDesign, *, by_default: bool) -> Iterator[str]:
    """Yield who is to rotate a log of the instance's own.

    ``by_default``: postmulti(1) does it with that of the default instance.
    """
    path = design.parameters.get("maillog_file")
    if path and not by_default:
        rotate = f"postfix -c {design.directory} logrotate"
        yield f"maillog_file = {path}: rotate it by {rotate}, beside the default instance's"


def role_notes(site: ProvisionSite, design: Design) -> Iterator[str]:
    """Yield what is left to be done for a role."""
    if design.share.forward:
        yield from _filter_notes(site.model, design.share.forward)


def _filter_notes(model: HostModel, forward: Endpoint) -> Iterator[str]:
    """Yield what is left to be done with the content filter."""
    if not model.amavis_directory:
        method = f"$forward_method = 'smtp:{amavis_place(forward)}';"
        yield f"tell the filter to hand on to {forward}; amavisd wants: {method}"
    elif not model.runs_systemd:
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
