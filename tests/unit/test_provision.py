"""What a design decides, from data alone."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from tests.unit.worlds import DEFAULT, SERVICES, World, endpoint

from postwrap.errors import RefusedError, UsageError
from postwrap.host.addresses import split_service
from postwrap.host.model import HeldSocket
from postwrap.provision import options as given
from postwrap.provision.design import InstanceDesign, design_instance, design_role
from postwrap.provision.engine.queue_files import QueueTarget
from postwrap.provision.engine.queue_id import hash_words, renumbered
from postwrap.provision.engine.steps import (
    Install,
    Run,
    Step,
    Uninstall,
    Write,
    restores,
    set_parameters,
    step_from_json,
    step_to_json,
    transcript,
)
from postwrap.provision.identity import derived_hostname
from postwrap.provision.nexthop import remarks
from postwrap.provision.options import CreateOptions, ListenAddress, RoleOptions, parse_address
from postwrap.provision.ownership import Ownership
from postwrap.provision.preconditions import need_free_ports
from postwrap.provision.roles import Role
from postwrap.provision.site import ProvisionSite

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLIC = "88.198.105.204"
STATED = {
    "myhostname": "mail.example.com",
    "mydestination": "$myhostname, localhost",
    "smtpd_recipient_restrictions": "reject_unknown_sender_domain",
    "content_filter": "smtp:[127.0.0.1]:10024",
    "inet_interfaces": "all",
}
OUT = f"{DEFAULT}-out"
INSIDE = "127.0.0.1:10025 inet n - n - - smtpd"


def host(stated: dict[str, str] | None = None, services: Sequence[str] = ()) -> World:
    """A host with one instance."""
    master = [*(services or (*SERVICES, INSIDE))]
    addresses = dict.fromkeys(("127.0.0.1", PUBLIC, "10.0.0.1", "::1"), "lo")
    return World({DEFAULT: dict(stated or STATED)}, {DEFAULT: master}, addresses)


def options(*addresses: str, **more: object) -> CreateOptions:
    return CreateOptions("out", given.addresses(addresses), **more)  # type: ignore[arg-type]


def draft(wanted: CreateOptions, world: World | None = None) -> InstanceDesign:
    return design_instance(wanted, (world or host()).site())


def test_a_copy_is_an_instance_of_its_own() -> None:
    made = draft(options("10.0.0.1"))
    assert made.directory == "/etc/postfix-out"
    assert made.get("queue_directory") == "/var/spool/postfix-out"
    assert made.get("myhostname") == "out.example.com"
    assert made.get("smtp_helo_name") == made.get("myorigin") == "mail.example.com"
    assert made.get("mydestination") == "$myhostname, localhost, mail.example.com"
    assert made.get("multi_instance_enable") == "no"
    assert made.get("mynetworks").split() == ["127.0.0.0/8", "10.0.0.1/32", f"{PUBLIC}/32"]
    assert dict(made.dropped) == {
        "content_filter": "smtp:[127.0.0.1]:10024",
        "smtpd_recipient_restrictions": "reject_unknown_sender_domain",
    }
    assert made.overrides == {"relay/unix/syslog_name": "postfix-out/$service_name"}


def test_listening_does_not_choose_the_sender() -> None:
    made = draft(options("10.0.0.1", "2001:db8::1"))
    assert made.get("inet_interfaces") == "10.0.0.1, 2001:db8::1"
    assert (made.get("smtp_bind_address"), made.get("smtp_bind_address6")) == ("0.0.0.0", "::")
    assert list(map(str, made.endpoints)) == ["10.0.0.1:25", "[2001:db8::1]:25"]
    assert [name for b in made.bindings for name in b.names] == [
        "10.0.0.1:smtp",
        "[2001:db8::1]:smtp",
    ]


def test_all_becomes_a_list_without_what_is_given_up() -> None:
    assert draft(options("10.0.0.1")).interfaces == f"127.0.0.1, {PUBLIC}, ::1"
    assert draft(options("10.0.0.1:2525")).interfaces == ""
    with pytest.raises(RefusedError, match="needs for itself"):
        draft(options("127.0.0.1"))
    with pytest.raises(RefusedError, match="needs for itself"):
        draft(options("10.0.0.1", PUBLIC))


def test_without_an_address_nothing_listens() -> None:
    made = draft(options())
    assert made.endpoints == ()
    assert made.get("master_service_disable") == "inet"
    with pytest.raises(RefusedError, match="has to listen somewhere"):
        draft(options(shared=RoleOptions(role=Role.FALLBACK_RELAY)))


SUBMISSION = "submission inet n - n - - smtpd"


def test_a_service_that_is_turned_off_is_not_bound() -> None:
    """What `check` says that the default instance listens at is what a copy has."""
    services = (*SERVICES, SUBMISSION, "unused unix - - n - - pipe")
    world = host(STATED | {"master_service_disable": "submission/inet, unused/unix"}, services)
    made = draft(options("10.0.0.1"), world)
    assert list(map(str, made.endpoints)) == ["10.0.0.1:25"]
    assert made.get("master_service_disable") == "unused/unix"
    assert [b.service.name for b in made.bindings if not b.names] == ["submission"]
    # One that listens nowhere is still a model of what listens.
    world = host(STATED | {"master_service_disable": "inet"}, services)
    assert len(draft(options("10.0.0.1"), world).endpoints) == 2
    assert draft(options(), world).get("master_service_disable") == "inet"


def test_a_source_without_an_smtp_service_is_refused() -> None:
    with pytest.raises(RefusedError, match="has no smtp service"):
        draft(options("10.0.0.1:2525"), host(services=(INSIDE,)))
    with pytest.raises(RefusedError, match="is not an instance of this host"):
        draft(options("10.0.0.1", source="/etc/postfix-none"))


def test_a_backup_mx_keeps_its_checks() -> None:
    made = draft(
        options("10.0.0.1", shared=RoleOptions(role=Role.BACKUP_MX, relay_domains="example.org"))
    )
    assert "smtpd_recipient_restrictions" not in made.dropped
    assert made.get("maximal_queue_lifetime") == "20d"
    shorter = RoleOptions(role=Role.BACKUP_MX, relay_domains="example.org", queue_lifetime="9d")
    assert draft(options("10.0.0.1", shared=shorter)).get("maximal_queue_lifetime") == "9d"


def test_what_is_set_wins() -> None:
    shared = RoleOptions(role=Role.FALLBACK_RELAY, settings={"myhostname": "x.example.com"})
    assert draft(options("10.0.0.1", shared=shared)).get("myhostname") == "x.example.com"


def test_steps_end_with_the_instance_turned_on() -> None:
    steps = host().create(options("10.0.0.1"))
    shells = [step.do.shell for step in steps]
    off = next(i for i, line in enumerate(shells) if "multi_instance_enable=no" in line)
    place = shells.index("mv /etc/.postwrap.postfix-out /etc/postfix-out")
    known = next(i for i, line in enumerate(shells) if "multi_instance_directories=" in line)
    on = shells.index("postconf -c /etc/postfix-out -e multi_instance_enable=yes")
    assert off < place < known < on
    lines = transcript(steps).splitlines()
    assert lines[:2] == ["(", "set -e"]
    assert lines[-1] == ")"


def test_a_copy_of_the_default_instance_has_nothing_of_others_roles() -> None:
    world = host()
    world.create(options("10.0.0.1", shared=RoleOptions(role=Role.CONTENT_FILTER)))
    assert world.main[DEFAULT]["receive_override_options"] == "no_address_mappings"
    world.create(CreateOptions("more", given.addresses(["10.0.0.1:2525"])))
    more = world.main[f"{DEFAULT}-more"]
    assert "receive_override_options" not in more
    assert "content_filter" not in more


def test_where_mail_bounced_a_role_lets_it_pass_and_goes_on_doing_so() -> None:
    """Debian's "Local only"; a second role of the kind knows that it bounced before the first."""
    world = host(STATED | {"default_transport": "error", "relay_transport": "error:5.1.1 not here"})
    before = dict(world.main[DEFAULT])
    world.addresses["10.0.0.2"] = "lo"
    for name, address in (("a", "10.0.0.1"), ("b", "10.0.0.2")):
        shared = RoleOptions(role=Role.OUTBOUND)
        world.create(CreateOptions(name, given.addresses([address]), shared=shared))
        for directory in (DEFAULT, f"{DEFAULT}-{name}"):
            assert not {"default_transport", "relay_transport"} & {*world.main[directory]}
    assert world.plan_role("a", RoleOptions(role=Role.OUTBOUND))[0]
    world.remove("a")
    assert "default_transport" not in world.main[DEFAULT]
    world.remove("b")
    assert world.main[DEFAULT] == before


def test_what_somebody_made_by_hand_keeps_its_checks() -> None:
    world = host()
    copied = {k: v for k, v in STATED.items() if k != "content_filter"}
    world.main[OUT] = copied | {"myhostname": "mail.example.com", "queue_directory": "/q"}
    world.master[OUT] = ["10.0.0.1:smtp inet n - n - - smtpd", *SERVICES[1:]]
    before = dict(world.main[OUT])
    world.role("out", RoleOptions(role=Role.OUTBOUND))
    assert world.main[OUT]["smtpd_recipient_restrictions"] == "reject_unknown_sender_domain"
    assert world.main[OUT]["myhostname"] == "out.example.com"
    assert world.plan_role("out", RoleOptions(role=Role.OUTBOUND))[0] == []
    world.role("out", RoleOptions(role=Role.BACKUP_MX, relay_domains="example.org"))
    assert world.main[OUT] == before | {
        "maximal_queue_lifetime": "20d",
        "relay_domains": "example.org",
        "mydestination": "$myhostname, localhost, mail.example.com",
        "myhostname": "out.example.com",
        "mynetworks": f"127.0.0.0/8 10.0.0.1/32 {PUBLIC}/32",
        "myorigin": "mail.example.com",
        "smtp_helo_name": "mail.example.com",
    }


def test_what_cannot_be_is_refused() -> None:
    world = host()
    default = world.model().instances[0]
    with pytest.raises(RefusedError, match="is the default instance"):
        design_role(RoleOptions(), world.site(), default)
    shared = RoleOptions(role=Role.OUTBOUND, hostname="mail.example.com")
    with pytest.raises(RefusedError, match="mail between them loops"):
        draft(options("10.0.0.1", shared=shared))
    named = host()
    named.create(options("10.0.0.1"))
    named.role("out", RoleOptions(hostname="mail.example.com"))
    with pytest.raises(RefusedError, match="mail between them loops"):
        named.role("out", RoleOptions(role=Role.OUTBOUND))
    shared = RoleOptions(role=Role.CONTENT_FILTER, filter="localhost")
    with pytest.raises(RefusedError, match="is not HOST:PORT"):
        draft(options("10.0.0.1", shared=shared))
    services = (*SERVICES, "out-filter unix - n n - - pipe user=app argv=/x")
    shared = RoleOptions(role=Role.CONTENT_FILTER)
    with pytest.raises(RefusedError, match="has a service out-filter already"):
        draft(options("10.0.0.1", shared=shared), host(services=services))
    with pytest.raises(RefusedError, match=r"cannot speak to 10\.0\.0\.1"):
        draft(
            options("10.0.0.1", shared=RoleOptions(role=Role.OUTBOUND)),
            host(STATED | {"inet_protocols": "ipv6"}),
        )


def free_ports(site: ProvisionSite, design: InstanceDesign) -> None:
    need_free_ports(site, design.endpoints, design.interfaces)


def test_what_is_taken_is_refused() -> None:
    inside = STATED | {"inet_interfaces": "127.0.0.1"}
    world = host(inside, (*SERVICES, "10.0.0.1:2525 inet n - n - - smtpd"))
    made = draft(options("10.0.0.1:2525"), world)
    with pytest.raises(RefusedError, match="gives it to the default instance"):
        free_ports(world.site(), made)
    world = host(inside)
    world.sockets.append(HeldSocket(endpoint("[::]:2525"), frozenset({7}), "python3"))
    with pytest.raises(RefusedError, match="python3 listens at"):
        free_ports(world.site(), draft(options("10.0.0.1:2525"), world))
    free_ports(world.site(), draft(options("10.0.0.1:2526"), world))
    world.create(options("10.0.0.1"))
    with pytest.raises(RefusedError, match="/etc/postfix-out listens there"):
        free_ports(world.site(), draft(options("10.0.0.1"), world))


def test_postscreens_have_a_cache_each_and_services_their_tag() -> None:
    services = (
        "smtp inet n - y - 1 postscreen",
        f"{SUBMISSION} -o syslog_name=postfix/submission -o content_filter=smtp:[127.0.0.1]:10026",
        "named unix - - y - - smtp -o syslog_name=${multi_instance_name}/x",
        INSIDE,
    )
    made = draft(options("10.0.0.1", "2001:db8::25"), host(services=services))
    assert made.overrides == {
        "10.0.0.1:submission/inet/syslog_name": "postfix-out/submission",
        "[2001:db8::25]:submission/inet/syslog_name": "postfix-out/submission",
        "10.0.0.1:submission/inet/content_filter": None,
        "[2001:db8::25]:submission/inet/content_filter": None,
        "[2001:db8::25]:smtp/inet/postscreen_cache_map": (
            "btree:$data_directory/postscreen_cache-2"
        ),
    }
    assert made.dropped["submission/inet/content_filter"] == "smtp:[127.0.0.1]:10026"


def test_shell_lines_are_quoted() -> None:
    run = set_parameters("/etc/postfix-out", {"a": "$b 'c'", "d": None})
    assert run.shell.splitlines() == [
        "postconf -c /etc/postfix-out -X d",
        "postconf -c /etc/postfix-out -e 'a=$b '\"'\"'c'\"'\"''",
    ]
    assert Write("/x y", "one\ntwo $x\n").shell == "printf '%s\\n' one 'two $x' >'/x y'"
    assert Run((("a",),), (0, 1)).shell == "a || [ $? -eq 1 ]"


def test_only_what_changes_is_restored() -> None:
    made = restores("/etc/postfix", {"a": "1", "b": None, "c": "3"}, {"a": "1", "b": "2"})
    assert [(r.parameter, r.written, r.before) for r in made] == [
        ("b", None, "2"),
        ("c", "3", None),
    ]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("10.0.0.1", ("10.0.0.1", None)),
        ("10.0.0.1:2525", ("10.0.0.1", 2525)),
        ("2001:DB8::1", ("2001:db8::1", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("[2001:db8::1]:25", ("2001:db8::1", 25)),
    ],
)
def test_addresses(text: str, parsed: tuple[str, int | None]) -> None:
    assert parse_address(text) == ListenAddress(ip_address(parsed[0]), parsed[1])


@pytest.mark.parametrize(
    "text",
    ["", "host", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:99999", "10.0.0.1:x", "[::1]x", "1.2.3"],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(UsageError, match="--address"):
        parse_address(text)


@pytest.mark.parametrize(
    "name", ["", "-out", ".out", "default", "postfix", "postfix-out", "a b", "a/b", "ä", "a" * 101]
)
def test_no_names(name: str) -> None:
    with pytest.raises(UsageError):
        CreateOptions(name)


@pytest.mark.parametrize("word", ["out", "postfix-out", "/etc/postfix-out", "/etc/postfix-out/"])
def test_a_name_may_be_written_in_full(word: str) -> None:
    assert given.instance_name(word) == "out"


def test_services() -> None:
    assert split_service("smtp") == ("", "smtp")
    assert split_service("127.0.0.1:10025") == ("127.0.0.1", "10025")
    assert split_service("[::1]:smtp") == ("::1", "smtp")


def test_next_hops_that_look_up_mx_records() -> None:
    (said,) = remarks("relayhost", "example.net, [host]:25 [10.0.0.1]")
    assert said.startswith("relayhost: example.net means an MX lookup")
    (said,) = remarks("relayhost", "10.0.0.1:25")
    assert "wants brackets" in said


def test_queue_ids() -> None:
    # 9385A2A5: the microseconds 0x9385A, then the inode 0x2A5.
    assert hash_words("9385A2A5") == "9385A2A5"
    assert renumbered("9385A2A5", 0x2A6) == "9385A2A6"
    # Four digits of base 52, zyzz being beyond a million, hold the microseconds of a long ID.
    assert hash_words("4ZbqXs0000zBC") == "00000"
    assert hash_words("4ZbqXs0010zBC") == f"{52:05X}"
    assert renumbered("4ZbqXs0010zBC", 51 * 2 + 10) == "4ZbqXs0010z2B"
    target = QueueTarget("/q", frozenset({"deferred"}), 2)
    assert target.path("deferred", "9385A2A5") == "deferred/9/3/9385A2A5"
    assert target.path("hold", "9385A2A5") == "hold/9385A2A5"


def test_host_names() -> None:
    assert derived_hostname("out", "mail.example.com") == "out.example.com"
    assert derived_hostname("Out_2", "mail.example.com") == "out-2.example.com"
    assert derived_hostname("out", "mail") == "out.mail"


def test_two_addresses_for_one_sender_are_refused() -> None:
    shared = RoleOptions(same_source_address=True)
    with pytest.raises(RefusedError, match="--same-source-address"):
        draft(options("88.198.105.205", "88.198.105.206", shared=shared))
    made = draft(options("88.198.105.205", shared=shared))
    assert made.get("smtp_bind_address") == "88.198.105.205"
    # The default instance receives at a public address; the secondary's own is private.
    assert draft(options("10.0.0.1", shared=shared)).get("smtp_bind_address") == PUBLIC
    inside = host(STATED | {"inet_interfaces": "127.0.0.1"})
    with pytest.raises(RefusedError, match="no address receives"):
        draft(options(shared=shared), inside)


def test_a_certificate_takes_the_place_of_all_others() -> None:
    shared = RoleOptions(tls_cert="/etc/a.pem", tls_key="/etc/a.key")
    world = host(STATED | {"smtpd_tls_chain_files": "/etc/b.pem"})
    made = draft(options("10.0.0.1", shared=shared), world)
    assert made.parameters["smtpd_tls_chain_files"] is None
    assert made.get("smtpd_tls_security_level") == "may"
    shared = RoleOptions(header_checks="regexp:/etc/h", body_checks="regexp:/etc/b")
    made = draft(options("10.0.0.1", shared=shared))
    assert (made.get("header_checks"), made.get("body_checks")) == (
        "regexp:/etc/h",
        "regexp:/etc/b",
    )


def test_settings() -> None:
    assert given.settings(["a=b=c", " d = e "]) == {"a": "b=c", "d": "e"}
    for wrong in ("a", "=b", "a b=c", "a=b\nc"):
        with pytest.raises(UsageError, match="--set"):
            given.settings([wrong])


def test_every_role_has_a_module_of_its_own() -> None:
    for role in Role:
        assert role.definition.summary


@pytest.mark.parametrize(
    ("argv", "accept", "operation", "shell"),
    [
        (["postwrap", "install"], [0, 1], Install(), "postwrap install || [ $? -eq 1 ]"),
        (
            ["postwrap", "install", "/etc/postfix-out"],
            [0, 1],
            Install(("/etc/postfix-out",)),
            "postwrap install /etc/postfix-out || [ $? -eq 1 ]",
        ),
        (
            ["postwrap", "uninstall", "out"],
            [0, 1, 3],
            Uninstall(("out",), tolerant=True),
            "postwrap uninstall out || [ $? -eq 1 ]",
        ),
        (
            ["postwrap", "uninstall"],
            [0, 1],
            Uninstall(),
            "postwrap uninstall || [ $? -eq 1 ]",
        ),
    ],
)
def test_older_records_ran_postwrap_as_a_program(
    argv: list[str], accept: list[int], operation: Install | Uninstall, shell: str
) -> None:
    """They are read as the operations of today, which say the same and are written as such."""
    older = {"operation": "Run", "commands": [argv], "accept": accept}
    step = step_from_json({"title": "t", "do": older, "undo": [older], "lasting": False})
    assert step == Step("t", operation, (operation,))
    assert operation.shell == Run((tuple(argv),), tuple(accept)).shell == shell
    written = json.loads(json.dumps(step_to_json(step)))
    assert written["do"]["operation"] == type(operation).__name__
    assert step_from_json(written) == step


def test_who_came_while_an_address_was_given_away_is_not_overlapped_later() -> None:
    """The default instance listened everywhere before the first, and would after it again."""
    world = host()
    world.addresses["10.0.0.7"] = "lo"
    world.create(options("10.0.0.1"))
    listed = world.main[DEFAULT]["inet_interfaces"] = f"127.0.0.1, {PUBLIC}, ::1"
    world.owned = Ownership(
        tuple(
            replace(c, value=listed) if c.key.name == "inet_interfaces" else c
            for c in world.owned.claims
        )
    )
    steps = world.create(CreateOptions("more", given.addresses(["10.0.0.7"])))
    assert not any("inet_interfaces=127" in s.do.shell for s in steps)
    world.remove("out")
    assert world.main[DEFAULT]["inet_interfaces"] == listed
    world.remove("more")
    assert world.main[DEFAULT]["inet_interfaces"] == "all"
