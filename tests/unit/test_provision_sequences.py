"""create, role and remove in any order, on generated hosts: what holds whatever is asked for."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from tests.unit.worlds import DEFAULT, SERVICES, World

from postwrap.errors import RefusedError
from postwrap.provision import options as given_options
from postwrap.provision.again import differences, listing, request_of
from postwrap.provision.options import CreateOptions, RoleOptions
from postwrap.provision.plan import is_settled
from postwrap.provision.roles import Role

PUBLIC = "88.198.105.204"
NAMES = ("a", "b", "c")
STATED: dict[str, list[str]] = {
    "myhostname": ["mail.example.com"],
    "relayhost": ["[192.0.2.25]:25", "[10.0.0.1]:25"],
    "smtp_fallback_relay": ["[10.0.0.1]:25"],
    "content_filter": ["smtp:[127.0.0.1]:10024"],
    "receive_override_options": ["no_milters"],
    "default_transport": ["error", "error:5.1.1 not here", "smtp"],
    "relay_transport": ["error"],
    "smtp_connect_timeout": ["10s", "7s"],
    "maximal_queue_lifetime": ["20d", "3d"],
    "mynetworks": ["127.0.0.0/8, 10.0.0.0/8"],
    "smtpd_client_restrictions": ["permit_sasl_authenticated, reject"],
    "smtpd_recipient_restrictions": ["reject_unknown_sender_domain"],
    "smtpd_proxy_filter": ["127.0.0.1:10026"],
    "smtpd_tls_security_level": ["encrypt"],
    "smtp_bind_address": [PUBLIC],
    "inet_interfaces": ["all", f"127.0.0.1, {PUBLIC}, 10.0.0.1", f"127.0.0.1, {PUBLIC}"],
    "multi_instance_directories": ["/etc/postfix-old", "/etc/postfix-old /etc/postfix-older"],
    "alternate_config_directories": ["/etc/postfix-old, /etc/postfix-older"],
    "master_service_disable": ["submission/inet"],
    "authorized_submit_users": [""],
}
WRAPPER = "${command_directory}/postmulti -p --"
SUBMISSION = "submission inet n - n - - smtpd -o syslog_name=postfix/submission"
INSIDE = "127.0.0.1:10025 inet n - n - - smtpd -o content_filter="


def one_of_each(table: dict[str, list[str]]) -> st.SearchStrategy[dict[str, str]]:
    """Some of the parameters, each with one of its values."""
    drawn = {name: st.sampled_from(values) for name, values in table.items()}
    return st.fixed_dictionaries({}, optional=drawn)


def world_of(main: dict[str, str], more: list[str], amavis: str) -> World:
    if "multi_instance_directories" in main:
        # postmulti(1) sets these with it.
        main |= {"multi_instance_wrapper": WRAPPER, "multi_instance_enable": "yes"}
    return World(main={DEFAULT: main}, master={DEFAULT: [*SERVICES, *more]}, amavis=amavis)


WORLDS = st.builds(
    world_of,
    one_of_each(STATED),
    st.lists(st.sampled_from([SUBMISSION, INSIDE]), unique=True),
    st.sampled_from(["", "/etc/amavis/conf.d"]),
)
CERTIFICATE = "/etc/ssl/own.pem"
FITTING: dict[Role | None, dict[str, list[str]]] = {
    None: {"relay_domains": ["", "example.org"]},
    Role.FALLBACK_RELAY: {"next_hop": ["", "[10.0.0.1]:25", "relay.example.net"]},
    Role.OUTBOUND: {"next_hop": ["", "[10.0.0.1]:25"]},
    Role.CONTENT_FILTER: {"filter": ["", "127.0.0.1:10030", "[::1]:10030", "10.0.0.9:10024"]},
    Role.BACKUP_MX: {"relay_domains": ["example.org", "example.org example.net"]},
}
"""What only means something with a role."""


@st.composite
def role_options(draw: st.DrawFn) -> RoleOptions:
    """What may be asked of role: every role, and every option that it may have."""
    role = draw(st.none() | st.sampled_from(Role))
    fitting = FITTING[role].items()
    own: dict[str, Any] = {name: draw(st.sampled_from(values)) for name, values in fitting}
    certificate = draw(st.sampled_from(["", CERTIFICATE]))
    settings = {"maximal_queue_lifetime": ["2d"], "smtp_helo_timeout": ["45s"]}
    return RoleOptions(
        role=role,
        same_source_address=draw(st.booleans()),
        queue_lifetime=draw(st.sampled_from(["", "1d"])),
        tls_cert=certificate,
        tls_key=certificate,
        header_checks=draw(st.sampled_from(["", "regexp:/etc/checks"])),
        body_checks=draw(st.sampled_from(["", "regexp:/etc/checks"])),
        hostname=draw(st.sampled_from(["", "out.example.org"])),
        helo_name=draw(st.sampled_from(["", "helo.example.org"])),
        mynetworks=draw(st.sampled_from(["", "10.1.0.0/16", "127.0.0.0/8 10.0.0.0/8"])),
        settings=draw(one_of_each(settings)),
        **own,
    )


ROLE_OPTIONS = role_options()
ADDRESSES = st.lists(
    st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.2:2525", "10.0.0.7", "2001:db8::25"]),
    max_size=2,
    unique=True,
)


@st.composite
def create_options(draw: st.DrawFn, name: str) -> CreateOptions:
    """What may be asked of create."""
    addresses = given_options.addresses(draw(ADDRESSES))
    return CreateOptions(
        name,
        addresses,
        add_address="lo" if addresses else "",
        group=draw(st.sampled_from(["", "outgoing"])),
        postmulti=draw(st.booleans()),
        start=draw(st.booleans()),
        shared=draw(ROLE_OPTIONS),
    )


def exists(world: World, name: str) -> bool:
    return f"{DEFAULT}-{name}" in world.main


def ask(world: World, data: st.DataObject) -> None:
    """One request, which may be refused."""
    name = data.draw(st.sampled_from(NAMES))
    try:
        if not exists(world, name):
            world.create(data.draw(create_options(name)))
            event("created")
        elif data.draw(st.integers(0, 3)):
            world.role(name, data.draw(ROLE_OPTIONS))
            event("given a role")
        else:
            world.remove(name)
            event("removed")
    except RefusedError as error:
        event(f"refused: {str(error).partition(': ')[2][:30]}")


quick = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(WORLDS, st.data())
def test_any_sequence_leaves_the_default_instance_as_it_was(
    world: World, data: st.DataObject
) -> None:
    before = world.snapshot()
    for _ in range(data.draw(st.integers(1, 7))):
        ask(world, data)
    for name in data.draw(st.permutations(NAMES)):
        if exists(world, name):
            world.remove(name)
    assert _without_commas(world) == _without_commas(before)
    assert world.owned.claims == ()


def _without_commas(world: World) -> World:
    """A list that an instance was in is written with blanks from then on, as postmulti does."""
    kept = world.snapshot()
    main = kept.main[DEFAULT]
    if listed := main.get("multi_instance_directories"):
        main["multi_instance_directories"] = listed.replace(",", " ")
    return kept


@quick
@given(WORLDS, st.data(), ROLE_OPTIONS)
def test_a_role_given_twice_is_a_role_given_once(
    world: World, data: st.DataObject, options: RoleOptions
) -> None:
    for _ in range(data.draw(st.integers(1, 5))):
        ask(world, data)
    name = data.draw(st.sampled_from(NAMES))
    assume(exists(world, name))
    try:
        world.role(name, options)
    except RefusedError:
        assume(False)
    steps, planned = world.plan_role(name, options)
    assert steps == []
    assert is_settled(planned, world.owned)


@quick
@given(WORLDS, st.data())
def test_a_role_given_later_is_a_role_given_at_once(world: World, data: st.DataObject) -> None:
    """So it is with another one in between."""
    role, between = data.draw(st.sampled_from(Role)), data.draw(st.sampled_from(Role))
    addresses = given_options.addresses(["10.0.0.1"])
    apart = World(world.main, world.master, amavis=world.amavis).snapshot()
    domains = {"relay_domains": "example.org"}

    def only(role: Role) -> RoleOptions:
        return RoleOptions(role=role, settings=domains)

    try:
        world.create(CreateOptions("a", addresses, shared=only(role)))
        apart.create(CreateOptions("a", addresses, shared=only(between)))
    except RefusedError:
        assume(False)
    apart.role("a", only(role))
    assert apart.main[DEFAULT] == world.main[DEFAULT]
    assert apart.files == world.files
    assert _texts(apart) == _texts(world)
    assert apart.main[f"{DEFAULT}-a"] == world.main[f"{DEFAULT}-a"]


@quick
@given(WORLDS, st.data(), create_options("a"))
def test_the_same_create_again_finds_nothing_that_differs(
    world: World, data: st.DataObject, options: CreateOptions
) -> None:
    """Whatever was asked for and whatever happened to others meanwhile; recorded or not."""
    try:
        world.create(options)
    except RefusedError:
        assume(False)
    for name in data.draw(st.lists(st.sampled_from(["b", "c"]), unique=True)):
        with suppress(RefusedError):
            world.create(CreateOptions(name, data.draw(st.sampled_from([(), OTHERS]))))
    config = world.config(f"{DEFAULT}-a")
    for recorded in (request_of(options), None):
        listed = listing(world.config(DEFAULT), config.directory)
        assert list(differences(options, recorded, config, listed)) == []
    steps, _ = world.plan_role("a", options.shared)
    assert steps == []


OTHERS = given_options.addresses(["10.0.0.2:2526"])


@quick
@given(create_options("a"), create_options("a"))
def test_what_is_asked_for_otherwise_is_named(one: CreateOptions, other: CreateOptions) -> None:
    """Each option of create's own that is not as it was, by its name."""
    shared = {"--role", "--set"} | set(map("--{}".format, ROLE_FLAGS))
    before, now = request_of(one), request_of(other)
    config = World().config(DEFAULT)
    changed = {
        option
        for option in before.keys() | now.keys()
        if before.get(option) != now.get(option) and option.partition(" ")[0] not in shared
    }
    gone = {option for option in before.keys() - now.keys() if option.partition(" ")[0] in shared}
    told = [text for text in differences(other, before, config, "") if "created with" in text]
    for option in changed | gone:
        assert any(option in text for text in told), (option, told)
    assert len(told) == len(changed | gone)


ROLE_FLAGS = (
    *("same-source-address", "queue-lifetime", "tls-cert", "tls-key", "header-checks"),
    *("body-checks", "filter", "next-hop", "hostname", "helo-name", "mynetworks", "relay-domains"),
)


def _texts(world: World) -> set[str]:
    return {line for lines in world.master.values() for line in lines}


@quick
@given(WORLDS, st.data())
def test_no_two_instances_listen_at_one_place(world: World, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 5))):
        ask(world, data)
    instances = world.model().instances
    for one, other in combinations(instances, 2):
        for mine in one.listeners:
            assert not any(mine.endpoint.overlaps(its.endpoint) for its in other.listeners)


@quick
@given(WORLDS, st.data())
def test_whatever_was_begun_can_be_undone(world: World, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(0, 3))):
        ask(world, data)
    before = world.snapshot()
    name = data.draw(st.sampled_from(NAMES))
    try:
        if exists(world, name):
            steps = world.role(name, data.draw(ROLE_OPTIONS))
        else:
            steps = world.create(data.draw(create_options(name)))
    except RefusedError:
        assume(False)
        return
    taken = data.draw(st.integers(0, len(steps)))
    begun = World(**vars(before.snapshot()))
    for step in steps[:taken]:
        begun.do(step.do)
    begun.undo(steps[:taken])
    assert begun.snapshot() == before


EDITED = ("relayhost", "smtp_fallback_relay", "content_filter", "smtp_connect_timeout")


@quick
@given(WORLDS, st.data())
def test_what_somebody_else_has_set_stays(world: World, data: st.DataObject) -> None:
    wanted = dict(world.main[DEFAULT])
    for number in range(data.draw(st.integers(1, 6))):
        ask(world, data)
        if data.draw(st.booleans()):
            name = data.draw(st.sampled_from(EDITED))
            world.main[DEFAULT][name] = wanted[name] = f"[by-hand-{number}.example]"
    for name in data.draw(st.permutations(NAMES)):
        if exists(world, name):
            world.remove(name)
    found = world.main[DEFAULT]
    assert {n: found.get(n) for n in EDITED} == {n: wanted.get(n) for n in EDITED}
