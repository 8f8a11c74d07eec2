"""Each rule of check on real Postfix: the host that breaks it, its code alone, its remedy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.paths import CHECKOUT

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"
BOTH = pytest.mark.bases("here", "trixie")

# -c so that a case reads as the administrator's mistake and nothing else.
_OUT = f"postconf -c {OUT}"

_SHIM = """#!/bin/sh
PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 exec {python} -m postwrap "$@"
"""

_FILL_JAIL = """
filler=/usr/lib/postfix/configure-instance.sh
if [ -x /etc/postfix/postfix-script ] && [ -x "$filler" ]; then
    MAIL_CONFIG=/etc/postfix-out "$filler" -
fi
"""


_KEEP = f"tar -cpf /root/healthy.tar /etc/postfix {OUT} /usr/local"

_RESTORE = f"""
rm -rf {OUT} /etc/postfix.bak /var/backups/postfix.bak /etc/amavis /etc/systemd/system/postfix*
tar -xpf /root/healthy.tar -C /
for directory in /etc/postfix {OUT}; do
    postfix -c $directory check
    postfix -c $directory status 2>/dev/null || postfix -c $directory start
done
"""


@pytest.fixture(scope="module")
def settled(module_talk: Host) -> Host:
    """The talk's host with all that today's Debian wants: jails filled, commands installed."""
    host = module_talk
    path = ":".join([str(CHECKOUT / "generator"), *host.python_path])
    host.write("/usr/local/sbin/postwrap", _SHIM.format(path=path, python=host.python), 0o755)
    host.sh(_FILL_JAIL)
    host.run("postwrap", "install")
    host.sh(_KEEP)
    return host


@pytest.fixture
def healthy(settled: Host) -> Host:
    """The same, as it was before the last test."""
    settled.sh(_RESTORE + _FILL_JAIL)
    if not settled.run("ip", "address", "show", "to", "10.0.0.1").stdout:
        settled.add_address("10.0.0.1")
    return settled


def findings(host: Host, *words: str, **options: Any) -> list[dict[str, str]]:
    done = host.run("postwrap", "check", "--json", *words, check=False, **options)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert done.returncode == (1 if document["findings"] else 0)
    return list(document["findings"])


@dataclass(frozen=True)
class Case:
    code: str
    script: str
    where: str | None = OUT
    name: str = ""

    def __str__(self) -> str:
        return f"{self.code}-{self.name}" if self.name else self.code


HELO = "myhostname=out.example.com smtp_helo_name=mail.example.com"
NETS = "'mynetworks=127.0.0.0/8 10.0.0.1/32 88.198.105.204/32'"
FAST = "smtp_connect_timeout=10s smtp_data_done_timeout=120s"
CHECKS = "'smtpd_client_restrictions=permit_mynetworks, reject_rbl_client zen.example.org'"

CASES = [
    Case("not-authorised", "postconf -X alternate_config_directories"),
    Case(
        "not-authorised", "postconf -e alternate_config_directories=/etc/postfix-out/", name="slash"
    ),
    Case(
        "not-authorised",
        "postconf -e second=/etc/postfix-out 'alternate_config_directories=$second'",
        name="parameter",
    ),
    Case("unreadable", f"chmod 640 {OUT}/main.cf"),
    Case("unreadable", f"chmod 750 {OUT}", name="directory"),
    Case("writable", f"chmod o+w {OUT}/main.cf"),
    Case("writable", f"chgrp alice {OUT} && chmod g+w {OUT}", name="group"),
    Case("writable", f"chown alice {OUT}/master.cf", name="owner"),
    Case(
        "registered-missing",
        "postconf -e multi_instance_directories=/etc/postfix-gone",
        "/etc/postfix",
    ),
    Case("copy", "cp -a /etc/postfix /etc/postfix.bak", "/etc/postfix.bak"),
    Case("nobody-may-submit", f"{_OUT} -e authorized_submit_users="),
    Case(
        "shared-queue-directory",
        f"postfix -c {OUT} stop; {_OUT} -e queue_directory=/var/spool/postfix",
    ),
    Case(
        "shared-data-directory",
        f"postfix -c {OUT} stop; {_OUT} -e data_directory=/var/lib/postfix",
    ),
    Case(
        "shared-data-directory",
        f"postfix -c {OUT} stop; ln -s /var/lib/postfix /var/lib/other;"
        f" {_OUT} -e data_directory=/var/lib/other",
        name="link",
    ),
    Case("queue-parts-missing", "rmdir /var/spool/postfix-out/maildrop", name="maildrop"),
    Case("queue-parts-missing", f"postfix -c {OUT} stop; rm -r /var/spool/postfix-out", name="all"),
    Case("listener-overlap", "postconf -e inet_interfaces=all", name="first-everywhere"),
    Case(
        "listener-overlap",
        f"{_OUT} -F 10.0.0.1:smtp/inet/service=smtp",
        name="same-inet-interfaces",
    ),
    Case(
        "listener-overlap",
        f"postconf -e inet_interfaces=all; {_OUT} -e inet_interfaces=all;"
        f" {_OUT} -F 10.0.0.1:smtp/inet/service=smtp",
        name="both-everywhere",
    ),
    Case(
        "listener-overlap",
        f"{_OUT} -e inet_interfaces=all; {_OUT} -F 10.0.0.1:smtp/inet/service=smtp",
        name="second-everywhere",
    ),
    Case(
        "listener-overlap",
        "ip address add 2001:db8::1/128 dev lo; ip address add 2001:db8::2/128 dev lo;"
        " postconf -e inet_protocols=all inet_interfaces=all;"
        f" {_OUT} -e inet_protocols=all 'inet_interfaces=88.198.105.204';"
        f" {_OUT} -F '10.0.0.1:smtp/inet/service=[2001:db8::2]:smtp'",
        name="ipv6",
    ),
    Case("address-missing", "ip address del 10.0.0.1/32 dev lo"),
    Case("address-missing", f"{_OUT} -e inet_interfaces=10.0.0.7,127.0.0.1", name="interfaces"),
    Case("address-missing", f"{_OUT} -e smtp_bind_address=10.0.0.8", name="source"),
    Case("name-without-address", f"{_OUT} -e inet_interfaces=127.0.0.1,nosuch.invalid"),
    Case("same-hostname", f"postconf -e relayhost=[10.0.0.1]:25; {_OUT} -e {NETS}"),
    Case("helo-leak", f"{_OUT} -e myhostname=out.example.com"),
    Case("mynetworks-lacks-sibling", f"postconf -e relayhost=[10.0.0.1]:25; {_OUT} -e {HELO}"),
    Case("private-source", f"{_OUT} -e inet_interfaces=10.0.0.1"),
    Case(
        "fallback-loop",
        f"postconf -e smtp_fallback_relay=[88.198.105.204]:25 {FAST}",
        "/etc/postfix",
        "itself",
    ),
    Case(
        "fallback-loop",
        f"postconf -e smtp_fallback_relay=[10.0.0.1]:25 {FAST} {NETS};"
        f" {_OUT} -e relayhost=[mail.example.com] {HELO} {NETS}",
        name="circle",
    ),
    Case(
        "fallback-by-mx",
        f"postconf -e smtp_fallback_relay=fallback.example.net:25 {FAST}",
        "/etc/postfix",
    ),
    Case("fallback-slow", "postconf -e smtp_fallback_relay=[192.0.2.1]", "/etc/postfix"),
    Case(
        "content-filter-loop",
        f"for d in /etc/postfix {OUT}; do postconf -c $d -e content_filter=smtp:[127.0.0.1]:10024;"
        " done",
        name="copied",
    ),
    Case(
        "content-filter-loop",
        "mkdir -p /etc/amavis/conf.d; printf '%s\\n' \"\\$forward_method = 'smtp:[10.0.0.1]:25';\""
        f" >/etc/amavis/conf.d/50-user; {_OUT} -e content_filter=smtp:[127.0.0.1]:10024",
        name="amavisd",
    ),
    Case(
        "content-filter-loop",
        "mkdir -p /etc/amavis/conf.d; echo '1;' >/etc/amavis/conf.d/50-user;"
        " postconf -e content_filter=smtp:[127.0.0.1]:10024;"
        " postconf -Me '127.0.0.1:10025/inet=127.0.0.1:10025 inet n - y - - smtpd'",
        "/etc/postfix",
        "one-instance",
    ),
    Case("checks-left", f"for d in /etc/postfix {OUT}; do postconf -c $d -e {CHECKS}; done"),
    Case("syslog-name-shared", f"{_OUT} -e syslog_name=postfix"),
    Case("syslog-name-fixed", f"{_OUT} -P 'smtp/unix/syslog_name=postfix/$service_name'"),
    Case("jail-missing", "rm /var/spool/postfix-out/etc/resolv.conf"),
    Case("jail-stale", "echo '10.9.9.9 old' >>/var/spool/postfix-out/etc/hosts"),
    Case("name-mismatch", f"{_OUT} -e multi_instance_name=postfix-second"),
    Case("commands-missing", "postwrap uninstall out"),
    Case("commands-outdated", "rm /usr/local/bin/mailq-out", name="missing"),
    Case("commands-outdated", "echo '# mine' >>/usr/local/bin/mailq-out", name="edited"),
    Case("commands-left", f"postfix -c {OUT} stop; rm -r {OUT}", None),
    Case("unreadable-settings", f"echo nonsense >>{OUT}/main.cf", name="main"),
    Case("unreadable-settings", f"echo nonsense >>{OUT}/master.cf", name="master"),
    Case("unknown-setting", f"{_OUT} -e smtp_conect_timeout=5s", name="main"),
    Case("unknown-setting", f"{_OUT} -P smtp/unix/smtp_conect_timeout=5s", name="master"),
    Case("undefined-setting", f"{_OUT} -e 'relay_domains=$partners'"),
    Case("setting-twice", f"echo 'syslog_name = postfix-second' >>{OUT}/main.cf"),
]


@BOTH
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_mistake_gives_its_code_alone_and_the_remedy_mends_it(healthy: Host, case: Case) -> None:
    healthy.sh(case.script)
    found = findings(healthy)
    assert [(f["code"], f["instance"]) for f in found] == [(case.code, case.where)], found
    healthy.sh(found[0]["remedy"])
    assert findings(healthy) == []


@pytest.mark.bases("trixie")
@pytest.mark.parametrize(
    "script",
    [
        f"{_OUT} -e smtpd_use_tls=yes",
        f"{_OUT} -P smtp/unix/disable_dns_lookups=yes",
    ],
    ids=["main", "master"],
)
def test_what_a_coming_postfix_will_not_know(healthy: Host, script: str) -> None:
    healthy.sh(script)
    (found,) = findings(healthy)
    assert (found["code"], found["instance"]) == ("obsolete-setting", OUT)
    healthy.sh(found["remedy"])
    assert findings(healthy) == []


@BOTH
def test_the_talk_gives_nothing_at_all(healthy: Host) -> None:
    done = healthy.run("postwrap", "check", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    alice = healthy.run("postwrap", "check", user="alice", check=False)
    assert (alice.returncode, alice.stdout) == (0, "")
    assert "not seen without root" in alice.stderr


_LISTEN = """
import socket, sys, time
held = socket.create_server((sys.argv[1], 25))
print("ready", flush=True)
time.sleep(300)
"""


@BOTH
@pytest.mark.parametrize(
    ("address", "where", "remedy"),
    [("10.0.0.1", OUT, "kill "), ("127.0.0.1", "/etc/postfix", "postconf -e ")],
)
def test_another_program_at_the_instances_place(
    healthy: Host, address: str, where: str, remedy: str
) -> None:
    # The instances may have been started with the settings of an earlier test.
    healthy.sh(f"for d in /etc/postfix {OUT}; do postfix -c $d stop; postfix -c $d start; done")
    healthy.run("postfix", "-c", where, "stop")
    program = healthy.popen(healthy.python, "-c", _LISTEN, address)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"ready\n"
        found = findings(healthy)
        assert [(f["code"], f["instance"]) for f in found] == [("listener-taken", where)], found
        assert "python" in found[0]["message"]
        # Whose socket it is only root can see: nothing is guessed, and that is said.
        done = healthy.run("postwrap", "check", user="alice", check=False)
        assert (done.returncode, done.stdout) == (0, ""), done
        assert "listening socket" in done.stderr
        assert found[0]["remedy"].startswith(remedy)
        healthy.sh(found[0]["remedy"])
        assert findings(healthy) == []
    finally:
        program.kill()
        program.wait()


@BOTH
def test_root_and_users_meet_what_not_authorised_says(healthy: Host) -> None:
    healthy.run("postconf", "-e", "alternate_config_directories=/etc/postfix-out/")
    (found,) = findings(healthy)
    assert found["code"] == "not-authorised"
    assert healthy.run("postqueue", "-c", OUT, "-p").returncode == 0
    refused = healthy.run("postqueue", "-c", OUT, "-p", user="alice", check=False)
    assert refused.returncode != 0
    healthy.sh(found["remedy"])
    assert healthy.run("postqueue", "-c", OUT, "-p", user="alice").returncode == 0


def test_one_that_cannot_be_read_does_not_hide_the_others(healthy: Host) -> None:
    healthy.sh(f"echo nonsense >>{OUT}/main.cf; postconf -e smtp_conect_timeout=5s")
    found = {f["code"]: f["instance"] for f in findings(healthy)}
    assert found == {"unreadable-settings": OUT, "unknown-setting": "/etc/postfix"}
    assert {f["instance"] for f in findings(healthy, "out")} == {OUT}
    assert findings(healthy, "--ignore", "unknown-setting", "default") == []


def test_a_user_sees_what_a_user_can(healthy: Host) -> None:
    healthy.sh(f"chmod 750 {OUT}")
    (found,) = findings(healthy, user="alice")
    assert (found["code"], found["instance"]) == ("unreadable", OUT)
    document = json.loads(
        healthy.run("postwrap", "check", "--json", user="alice", check=False).stdout
    )
    assert f"{OUT}/main.cf" in document["unseen"]


def test_a_directory_that_gets_no_commands_is_named(healthy: Host) -> None:
    healthy.sh("cp -a /etc/postfix '/etc/postfix-a b'")
    try:
        found = findings(healthy)
        assert "not-served" in {f["code"] for f in found if f["instance"] == "/etc/postfix-a b"}
    finally:
        healthy.sh("rm -r '/etc/postfix-a b'")


def test_a_person_reads_the_worst_first_and_pastes_the_line(healthy: Host) -> None:
    healthy.sh(f"{_OUT} -e smtp_conect_timeout=5s; {_OUT} -e data_directory=/var/lib/postfix")
    done = healthy.run("postwrap", "check", check=False)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{OUT}:"
    assert [line.split(":")[0].strip() for line in lines[1::2]] == ["error", "warning"]
    assert lines[4].strip() == f"postconf -c {OUT} -X smtp_conect_timeout"


def test_unknown_names_and_codes_are_refused(healthy: Host) -> None:
    nobody = healthy.run("postwrap", "check", "nobody", check=False)
    assert (nobody.returncode, nobody.stdout) == (3, "")
    assert "nobody: no such instance" in nobody.stderr
    code = healthy.run("postwrap", "check", "--ignore", "nonsense", check=False)
    assert code.returncode == 2
    assert "not-authorised" in code.stderr
