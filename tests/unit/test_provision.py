"""What a recipe decides, from data alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from postwrap.errors import RefusedError, UsageError
from postwrap.filesystem import Filesystem
from postwrap.provision import options as given
from postwrap.provision.draft import draft
from postwrap.provision.facts import Configured, Entry, Facts
from postwrap.provision.identity import derived_hostname
from postwrap.provision.journal import Journal, Record, State, finished
from postwrap.provision.listeners import Endpoint, Listener, parse_address, split_service
from postwrap.provision.nexthop import remarks
from postwrap.provision.options import Address, CreateOptions, Role, RoleOptions
from postwrap.provision.queue_id import hash_words, renumbered
from postwrap.provision.recipe import create_steps
from postwrap.provision.requeue import Target
from postwrap.provision.service import Service
from postwrap.provision.steps import (
    Rename,
    Restore,
    Run,
    Step,
    Write,
    kept,
    restores,
    set_parameters,
    step_from_json,
    step_to_json,
    transcript,
)

if TYPE_CHECKING:
    from pathlib import Path

PUBLIC = "88.198.105.204"
SMTP = Entry("smtp", "inet", True, "smtp inet n - y - - smtpd")
STATED = {
    "myhostname": "mail.example.com",
    "mydestination": "$myhostname, localhost",
    "smtpd_recipient_restrictions": "reject_unknown_sender_domain",
    "content_filter": "smtp:[127.0.0.1]:10024",
    "inet_interfaces": "all",
}
DEFAULT = Configured(
    directory="/etc/postfix",
    name="default",
    parameters=STATED
    | {
        "queue_directory": "/var/spool/postfix",
        "data_directory": "/var/lib/postfix",
        "syslog_name": "postfix",
        "myorigin": "mail.example.com",
        "mydestination": "mail.example.com, localhost",
        "mynetworks": "127.0.0.0/8",
        "smtp_helo_name": "mail.example.com",
        "inet_protocols": "all",
        "multi_instance_enable": "no",
    },
    stated=STATED,
    services=(
        SMTP,
        Entry("127.0.0.1:10025", "inet", False, "127.0.0.1:10025 inet n - n - - smtpd"),
    ),
    overrides={"relay/unix/syslog_name": "postfix/$service_name"},
    endpoints=(Endpoint("0.0.0.0", 25), Endpoint("::", 25), Endpoint("127.0.0.1", 10025)),
    running=True,
)
FACTS = Facts(
    default=DEFAULT,
    others=(),
    addresses=("127.0.0.1", PUBLIC, "10.0.0.1", "::1"),
    listeners=(),
    default_service=Service("/etc/postfix"),
    owner="postfix",
    owner_group="postfix",
)


def options(*addresses: str, **more: object) -> CreateOptions:
    return CreateOptions("out", given.addresses(addresses), **more)  # type: ignore[arg-type]


def test_a_copy_is_an_instance_of_its_own() -> None:
    made = draft(options("10.0.0.1"), FACTS)
    assert made.directory == "/etc/postfix-out"
    assert made["queue_directory"] == "/var/spool/postfix-out"
    assert made["myhostname"] == "out.example.com"
    assert made["smtp_helo_name"] == made["myorigin"] == "mail.example.com"
    assert made["mydestination"] == "$myhostname, localhost, mail.example.com"
    assert made["multi_instance_enable"] == "no"
    assert made["mynetworks"].split() == ["127.0.0.0/8", "10.0.0.1/32", f"{PUBLIC}/32"]
    assert dict(made.dropped) == {
        "content_filter": "smtp:[127.0.0.1]:10024",
        "smtpd_recipient_restrictions": "reject_unknown_sender_domain",
    }
    assert made.overrides == {"relay/unix/syslog_name": "postfix-out/$service_name"}


def test_listening_does_not_choose_the_sender() -> None:
    made = draft(options("10.0.0.1", "2001:db8::1"), FACTS)
    assert made["inet_interfaces"] == "10.0.0.1, 2001:db8::1"
    assert (made["smtp_bind_address"], made["smtp_bind_address6"]) == ("0.0.0.0", "::")
    assert made.endpoints == (Endpoint("10.0.0.1", 25), Endpoint("2001:db8::1", 25))
    assert [name for b in made.bindings for name in b.names] == [
        "10.0.0.1:smtp",
        "[2001:db8::1]:smtp",
    ]


def test_all_becomes_a_list_without_what_is_given_up() -> None:
    assert draft(options("10.0.0.1"), FACTS).interfaces == f"127.0.0.1, {PUBLIC}, ::1"
    assert draft(options("10.0.0.1:2525"), FACTS).interfaces == ""
    with pytest.raises(RefusedError, match="needs for itself"):
        draft(options("127.0.0.1"), FACTS)
    with pytest.raises(RefusedError, match="needs for itself"):
        draft(options("10.0.0.1", PUBLIC), FACTS)


def test_without_an_address_nothing_listens() -> None:
    made = draft(options(), FACTS)
    assert made.endpoints == ()
    assert made["master_service_disable"] == "inet"
    with pytest.raises(RefusedError, match="has to listen somewhere"):
        draft(options(shared=RoleOptions(role=Role.FALLBACK_RELAY)), FACTS)


def test_a_backup_mx_keeps_its_checks() -> None:
    made = draft(options("10.0.0.1", shared=RoleOptions(role=Role.BACKUP_MX)), FACTS)
    assert "smtpd_recipient_restrictions" not in made.dropped
    assert made["maximal_queue_lifetime"] == "20d"
    shorter = RoleOptions(role=Role.BACKUP_MX, queue_lifetime="9d")
    assert draft(options("10.0.0.1", shared=shorter), FACTS)["maximal_queue_lifetime"] == "9d"


def test_what_is_set_wins() -> None:
    shared = RoleOptions(role=Role.FALLBACK_RELAY, settings={"myhostname": "x.example.com"})
    assert draft(options("10.0.0.1", shared=shared), FACTS)["myhostname"] == "x.example.com"


def test_steps_end_with_the_instance_turned_on() -> None:
    made = draft(options("10.0.0.1"), FACTS)
    steps = create_steps(options("10.0.0.1"), FACTS, made)
    shells = [step.do.shell for step in steps]
    off = next(i for i, line in enumerate(shells) if "multi_instance_enable=no" in line)
    place = shells.index("mv /etc/.postwrap.postfix-out /etc/postfix-out")
    known = next(i for i, line in enumerate(shells) if "multi_instance_directories=" in line)
    on = shells.index("postconf -c /etc/postfix-out -e multi_instance_enable=yes")
    assert off < place < known < on
    lines = transcript(steps).splitlines()
    assert lines[:2] == ["(", "set -e"]
    assert lines[-1] == ")"


def test_a_step_survives_the_journal() -> None:
    steps = create_steps(options("10.0.0.1"), FACTS, draft(options("10.0.0.1"), FACTS))
    assert tuple(step_from_json(step_to_json(step)) for step in steps) == steps
    assert kept(steps, ())


def test_what_was_changed_twice_goes_back_to_the_beginning() -> None:
    first = Step("", Restore("/etc/postfix", "relayhost", "[10.0.0.1]:25", "[isp]:25"))
    second = Step("", Restore("/etc/postfix", "relayhost", "[10.0.0.2]:25", "[10.0.0.1]:25"))
    record = finished(finished(Record("/etc/postfix-out"), (first,)), (second,))
    assert [step.do for step in record.kept] == [
        Restore("/etc/postfix", "relayhost", "[10.0.0.2]:25", "[isp]:25")
    ]
    assert record.state is State.MADE


def test_undoing_is_the_steps_backwards() -> None:
    one, two = Rename("/a", "/b"), Rename("/c", "/d")
    taken = (Step("", Run(()), (one,)), Step("", Run(()), (two,)))
    assert Record("/x", taken=taken).undoing() == (two, one)


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
    assert [(r.parameter, r.written, r.before) for r in made] == [("b", "", "2"), ("c", "3", None)]


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
    assert parse_address(text) == parsed


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


def test_a_record_answers_to_every_name(tmp_path: Path) -> None:
    journal = Journal(Filesystem(str(tmp_path)))
    (tmp_path / "var/lib").mkdir(parents=True)
    for directory in ("/etc/postfix-out", "/etc/postfix2", "/srv/mail/in"):
        journal.write(Record(directory, State.UNDER_WAY))
    journal.write(Record("/etc/postfix-made"))
    for word, directory in (
        ("out", "/etc/postfix-out"),
        ("postfix-out", "/etc/postfix-out"),
        ("2", "/etc/postfix2"),
        ("postfix2", "/etc/postfix2"),
        ("/srv/mail/in/", "/srv/mail/in"),
    ):
        found = journal.unsettled(word)
        assert found is not None
        assert found.directory == directory
    assert journal.unsettled("made") is None


def test_an_heir_goes_back_to_what_was_before_both(tmp_path: Path) -> None:
    """The second of two fallback relays outlives the first."""
    journal = Journal(Filesystem(str(tmp_path)))
    (tmp_path / "var/lib").mkdir(parents=True)
    relay, slow = "smtp_fallback_relay", "smtp_connect_timeout"
    first = Record(
        "/etc/postfix-a",
        kept=(
            Step("", Restore("/etc/postfix", relay, "[10.0.0.1]:25", "isp.example")),
            Step("", Restore("/etc/postfix", slow, "10s", None)),
        ),
    )
    second = Record(
        "/etc/postfix-b",
        kept=(
            Step("", Restore("/etc/postfix", relay, "[10.0.0.2]:25", "[10.0.0.1]:25")),
            Step("", Restore("/etc/postfix", slow, "10s", "10s")),
        ),
    )
    journal.write(first)
    journal.write(second)
    journal.remove(first)
    heir = journal.read("/etc/postfix-b")
    assert heir is not None
    assert [step.do for step in heir.kept] == [
        Restore("/etc/postfix", relay, "[10.0.0.2]:25", "isp.example"),
        Restore("/etc/postfix", slow, "10s", None),
    ]


def test_overlaps() -> None:
    any4, any6 = Endpoint("0.0.0.0", 25), Endpoint("::", 25)
    here, six = Endpoint("10.0.0.1", 25), Endpoint("2001:db8::1", 25)
    assert here.overlaps(any4)
    assert six.overlaps(any6)
    assert not here.overlaps(any6)
    assert not here.overlaps(Endpoint("10.0.0.1", 26))
    # Another program's [::] may take IPv4 too.
    assert Listener(any6).overlaps(here)


def test_services() -> None:
    assert split_service("smtp") == ("", "smtp")
    assert split_service("127.0.0.1:10025") == ("127.0.0.1", "10025")
    assert split_service("[::1]:smtp") == ("::1", "smtp")
    assert SMTP.port == 25


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
    target = Target("/q", frozenset({"deferred"}), 2)
    assert target.path("deferred", "9385A2A5") == "/q/deferred/9/3/9385A2A5"
    assert target.path("hold", "9385A2A5") == "/q/hold/9385A2A5"


def test_host_names() -> None:
    assert derived_hostname("out", "mail.example.com") == "out.example.com"
    assert derived_hostname("Out_2", "mail.example.com") == "out-2.example.com"
    assert derived_hostname("out", "mail") == "out.mail"


def test_two_addresses_for_one_sender_are_refused() -> None:
    shared = RoleOptions(same_source_address=True)
    with pytest.raises(RefusedError, match="--same-source-address"):
        draft(options("88.198.105.205", "88.198.105.206", shared=shared), FACTS)
    made = draft(options("88.198.105.205", shared=shared), FACTS)
    assert made["smtp_bind_address"] == "88.198.105.205"
    # The first receives at a public address; the second's own is private.
    private = replace(FACTS, addresses=("127.0.0.1", PUBLIC, "10.0.0.1"))
    assert draft(options("10.0.0.1", shared=shared), private)["smtp_bind_address"] == PUBLIC


def test_settings() -> None:
    assert given.settings(["a=b=c", " d = e "]) == {"a": "b=c", "d": "e"}
    for wrong in ("a", "=b", "a b=c", "a=b\nc"):
        with pytest.raises(UsageError, match="--set"):
            given.settings([wrong])
    assert Address("10.0.0.1") == Address("10.0.0.1", None)
    assert Journal().path("/etc/postfix-out") == "/var/lib/postwrap/%2Fetc%2Fpostfix-out.json"
