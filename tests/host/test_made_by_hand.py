"""Roles that nobody made by create: what cuts them is named, and mail flows after the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.harness.faults import OUT
from tests.harness.outcome import Path, check, outcome, paste, restored, working
from tests.harness.paths import CHECKOUT
from tests.harness.settled import RESTART, paths_of, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path as FilePath

    from tests.harness.host import Host
    from tests.harness.layers import Layers

CODE = "filter-return-unheard"
_OUT = f"postconf -c {OUT}"
_BEFORE, _BEHIND = "127.0.0.1:10024", "127.0.0.1:10025"

FILTERED = f"""
postconf -e content_filter=smtp:[127.0.0.1]:10024
{_OUT} -F 10.0.0.1:smtp/inet/service={_BEHIND}
"""
CUTS = {
    # what cuts it, the instance, the "if" of its remedy
    "networks": (f"{_OUT} -e mynetworks=10.0.0.0/8", OUT, ""),
    "login": (
        f"{_OUT} -P '{_BEHIND}/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject'",
        OUT,
        "all mail is to go",
    ),
    "tls": (f"{_OUT} -e smtpd_tls_security_level=encrypt", OUT, "all mail is to go"),
    "way-out": (f"{_OUT} -e default_transport=error:no", OUT, "all mail is to go"),
}


def filtered(host: Host) -> None:
    settle(host)
    host.sh(f"{FILTERED}{RESTART}; postwrap install")


@pytest.fixture
def pair(layers: Layers, base: FilePath) -> Iterator[Host]:
    """A content filter between two instances; its command line alone tells where it leads."""
    with layers.copy(base, "filtered", filtered) as host:
        host.start("/etc/postfix", OUT)
        program = CHECKOUT / "tests/harness/content_filter.py"
        host.popen(host.python, str(program), _BEFORE, _BEHIND)
        host.wait_for(lambda: ":10024 " in host.run("ss", "-ltn").stdout)
        yield host


@pytest.mark.bases("bookworm", "trixie")
@pytest.mark.parametrize("name", CUTS)
def test_what_cuts_a_pair_around_a_content_filter(pair: Host, name: str) -> None:
    script, where, choice = CUTS[name]
    ways = [path for path in paths_of(pair) if path.name != "private"]
    reload = f"postfix -c {OUT} reload; sleep 0.5"
    result = outcome(pair, ways, f"{script}; {reload}", "role-cut", choice=choice)
    assert [f["instance"] for f in result.found] == [where]
    assert result.before == {way.name for way in ways} == result.after
    assert not {"public", "submit"} & result.faulty


@pytest.mark.parametrize(
    ("base", "taker"), [("bookworm", OUT), ("trixie", "/etc/postfix")], indirect=["base"]
)
def test_a_content_filter_that_nobody_takes_mail_back_from(pair: Host, taker: str) -> None:
    ways = [path for path in paths_of(pair) if path.name in {"public", "submit"}]
    script = f"{_OUT} -F {_BEHIND}/inet/service=10.0.0.1:smtp; {RESTART}"
    choice = f"{taker} is to take it"
    result = outcome(pair, ways, script, CODE, choice=choice)
    assert [f["instance"] for f in result.found] == ["/etc/postfix"]
    assert result.before == {way.name for way in ways} == result.after
    assert not result.faulty


def test_a_client_for_a_sender_goes_to_the_relayhost_too(layers: Layers, base: FilePath) -> None:
    """As Plesk has one for each address: the instance lets that address in, or is named."""
    with layers.copy(base, "settled", settle) as host:
        host.start("/etc/postfix", OUT)
        host.add_address("10.5.0.1")
        host.sh(
            "postconf -M own/unix='own unix - - y - - smtp -o smtp_bind_address=10.5.0.1';"
            " postconf -e relayhost=[10.0.0.1]:25"
            " 'sender_dependent_default_transport_maps=inline:{@example.net=own}';"
            f" {_OUT} -e 'mynetworks=127.0.0.0/8 10.0.0.1/32 88.198.105.204/32'"
            f" myhostname=out.example.com smtp_helo_name=mail.example.com; {RESTART}"
        )
        ways = [path for path in paths_of(host) if path.name in {"public", "submit"}]
        assert working(host, ways) == set()
        (found,) = check(host)
        assert found["code"] == "mynetworks-lacks-sibling"
        assert "lack 10.5.0.1" in found["message"]
        paste(host, [found])
        assert check(host) == []
        assert restored(host, ways, {"public", "submit"}) == {"public", "submit"}
        host.sh(f"postfix -c {OUT} stop; rm -r {OUT}; postconf -e 'relayhost=[127.0.0.9]:2525'")
        host.postwrap("install")
        host.postwrap("create", "two", "--address", "127.0.0.3", "--role", "outbound")
        assert "10.5.0.1/32" in host.run("postconf", "-c", "/etc/postfix-two", "mynetworks").stdout
        sink = ways[0].sink
        assert working(host, [Path("submit", sink, submits="/etc/postfix")]) == {"submit"}


def test_the_master_of_a_configuration_that_is_not_known(layers: Layers, base: FilePath) -> None:
    """As Zimbra's own Postfix beside Debian's: both run, and check says how to make it known."""
    with layers.copy(base, "settled", settle) as host:
        host.start("/etc/postfix", OUT)
        host.sh(
            f"postfix -c {OUT} stop; mkdir -p /opt/mail; mv {OUT} /opt/mail/conf;"
            " postconf -X alternate_config_directories; postwrap install;"
            " postconf -c /opt/mail/conf -F 10.0.0.1:smtp/inet/service=smtp;"
            " postconf -c /opt/mail/conf -e inet_interfaces=all; postfix -c /opt/mail/conf start"
        )
        names = {"public", "loopback", "private"}
        ways = [path for path in paths_of(host) if path.name in names]
        (found,) = check(host)
        assert (found["code"], found["instance"]) == ("listener-taken", "/etc/postfix")
        assert "/opt/mail/conf, an instance that is not known here" in found["message"]
        paste(host, [found], "which check is to know")
        left = check(host)
        assert [f["code"] for f in left] == ["listener-overlap"]
        paste(host, left)
        assert check(host) == []
        assert restored(host, ways, names) == names


def test_a_log_that_postfix_rotates(layers: Layers, base: FilePath) -> None:
    """An instance beside one whose maillog_file is rotated gets a file of its own."""
    with layers.copy(base, "settled", settle) as host:
        host.start("/etc/postfix", OUT)
        ways = paths_of(host)
        host.write("/etc/cron.d/maillog", "0 0 * * * root postfix logrotate\n")
        (found,) = check(host)
        assert (found["code"], found["instance"]) == ("maillog-shared", OUT)
        paste(host, [found])
        assert check(host) == []
        create = ("create", "two", "--address", "127.0.0.3", "--no-postmulti")
        assert "postfix -c /etc/postfix-two logrotate" in host.postwrap(*create).stderr
        assert check(host) == []
        host.run("postfix", "logrotate")
        assert restored(host, ways, {way.name for way in ways}) == {way.name for way in ways}
        # What they log is kept, though the other file was rotated just now.
        assert "status=sent" in host.read("/var/log/maillog-out")
        assert "postfix-two/smtpd" in host.read("/var/log/maillog-two")
