"""The mail flow of a host as a graph: instances, what they hand mail to, and what comes back. Pure.

The edges are those of postwrap.host.nexthops and postwrap.host.routes; tables' answers are edges
as settings are. What is outside of the host is one place, unless a setting names a host there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from postwrap.host.addresses import Endpoint, destination, scope_of, split_transport
from postwrap.host.addresses import Scope as Reach
from postwrap.host.handback import AMAVISD, Handback, handbacks
from postwrap.host.model import HostModel, InstanceConfig, Service
from postwrap.host.nexthops import FILTER, ROUTE_TABLES, Hop, at, ends, hops, port_of, tables_of
from postwrap.host.routes import routes, unheard, without_service

PROXY = "smtpd_proxy_filter"
IS_IT = "is it"
"""Why a filter leads to an instance that is the filter."""
_FEW = 3
"""So many next hops elsewhere that tables of one parameter give are drawn; more are counted."""
_ANSWERED = frozenset(
    (
        *("hash", "btree", "lmdb", "dbm", "sdbm", "texthash", "inline"),
        *("regexp", "pcre", "cidr", "cdb", "static", "unionmap", "pipemap", "randmap"),
    )
)
"""The types of tables that the survey asks: postwrap.host.tables."""


class Place(StrEnum):
    """What a node is."""

    INSTANCE = "instance"
    FILTER = "filter"
    SERVICE = "service"
    """A mailbox, an LMTP server, a pipe(8) command, another program of this host."""
    HOST = "host"
    """A next hop elsewhere that a setting names."""
    OUTSIDE = "outside"
    TABLE = "table"
    """A table that only Postfix itself can ask."""
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the map: ``key`` names it, ``title`` is shown, ``lines`` tell more of it.

    ``state`` of an instance: running, idle, broken, or "" where this user may not see it.
    """

    key: str
    place: Place
    title: str
    lines: tuple[str, ...] = ()
    state: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """Mail goes from ``source`` to ``target``, keys of nodes, by ``why``: a setting.

    ``at`` is where it goes there, as configured; ``domains`` for whom, where a table says it.
    ``fault`` is why nobody takes it. ``relays`` are what the log calls that way: relay=.
    """

    source: str
    target: str
    why: str
    at: str = ""
    domains: tuple[str, ...] = ()
    fault: str = ""
    relays: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Flow:
    """The map: nodes by key, in order, and arrows."""

    nodes: dict[str, Node] = field(default_factory=dict)
    arrows: tuple[Arrow, ...] = ()

    def leaving(self, key: str) -> list[Arrow]:
        """Return the arrows from the node ``key``."""
        return [arrow for arrow in self.arrows if arrow.source == key]

    def coming(self, key: str) -> list[Arrow]:
        """Return the arrows to the node ``key``."""
        return [arrow for arrow in self.arrows if arrow.target == key]


OUTSIDE = Node("outside", Place.OUTSIDE, "outside")
WORLD = Node("world", Place.OUTSIDE, "the recipients' MX")
NOBODY = Node("nobody", Place.NOBODY, "nobody")


def flow(host: HostModel, shown: Iterable[InstanceConfig]) -> Flow:
    """Return the map of the instances ``shown``, with the others that they hand mail to."""
    draw = _FlowDrawing(host)
    for instance in shown:
        draw.instance(instance)
    draw.returns()
    arrows = tuple(_few(draw.nodes, [*_grouped(draw.arrows)]))
    ends = {key for arrow in arrows for key in (arrow.source, arrow.target)}
    kept = {k: n for k, n in draw.nodes.items() if k in ends or n.place is Place.INSTANCE}
    return Flow(kept, arrows)


class _FlowDrawing:
    """The nodes and arrows so far."""

    def __init__(self, host: HostModel) -> None:
        self.host = host
        self.nodes: dict[str, Node] = {}
        self.arrows: list[Arrow] = []
        self._filters: dict[str, Hop | None] = {}

    def instance(self, instance: InstanceConfig) -> None:
        """Draw ``instance`` and all arrows that leave it, and those from outside to it."""
        public = [x for x in instance.listeners if scope_of(x.address) is not Reach.LOOPBACK]
        if public:
            self.nodes[OUTSIDE.key] = OUTSIDE
            places = ", ".join(dict.fromkeys(map(str, public)))
            self._arrow(OUTSIDE.key, self._of(instance), "", places)
        key = self._of(instance)
        if instance.error:
            return
        faults = {hop.destination.text for hop, _ in unheard(self.host, instance)}
        for hop in hops(instance):
            self._hop(key, hop, is_unheard=hop.destination.text in faults)
        for service in instance.enabled_services:
            proxy = destination(service.options.get(PROXY, instance.get(PROXY)))
            if service.command == "smtpd" and proxy:
                direct = replace(proxy, by_mx=False)
                override = service.key if PROXY in service.options else ""
                self._hop(key, Hop(instance, PROXY, override, service, direct), is_unheard=False)
        for route in without_service(instance):
            why = f"{route.parameter} of {route.override}" if route.override else route.parameter
            fault = f"master.cf has no service {route.transport}"
            self._nobody(key, why, route.value, fault, route.answer.key if route.answer else "")
        self._inside(key, instance)
        self._tables(key, instance)

    def _of(self, instance: InstanceConfig) -> str:
        """Return the key of the node of ``instance``, which is drawn with it."""
        states = {True: "running", False: "idle", None: ""}
        state = "broken" if instance.error else states[instance.running]
        listeners = ", ".join(dict.fromkeys(map(str, instance.listeners)))
        where = (
            f"unreadable: {instance.error}"
            if instance.error
            else (f"listens at {listeners}" if listeners else "listens at no address")
        )
        node = Node(
            f"instance {instance.directory}",
            Place.INSTANCE,
            instance.name,
            (instance.directory, where),
            state,
        )
        self.nodes[node.key] = node
        return node.key

    def _hop(self, key: str, hop: Hop, *, is_unheard: bool) -> None:
        why = f"{hop.parameter} of {hop.override}" if hop.override else hop.parameter
        text = hop.destination.text
        domain = hop.answer.key if hop.answer else ""
        is_filter = hop.parameter in {FILTER, PROXY}
        edges = [] if hop.by_mx else [*ends(self.host, hop)]
        if edges and not is_filter:
            for edge in edges:
                relay = str(Endpoint(edge.address, edge.listener.port))
                self._arrow(key, self._of(edge.receiver), why, text, domain, relay=relay)
        elif is_unheard:
            self._nobody(key, why, text, "nobody listens there", domain)
        elif is_filter:
            self._arrow(key, self._filter(hop), why, text, domain, relay=self._relay(hop))
        else:
            self._arrow(key, self._elsewhere(hop), why, text, domain, relay=self._relay(hop))

    def _relay(self, hop: Hop) -> str:
        for address in self.host.resolve(hop.destination.host):
            if hop.port:
                return str(Endpoint(address, hop.port))
        return hop.destination.host.lower()

    def _filter(self, hop: Hop) -> str:
        held = self._holder(hop)
        title = f"content filter {hop.destination.text}"
        node = Node(f"filter {self._relay(hop)}", Place.FILTER, title, (held,) if held else ())
        self.nodes[node.key] = node
        self._filters[node.key] = hop
        for edge in [] if hop.by_mx else [*ends(self.host, hop)]:
            self._arrow(node.key, self._of(edge.receiver), IS_IT, "")
        return node.key

    def _holder(self, hop: Hop) -> str:
        """Return the program of this host that listens where ``hop`` goes, "" for none known."""
        if not hop.port:
            return ""
        for address in self.host.resolve(hop.destination.host):
            wanted = Endpoint(address, hop.port)
            for held in self.host.sockets:
                if held.program and held.endpoint.overlaps(wanted) and self.host.is_own(address):
                    return held.program
        return ""

    def _elsewhere(self, hop: Hop) -> str:
        if held := self._holder(hop):
            node = Node(f"program {self._relay(hop)}", Place.SERVICE, f"{held}, this host")
        else:
            is_mx = " (by MX)" if hop.by_mx else ""
            text = hop.destination.text
            node = Node(f"host {text}", Place.HOST, f"{text}{is_mx}")
        self.nodes[node.key] = node
        return node.key

    def _inside(self, key: str, instance: InstanceConfig) -> None:
        """Draw local delivery, pipes, LMTP over a socket of this host, and delivery by MX."""
        services = {s.name: s for s in instance.enabled_services if s.type != "inet"}
        named = [
            (r.parameter, r.override, r.value, r.transport, r.answer) for r in routes(instance)
        ]
        for parameter, override, value, transport, answer in named:
            service = services.get(transport)
            _, nexthop = split_transport(value)
            node = _service(service, nexthop) if service else None
            if not node:
                continue
            domains = _relayed(instance) if parameter == "relay_transport" else [""]
            is_by_mx = parameter in {"default_transport", "relay_transport"}
            if node is WORLD and (not is_by_mx or instance.get("relayhost")):
                continue
            why = f"{parameter} of {override}" if override else parameter
            self.nodes[node.key] = node
            for domain in [answer.key] if answer else domains:
                relay = "" if node is WORLD else transport
                self._arrow(key, node.key, why, domain=domain, relay=relay)

    def _tables(self, key: str, instance: InstanceConfig) -> None:
        for parameter in ROUTE_TABLES:
            for table in tables_of(instance.get(parameter)):
                plain = table.removeprefix("proxy:")
                if plain.partition(":")[0] not in _ANSWERED:
                    node = Node(f"table {table}", Place.TABLE, f"table {table}")
                    self.nodes[node.key] = node
                    self._arrow(key, node.key, parameter)

    def returns(self) -> None:
        """Draw where content filters hand mail back, as far as anything tells."""
        filters = self._filters or self._amavis()
        for key, hop in filters.items():
            amavisd = [Handback(AMAVISD, to) for to in self.host.filter_returns]
            for back in handbacks(self.host, hop) if hop else amavisd:
                found = [
                    receiver
                    for address in self.host.resolve(back.to.host)
                    for receiver, _ in at(self.host, address, port_of(back.to))
                ]
                for receiver in found:
                    self._arrow(key, self._of(receiver), back.program, back.to.text)
                if not found:
                    self._nobody(key, back.program, back.to.text, "nobody listens there", "")

    def _amavis(self) -> dict[str, Hop | None]:
        """Return amavisd's node where it is there, and no setting leads to it."""
        if not self.host.filter_returns:
            return {}
        node = Node("filter amavisd", Place.FILTER, "content filter amavisd")
        self.nodes[node.key] = node
        return {node.key: None}

    def _nobody(self, key: str, why: str, where: str, fault: str, domain: str) -> None:
        self.nodes[NOBODY.key] = NOBODY
        self._arrow(key, NOBODY.key, why, where, domain, fault=fault)

    def _arrow(
        self,
        source: str,
        target: str,
        why: str,
        where: str = "",
        domain: str = "",
        *,
        fault: str = "",
        relay: str = "",
    ) -> None:
        domains = (domain,) if domain else ()
        relays = frozenset({relay} - {""})
        self.arrows.append(Arrow(source, target, why, where, domains, fault, relays))


def _relayed(instance: InstanceConfig) -> list[str]:
    """Return relay_domains, none where they are the domains that the instance delivers itself."""
    own, local = instance.get("relay_domains"), instance.get("mydestination")
    return [] if own == local else own.replace(",", " ").split()


def _service(service: Service, nexthop: str) -> Node | None:
    """Return what delivers by ``service``; WORLD for smtp, None for what is drawn as a hop."""
    match service.command:
        case "local" | "virtual":
            return Node(
                f"mailboxes {service.command}", Place.SERVICE, f"mailboxes, {service.command}(8)"
            )
        case "lmtp" if nexthop.startswith("unix:"):
            return Node(f"lmtp {nexthop}", Place.SERVICE, f"LMTP at {nexthop}")
        case "pipe":
            return Node(f"pipe {service.name}", Place.SERVICE, f"pipe(8) {service.name}")
        case "error" | "retry" | "discard":
            return Node(
                f"{service.command} {nexthop}", Place.SERVICE, f"{service.command}(8) {nexthop}"
            )
        case "smtp" if not nexthop:
            return WORLD
    return None


def _few(nodes: dict[str, Node], arrows: list[Arrow]) -> Iterator[Arrow]:
    """Yield ``arrows`` with one for the hosts elsewhere that a parameter's tables name, if many."""
    many: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in arrows:
        if arrow.domains and nodes[arrow.target].place is Place.HOST:
            many.setdefault((arrow.source, arrow.why), []).append(arrow)
    for arrow in arrows:
        same = many.get((arrow.source, arrow.why), [])
        if len(same) <= _FEW or arrow not in same:
            yield arrow
        elif arrow == same[0]:
            title = f"{len(same)} next hops elsewhere"
            node = Node(f"hosts {arrow.source} {arrow.why}", Place.HOST, title)
            nodes[node.key] = node
            domains = tuple(dict.fromkeys(d for own in same for d in own.domains))
            relays = frozenset[str]().union(*(own.relays for own in same))
            yield Arrow(arrow.source, node.key, arrow.why, "", domains, "", relays)


def _grouped(arrows: Iterable[Arrow]) -> Iterator[Arrow]:
    """Yield arrows with those that differ by their domains alone in one."""
    found: dict[tuple[str, str, str, str, str], list[Arrow]] = {}
    for arrow in arrows:
        key = (arrow.source, arrow.target, arrow.why, arrow.at, arrow.fault)
        found.setdefault(key, []).append(arrow)
    for (source, target, why, where, fault), same in found.items():
        domains = tuple(dict.fromkeys(d for arrow in same for d in arrow.domains))
        relays = frozenset[str]().union(*(arrow.relays for arrow in same))
        yield Arrow(source, target, why, where, domains, fault, relays)
