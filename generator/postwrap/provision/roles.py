"""The talk's uses of a second instance: which settings each side gets.

Pure: options and facts in, settings out. The *first* instance is the default one, the *second*
the one that has the role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from postwrap.errors import RefusedError
from postwrap.provision.listeners import Endpoint, is_ipv6, is_loopback, is_private, speaks
from postwrap.provision.nexthop import next_hop, remarks
from postwrap.provision.options import Role, RoleOptions

Settings = Mapping[str, str | None]
"""Parameters and their values; None takes a parameter out of main.cf."""

FILTER = "127.0.0.1:10024"
"""Where amavisd listens."""

PRIVATE = frozenset({Role.FALLBACK_RELAY, Role.CONTENT_FILTER, Role.OUTBOUND})
"""The roles of an instance that takes mail from this host and its networks alone."""

RESTRICTIONS = tuple(
    f"smtpd_{stage}_restrictions"
    for stage in ("client", "helo", "sender", "recipient", "data", "end_of_data", "etrn")
)
"""The lists that protect a public port. smtpd_relay_restrictions stays: it is what keeps an
instance from relaying for everybody."""

ONLY_OURS = {
    "smtpd_client_restrictions": "permit_mynetworks, reject",
    # The default's own list may trust those who log in alone, and bounce what its sibling sends.
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
}
"""Where nobody but the sibling and this host connects."""

SHORT_TIMEOUTS = {
    "smtp_connect_timeout": "10s",
    "smtp_helo_timeout": "30s",
    "smtp_data_done_timeout": "120s",
}
"""With a fallback at hand, the first instance need not wait. The last is the time that a server
may take to accept a whole message: too short, and mail arrives twice."""

TRANSPORTS = ("default_transport", "relay_transport")
"""How mail for elsewhere leaves."""

BACKUP_LIFETIME = "20d"

BEHIND_FILTER = "no_unknown_recipient_checks, no_milters"
"""The second's receive_override_options: what the first has looked at need not be again."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a role gives to each side, and what there is to say about it.

    ``transport`` is an entry for the first instance's master.cf; ``forward`` is where a content
    filter is to hand back what it has seen.
    """

    second: Settings = field(default_factory=dict)
    first: Settings = field(default_factory=dict)
    transport: str = ""
    forward: Endpoint | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """The two instances as far as a role has to know them.

    ``endpoints`` are where the second listens; ``public_name`` is the first's HELO name;
    ``public`` are the addresses where the first receives.
    """

    name: str
    endpoints: tuple[Endpoint, ...]
    public_name: str
    public: tuple[str, ...] = ()
    first_options: str = ""
    """The first's receive_override_options."""
    first_protocols: str = "all"
    """The first's inet_protocols."""
    first_bounces: tuple[str, ...] = ()
    """The first's parameters that make it bounce what is for elsewhere."""
    second_tls: str = ""
    """The second's smtpd_tls_security_level."""


def share(options: RoleOptions, pair: Pair) -> Share:
    """Return the settings that ``options`` mean for the two instances."""
    given = _ROLES[options.role](options, pair) if options.role else Share()
    second = {**given.second, **common(options, pair)}
    if options.role is Role.BACKUP_MX and not options.queue_lifetime:
        second["maximal_queue_lifetime"] = BACKUP_LIFETIME
    notes = [*given.notes]
    for side in (given.first, options.settings):
        for parameter in ("relayhost", "smtp_fallback_relay"):
            notes += remarks(parameter, side.get(parameter) or "")
    second |= options.settings
    return Share(second, given.first, given.transport, given.forward, tuple(notes))


def common(options: RoleOptions, pair: Pair) -> dict[str, str | None]:
    """Return the second's settings that come with any role or none."""
    made: dict[str, str | None] = {}
    if options.queue_lifetime:
        made["maximal_queue_lifetime"] = options.queue_lifetime
    if options.tls_cert:
        # smtpd_tls_chain_files and the other kinds of certificates would win over these.
        others = ("chain_files", "eccert_file", "eckey_file", "dcert_file", "dkey_file")
        made |= {f"smtpd_tls_{name}": None for name in others}
        made |= {
            "smtpd_tls_cert_file": options.tls_cert,
            "smtpd_tls_key_file": options.tls_key,
            "smtpd_tls_security_level": pair.second_tls or "may",
        }
    if options.header_checks:
        made["header_checks"] = options.header_checks
    if options.body_checks:
        made["body_checks"] = options.body_checks
    if options.same_source_address:
        made |= source_addresses(pair)
    return made


def source_addresses(pair: Pair) -> dict[str, str | None]:
    """Return the settings that make the second send from the address that receives.

    That is its own; where its own is private, and so no address to show the world, it is the one
    at which the first receives.
    """
    made: dict[str, str | None] = {}
    own = list(dict.fromkeys(e.address for e in pair.endpoints))
    public = [a for a in own if not is_private(a)]
    outside = [a for a in pair.public if not is_private(a)]
    chosen = public or outside or [a for a in own if not is_loopback(a)]
    for parameter, wants_ipv6 in (("smtp_bind_address", False), ("smtp_bind_address6", True)):
        fitting = [address for address in chosen if is_ipv6(address) is wants_ipv6]
        if len(fitting) > 1:
            hint = f"choose one with --set {parameter}={fitting[0]}"
            raise RefusedError(f"--same-source-address: {' and '.join(fitting)} receive", hint)
        if fitting:
            made[parameter] = fitting[0]
    if not made:
        raise RefusedError("--same-source-address: no address receives", "give --address too")
    return made


def _entrance(pair: Pair, role: Role) -> Endpoint:
    if not pair.endpoints:
        hint = "give --address ADDRESS, or --address ADDRESS:PORT"
        raise RefusedError(f"--role {role}: the instance has to listen somewhere", hint)
    spoken = [e for e in pair.endpoints if speaks(pair.first_protocols, e.address)]
    if not spoken:
        listed = ", ".join(e.address for e in pair.endpoints)
        message = f"--role {role}: the default instance, inet_protocols = {pair.first_protocols}"
        hint = "give --address one that it can reach"
        raise RefusedError(f"{message}, cannot speak to {listed}", hint)
    # The first speaks to port 25 where there is one, else to whatever there is.
    return min(spoken, key=lambda e: (e.port != 25, spoken.index(e)))


def _fallback_relay(options: RoleOptions, pair: Pair) -> Share:
    entrance = _entrance(pair, Role.FALLBACK_RELAY)
    return Share(
        second={
            "smtp_fallback_relay": None,
            "content_filter": None,
            **dict.fromkeys(SHORT_TIMEOUTS),
            **ONLY_OURS,
        },
        first={"smtp_fallback_relay": options.next_hop or next_hop(entrance), **SHORT_TIMEOUTS},
    )


def _outbound(options: RoleOptions, pair: Pair) -> Share:
    entrance = _entrance(pair, Role.OUTBOUND)
    return Share(
        second={"smtp_fallback_relay": None, "content_filter": None, **ONLY_OURS},
        first={
            "relayhost": options.next_hop or next_hop(entrance),
            **dict.fromkeys(pair.first_bounces),
        },
        notes=("what the first instance does not deliver here now leaves by this one",),
    )


_NAME_DOMAINS = "name the domains it stands in for with --set relay_domains=DOMAIN"


def _backup_mx(options: RoleOptions, pair: Pair) -> Share:
    _entrance(replace(pair, first_protocols="all"), Role.BACKUP_MX)  # others speak to it
    return Share(
        second={"smtp_fallback_relay": None, "content_filter": None},
        notes=() if "relay_domains" in options.settings else (_NAME_DOMAINS,),
    )


def _content_filter(options: RoleOptions, pair: Pair) -> Share:
    entrance = _entrance(pair, Role.CONTENT_FILTER)
    place = options.filter or FILTER
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise RefusedError(f"--filter {place}: is not HOST:PORT", f"write {FILTER}")
    transport = filter_transport(pair.name)
    host = host.strip("[]")
    return Share(
        second={
            "content_filter": None,
            "smtp_fallback_relay": None,
            "receive_override_options": BEHIND_FILTER,
            "smtpd_authorized_xforward_hosts": trusted(pair),
            **ONLY_OURS,
        },
        first={
            "content_filter": f"{transport}:[{host}]:{port}",
            # Aliases are resolved once, behind the filter, which sees what the sender wrote.
            "receive_override_options": _with_word(pair.first_options, "no_address_mappings"),
        },
        transport=_filter_entry(transport, host),
        forward=entrance,
    )


def filter_transport(name: str) -> str:
    """Return what the way to the filter of the instance ``name`` is called in master.cf."""
    return f"{name}-filter"


def _filter_entry(transport: str, host: str) -> str:
    """Return the first's master.cf entry that speaks to the filter, telling it of the client."""
    options = [
        "smtp_send_xforward_command=yes",
        "smtp_data_done_timeout=1200",
        "smtp_fallback_relay=",
        "smtp_tls_security_level=none",
        "smtp_dns_support_level=disabled",
        "max_use=20",
    ]
    if host.startswith("127."):
        options.append("smtp_bind_address=127.0.0.1")  # which is whom a filter listens to
    return f"{transport} unix - - n - 2 smtp " + " ".join(f"-o {option}" for option in options)


def trusted(pair: Pair) -> str:
    """Return who may tell the second of the client (XFORWARD)."""
    own = (e.address for e in pair.endpoints)
    words = ("127.0.0.0/8", "[::1]/128", *(f"[{a}]" if is_ipv6(a) else a for a in own))
    return ", ".join(dict.fromkeys(words))


def _with_word(value: str, word: str) -> str:
    words = value.replace(",", " ").split()
    return ", ".join(words if word in words else [*words, word])


_ROLES = {
    Role.FALLBACK_RELAY: _fallback_relay,
    Role.CONTENT_FILTER: _content_filter,
    Role.OUTBOUND: _outbound,
    Role.BACKUP_MX: _backup_mx,
}
