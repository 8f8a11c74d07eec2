"""A role that cannot work says so: create, role and check name what stands in its way.

Each fault is planted on a host where mail went through; after the remedy it does again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.neighbour import ADDRESS as NEIGHBOUR
from tests.harness.terminals import bash
from tests.host.test_roles_elsewhere import BOTH, DEFAULT, FILTER, HERE, OUT, is_by_out, site_of

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.harness.host import Host
    from tests.host.test_roles_elsewhere import Site

CODES = {"role-cut"}
"""The rules of check that are shown here."""

ALL = (
    "printf '* smtp:[192.0.2.25]\\n' >/etc/postfix/all; postmap hash:/etc/postfix/all; "
    "postconf -e transport_maps=hash:/etc/postfix/all"
)
CREATE = {
    # what is planted, the role, what is named, what else undoes the plant
    "default_transport": (
        f"postconf -e default_transport=smtp:[{NEIGHBOUR}]",
        "outbound",
        f"default_transport = smtp:[{NEIGHBOUR}]: goes before relayhost",
        "postconf -X default_transport relayhost",
    ),
    "discard": (
        "postconf -e default_transport=discard",
        "fallback-relay",
        "default_transport = discard: mail for elsewhere is not sent",
        "postconf -X default_transport",
    ),
    "transport table": (
        ALL,
        "outbound",
        "transport_maps = hash:/etc/postfix/all gives smtp:[192.0.2.25] for *",
        "postconf -X transport_maps",
    ),
    "fallback of the client": (
        "postconf -P 'smtp/unix/smtp_fallback_relay=[192.0.2.99]'",
        "fallback-relay",
        "smtp/unix in master.cf has smtp_fallback_relay=[192.0.2.99]",
        "postconf -PX smtp/unix/smtp_fallback_relay || :",
    ),
    "filter of the server": (
        "postconf -P smtp/inet/content_filter=",
        "content-filter",
        "smtp/inet in master.cf has content_filter=, which goes before",
        "postconf -PX smtp/inet/content_filter || :",
    ),
    "no client": (
        "postconf -M smtp/unix >/root/client; postconf -MX smtp/unix",
        "outbound",
        "default_transport = smtp: master.cf has no service smtp that is turned on",
        'postconf -M "smtp/unix=$(tr -s " " </root/client)"',
    ),
    "client turned off": (
        "postconf -e master_service_disable=smtp/unix",
        "outbound",
        "master.cf has no service smtp that is turned on",
        "postconf -X master_service_disable",
    ),
    "TLS": (
        "postconf -e smtp_tls_security_level=encrypt",
        "outbound",
        "smtp_tls_security_level = encrypt, and /etc/postfix-out",
        "postconf -X smtp_tls_security_level smtp_tls_policy_maps",
    ),
}
WITHOUT_TLS = ("--set", "smtpd_tls_security_level=none")


def remedy(refused: subprocess.CompletedProcess[str]) -> str:
    """What is printed behind a refusal, to be pasted."""
    return refused.stderr.partition("remedy: ")[2].strip()


@BOTH
def test_create_refuses_a_role_that_cannot_work(base: Path) -> None:
    """And what it prints takes the fault out of the way: then it would be done."""
    with site_of(base, "internet-site") as site:
        for name, (plant, role, told, mend) in CREATE.items():
            site.host.sh(plant)
            filtered = ("--filter", f"127.0.0.1:{FILTER}") if role == "content-filter" else ()
            more = WITHOUT_TLS if name == "TLS" else ()
            words = ("create", "out", "--address", HERE, "--role", role, *filtered, *more)
            refused = site.host.postwrap(*words, "--dry-run", check=False)
            assert refused.returncode == 3, (name, refused)
            assert f"--role {role}: cannot work: " in refused.stderr, name
            assert told in refused.stderr, name
            site.host.sh(remedy(refused))
            done = site.host.postwrap(*words, "--dry-run", check=False)
            assert done.returncode == 0, (name, done.stderr)
            site.host.sh(mend)


@BOTH
def test_a_way_out_by_default_transport_is_kept(base: Path) -> None:
    """The remedy makes it a relayhost, which the new instance has from then on."""
    with site_of(base, "internet-site") as site:
        site.host.postconf(f"default_transport=smtp:[{NEIGHBOUR}]")
        site.host.run("postfix", "reload")
        create = ("create", "out", "--address", HERE, "--role", "outbound")
        site.host.sh(remedy(site.host.postwrap(*create, check=False)))
        site.host.postwrap(*create)
        assert site.host.run("postconf", "-c", OUT, "-h", "relayhost").stdout == f"[{NEIGHBOUR}]\n"
        (message,) = site.arrived(site.submit("sendmail"))
        assert is_by_out(message)


@BOTH
def test_what_only_the_administrator_knows_is_asked_for(base: Path) -> None:
    with site_of(base, "internet-site") as site:
        site.host.make_command()
        create = ("create", "out", "--address", HERE, "--role", "backup-mx")
        refused = site.host.postwrap(*create, check=False)
        assert refused.returncode == 3
        assert "--role backup-mx: which domains it receives mail for is not known" in refused.stderr
        assert "remedy: give --relay-domains 'example.net example.org'" in refused.stderr
        twice = site.host.postwrap(
            *create, "--relay-domains", "example.net", "--set", "relay_domains=x", check=False
        )
        assert twice.returncode == 2
        both = site.host.postwrap(
            *(*create, "--relay-domains", "mail.example.com example.net", "--dry-run"), check=False
        )
        assert both.returncode == 3, both
        assert "mail.example.com, and so has mydestination: it is not relayed" in both.stderr
        site.host.postwrap(*create, "--relay-domains", "example.net")
        again = site.host.postwrap(*create, "--relay-domains", "example.net")
        assert again.stdout == f"{OUT}: exists already, as it is asked for\n"
        assert all(map(is_by_out, site.arrived(site.send(HERE))))
        # Without the option the domains are known by now, until somebody takes them out.
        site.host.postwrap("role", "out", "backup-mx")
        site.host.sh(f"postconf -c {OUT} -e relay_domains=; postfix -c {OUT} reload")
        (found,) = findings(site.host)
        assert (found["code"], found["instance"]) == ("role-cut", OUT)
        (choice,) = found["choices"]
        site.host.sh(choice["remedy"].replace("DOMAIN", "example.net"))
        assert findings(site.host) == []


@BOTH
def test_networks_without_the_default_instance_are_refused(base: Path) -> None:
    with site_of(base, "internet-site") as site:
        create = ("create", "out", "--address", HERE, "--role", "outbound")
        refused = site.host.postwrap(*create, "--mynetworks", "10.9.0.0/16", check=False)
        assert refused.returncode == 3
        assert "mynetworks = 10.9.0.0/16: lacks 127.0.0.1, from which" in refused.stderr
        assert "remedy: give --mynetworks one that holds 127.0.0.1/32" in refused.stderr


def findings(host: Host) -> list[dict[str, Any]]:
    """What check finds."""
    host.age()
    document = json.loads(host.postwrap("check", "--json", check=False).stdout)
    return list(document["findings"])


CUT = {
    "default_transport": f"postconf -e default_transport=smtp:[{NEIGHBOUR}]",
    "transport table": ALL,
    "TLS": f"postconf -e smtp_tls_security_level=encrypt; "
    f"postconf -c {OUT} -e smtpd_tls_security_level=none",
}


def flows(site: Site) -> None:
    """Mail of the default instance leaves by the other one."""
    (message,) = site.arrived(site.submit("sendmail"))
    assert is_by_out(message)


@BOTH
@pytest.mark.parametrize("name", CUT)
def test_check_names_what_cuts_a_role(base: Path, name: str) -> None:
    """And role does; all remedies pasted, mail takes the way of the role again."""
    with site_of(base, "internet-site") as site:
        site.host.postwrap("create", "out", "--address", HERE, "--role", "outbound")
        flows(site)
        assert findings(site.host) == []
        site.host.sh(f"{CUT[name]}; postfix reload; postfix -c {OUT} reload")
        (found,) = findings(site.host)
        assert (found["code"], found["instance"]) == ("role-cut", DEFAULT), found
        refused = site.host.postwrap("role", "out", "outbound", check=False)
        assert refused.returncode == 3
        assert "--role outbound: cannot work: /etc/postfix: " in refused.stderr
        for line in (found["remedy"], *(choice["remedy"] for choice in found["choices"])):
            site.host.sh(line or ":")
        assert findings(site.host) == []
        flows(site)
        assert site.host.postwrap("role", "out", "outbound").stdout.endswith("nothing to change\n")


def test_the_question_at_a_terminal(base: Path) -> None:
    """What the role needs is asked for, where somebody can be asked."""
    with site_of(base, "internet-site") as site:
        site.host.make_command()
        with bash(site.host, setup=":") as shell:
            shell.start(f"postwrap create out --address {HERE} --role backup-mx")
            shell.wait_for("Domains that it receives mail for")
            shell.press("example.net\r")
            shell.wait_for("Create it?")
            shell.press("y\r")
            status, said = shell.finish()
        assert status == 0, said
        assert site.host.run("postconf", "-c", OUT, "-h", "relay_domains").stdout == "example.net\n"
