"""Why an instance refuses what another one, or a content filter, hands it by SMTP. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from postwrap.host.addresses import Address, Endpoint, may_hold, network_of
from postwrap.host.model import HostModel, InstanceConfig, Listener, Service
from postwrap.host.nexthops import source
from postwrap.host.ways import Command, Obstacle, Sides, postconf

_TLS_ALWAYS = frozenset({"encrypt", "fingerprint", "verify", "secure", "dane-only"})
"""The levels of smtp_tls_security_level at which nothing is sent without TLS: postconf(5)."""
_TLS_NEVER = frozenset({"", "none"})
_TLS = "smtp_tls_security_level"
_LEVEL = "smtpd_tls_security_level"
CERTIFICATES = tuple(
    f"smtpd_tls_{name}" for name in ("chain_files", "cert_file", "eccert_file", "dcert_file")
)
"""The parameters that name files with a certificate of smtpd(8)."""
_SMTP = 25
_FILTERING = "the content filter"
_OF_RECIPIENTS = ("smtpd_relay_restrictions", "smtpd_recipient_restrictions")
_RESTRICTIONS = (
    *("smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions"),
    *_OF_RECIPIENTS,
)
_REFUSE = frozenset({"reject", "defer"})
_REFUSE_AWAY = frozenset({"reject_unauth_destination", "defer_unauth_destination"})
_NOT_THIS_ONE = frozenset(
    {"permit_sasl_authenticated", "permit_tls_all_clientcerts", "permit_tls_clientcerts"}
)
"""What lets in others than an instance or a filter of this host, which do not log in."""
_CHECKS = ("reject_unknown_", "reject_non_fqdn_", "reject_invalid_", "reject_unlisted_")
"""The words that may refuse something of their own, and let nobody in."""
_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


def refused(
    host: HostModel, sides: Sides, client: Service, listener: Listener
) -> Iterator[Obstacle]:
    """Yield why the secondary refuses at ``listener`` what ``client`` hands it."""
    yield from _by_tls(sides, client, listener)
    to = sides.endpoint.address if sides.endpoint else listener.address
    sender = source(host, sides.default, client, to)
    sender = own_source(to) if sender == to else sender
    yield from _refusals(sides.secondary, listener, sender, _who(sides.default))


def refused_to_filter(sides: Sides, listener: Listener) -> Iterator[Obstacle]:
    """Yield why the secondary refuses at ``listener`` what a content filter hands back."""
    to = sides.endpoint.address if sides.endpoint else listener.address
    yield from _refusals(sides.secondary, listener, own_source(to), _FILTERING)
    if _wants_tls(sides.secondary, listener):
        yield _tls_of_filter(sides.secondary, listener)


def _who(instance: InstanceConfig) -> str:
    return "the default instance" if instance.is_default else instance.directory


def _by_tls(sides: Sides, client: Service, listener: Listener) -> Iterator[Obstacle]:
    default, to = sides.default, sides.endpoint or listener.endpoint
    level = default.value(client, _TLS)
    offered = sides.secondary.value(listener.service, _LEVEL)
    # A policy may be meant for this very next hop.
    if default.value(client, "smtp_tls_policy_maps"):
        return
    if _wants_tls(sides.secondary, listener) and not _has_certificate(sides.secondary, listener):
        yield _without_certificate(sides.secondary, listener)
    elif level in _TLS_NEVER and _wants_tls(sides.secondary, listener):
        message = (
            f"{_TLS} = {level or 'none'}, and {sides.secondary.directory} takes nothing without "
            "TLS: all that is handed to it bounces"
        )
        yield Obstacle(default.directory, _TLS, message, (_policy(default, to, "encrypt"),))
    if level not in _TLS_ALWAYS:
        return
    has_tls = offered not in {"", "none"}
    if has_tls and level == "encrypt":
        return
    what = "shows a certificate that nobody vouches for" if has_tls else "offers no TLS"
    message = f"{_TLS} = {level}, and {sides.secondary.directory} {what}: nothing is handed to it"
    yield Obstacle(default.directory, _TLS, message, (_policy(default, to, "none"),))


def _policy(instance: InstanceConfig, to: Endpoint, level: str) -> Command:
    """Return the command that sets the TLS level of one next hop, however its port is spelt."""
    keys = [f"[{to.address}]:{to.port}", *([f"[{to.address}]"] if to.port == _SMTP else [])]
    table = ", ".join(f"{key}={level}" for key in keys)
    return postconf(instance, "-e", f"smtp_tls_policy_maps=inline:{{{table}}}")


def _wants_tls(instance: InstanceConfig, listener: Listener) -> bool:
    return instance.value(listener.service, _LEVEL) == "encrypt"


def _has_certificate(instance: InstanceConfig, listener: Listener) -> bool:
    values = (instance.value(listener.service, name) for name in CERTIFICATES)
    paths = [word for value in values for word in value.replace(",", " ").split()]
    return any(path in instance.files or path in instance.unseen for path in paths)


def _without_certificate(instance: InstanceConfig, listener: Listener) -> Obstacle:
    message = f"{_LEVEL} = encrypt at {listener}, without a certificate: nobody can hand it mail"
    is_own = _LEVEL in listener.service.options
    words = ("-P", f"{listener.service.key}/{_LEVEL}=may") if is_own else ("-e", f"{_LEVEL}=may")
    command = postconf(instance, *words)
    return Obstacle(instance.directory, _LEVEL, message, (command,), is_choice=True)


def _tls_of_filter(instance: InstanceConfig, listener: Listener) -> Obstacle:
    message = f"{_LEVEL} = encrypt at {listener}: a content filter that speaks no TLS is refused"
    key = listener.service.key
    command = postconf(instance, "-P", f"{key}/{_LEVEL}=may")
    return Obstacle(instance.directory, _LEVEL, message, (command,), is_choice=True)


def _refusals(
    instance: InstanceConfig, listener: Listener, sender: Address | None, who: str
) -> Iterator[Obstacle]:
    """Yield why ``instance`` refuses at ``listener`` what ``who`` sends from ``sender``."""
    yield from _by_networks(instance, listener, sender, who)
    yield from _by_restrictions(instance, listener, who)


def own_source(to: Address) -> Address:
    """Return the address that the kernel takes to speak to ``to``, an address of this host."""
    # The kernel's route to 127.0.0.0/8 has this one as its source.
    return _LOOPBACK if to.is_loopback and to.version == _LOOPBACK.version else to


def _by_networks(
    secondary: InstanceConfig, listener: Listener, sender: Address | None, who: str
) -> Iterator[Obstacle]:
    service = listener.service
    networks = secondary.value(service, "mynetworks")
    if sender and not may_hold(networks, sender):
        message = f"mynetworks = {networks}: lacks {sender}, from which {who} sends"
        wanted = [*networks.replace(",", " ").split(), network_of(sender)]
        if "mynetworks" in service.options:
            words = ("-P", f"{service.key}/mynetworks={','.join(wanted)}")
        else:
            words = ("-e", f"mynetworks={' '.join(wanted)}")
        remedy = (postconf(secondary, *words),)
        code = "mynetworks-lacks-sibling" if who != _FILTERING else ""
        yield Obstacle(secondary.directory, "mynetworks", message, remedy, code=code)


def _by_restrictions(secondary: InstanceConfig, listener: Listener, who: str) -> Iterator[Obstacle]:
    """Yield the lists of smtpd that refuse whoever has not logged in: smtpd(8)."""
    for name in _RESTRICTIONS:
        value = secondary.value(listener.service, name)
        refusing = _refusing(value, is_of_recipients=name in _OF_RECIPIENTS)
        if not refusing:
            continue
        message = f"{name} = {value}: {refusing} refuses what {who} sends"
        words = ["permit_mynetworks", *value.replace(",", " ").split()]
        if name in listener.service.options:
            command = ("-P", f"{listener.service.key}/{name}={','.join(words)}")
        else:
            command = ("-e", f"{name}={', '.join(words)}")
        remedy = (postconf(secondary, *command),)
        yield Obstacle(secondary.directory, name, message, remedy, is_choice=True)


def _refusing(value: str, *, is_of_recipients: bool) -> str:
    """Return the word of a list that refuses a client of this host for certain, "" for none.

    A word that may let it in, or that nobody knows without asking, ends the look.
    """
    for word in value.replace(",", " ").split():
        if word in _REFUSE or (is_of_recipients and word in _REFUSE_AWAY):
            return word
        if word not in _NOT_THIS_ONE and not word.startswith(_CHECKS):
            return ""
    return ""
