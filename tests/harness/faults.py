"""What an administrator gets wrong, each as a script, with the code by which check names it.

For hosts that tests.harness.settled makes. ``FAULTS`` can change what becomes of mail: outcome
tests plant each, and the campaign of tests/faults plants two at a time. What ``EXCEPTIONS`` names
cannot, or not on a private host, and is for check alone.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

OUT = "/etc/postfix-out"

# -c so that a case reads as the administrator's mistake and nothing else.
_OUT = f"postconf -c {OUT}"


@dataclass(frozen=True)
class Case:
    """A mistake: check names it by ``code`` alone, of the instance ``where``.

    ``choice`` is part of the "if" of the remedy that is pasted where there are several, "" for the
    first. ``gone`` are the paths of mail that the mistake ends for good. ``before`` is a script
    that makes the host one on which the mistake can be made, and that is sound; ``after`` is one
    that starts what the administrator had stopped. ``is_single``: it goes with no other one, for
    it moves what others are planted in.
    """

    code: str
    script: str
    where: str | None = OUT
    name: str = ""
    choice: str = ""
    gone: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    is_single: bool = False

    def __str__(self) -> str:
        return f"{self.code}-{self.name}" if self.name else self.code


HELO = "myhostname=out.example.com smtp_helo_name=mail.example.com"
NETS = "'mynetworks=127.0.0.0/8 10.0.0.1/32 88.198.105.204/32'"
FAST = "smtp_connect_timeout=10s smtp_data_done_timeout=120s"
CHECKS = "'smtpd_client_restrictions=permit_mynetworks, reject_rbl_client zen.example.org'"

# The instance in another directory, known and with its commands.
_MOVE = f"""
move() {{ postfix -c {OUT} stop; mkdir -p "${{1%/*}}"; mv {OUT} "$1"
    postconf -e "alternate_config_directories=$1"; postwrap install || :; }}
move"""

_RECORD = "/var/lib/postwrap/%2Fetc%2Fpostfix-out.json"

ODD = [
    ("space", "/etc/postfix-a b"),
    ("quotes", "/etc/postfix-a'b\"c"),
    ("shell", "/etc/postfix-$(id)`id`;x"),
    ("letters", "/etc/postfix-ä"),
    ("newline", "/etc/postfix-a\nb"),
    ("long", f"/etc/postfix-{'x' * 230}"),
    ("foreign-command", "/etc/postfix-own"),
]


def _behind_o(option: str) -> str:
    """Give the smtp client an option of master.cf, as an editor would."""
    return shlex.join(["sed", "-i", f"/^smtp .*unix/a\\  -o {option}", f"{OUT}/master.cf"])


_SCANNER = """
import='import socket, time; s = socket.create_server(("127.0.0.9", 2525)); time.sleep(300)'
setsid python3 -c "$import" >/dev/null 2>&1 &
sleep 0.5
"""
"""Somebody listens where the content filter is, if it is not there anyway: see settled."""

_BY_MEMCACHE = ("private", "submit out", "alice out")
"""The paths that end with a table of memcached, once Postfix reads it: none runs here."""

_RELOAD = f"postfix -c {OUT} reload; sleep 0.5"

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
    Case(
        "writable",
        f"{_MOVE} /srv/mail/postfix-out; chmod 777 /srv/mail",
        "/srv/mail/postfix-out",
        "parent",
        gone=("submit out", "alice out"),
        after="postfix -c /srv/mail/postfix-out start",
        is_single=True,
    ),
    Case("copy", "cp -a /etc/postfix /etc/postfix.bak", "/etc/postfix.bak"),
    Case("nobody-may-submit", f"{_OUT} -e authorized_submit_users="),
    Case(
        "shared-queue-directory",
        f"postfix -c {OUT} stop; {_OUT} -e queue_directory=/var/spool/postfix",
        after=f"postfix -c {OUT} start",
    ),
    Case(
        "shared-data-directory",
        f"postfix -c {OUT} stop; {_OUT} -e data_directory=/var/lib/postfix",
        after=f"postfix -c {OUT} start",
    ),
    Case(
        "shared-data-directory",
        f"postfix -c {OUT} stop; ln -s /var/lib/postfix /var/lib/other;"
        f" {_OUT} -e data_directory=/var/lib/other",
        name="link",
        after=f"postfix -c {OUT} start",
    ),
    Case("queue-parts-missing", "rmdir /var/spool/postfix-out/maildrop", name="maildrop"),
    Case(
        "queue-parts-missing",
        f"postfix -c {OUT} stop; rm -r /var/spool/postfix-out",
        name="all",
        after=f"postfix -c {OUT} start",
    ),
    Case(
        "queue-parts-missing",
        f"postfix -c {OUT} stop; rm -r /var/spool/postfix-out; touch /var/spool/postfix-out",
        name="file",
        after=f"postfix -c {OUT} start",
    ),
    Case("listener-overlap", "postconf -e inet_interfaces=all", name="first-everywhere"),
    Case(
        "listener-overlap",
        f"{_OUT} -F 10.0.0.1:smtp/inet/service=smtp",
        name="same-inet-interfaces",
        choice="10.0.0.1 instead",
    ),
    Case(
        "listener-overlap",
        f"postconf -e inet_interfaces=all; {_OUT} -e inet_interfaces=all;"
        f" {_OUT} -F 10.0.0.1:smtp/inet/service=smtp",
        name="both-everywhere",
        choice="10.0.0.1 instead",
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
        gone=("private",),
    ),
    Case(
        "listener-overlap",
        f"postconf -e inet_interfaces=all; {_OUT} -F 10.0.0.1:smtp/inet/service=127.0.0.2:smtp",
        name="loopback",
    ),
    Case(
        "address-missing",
        "ip address del 10.0.0.1/32 dev lo",
        choice="not to have",
        gone=("private",),
    ),
    Case(
        "address-missing",
        f"{_OUT} -e inet_interfaces=10.0.0.7,127.0.0.1",
        name="interfaces",
        choice="not to have",
    ),
    Case("address-missing", f"{_OUT} -e inet_interfaces=127.0.0.2", name="loopback"),
    Case("source-missing", f"{_OUT} -e smtp_bind_address=10.0.0.8", choice="any address"),
    Case("unknown-setting", f"{_OUT} -e 'relay_host=[127.0.0.1]:2525'", name="misspelt"),
    Case("name-without-address", f"{_OUT} -e inet_interfaces=127.0.0.1,nosuch.invalid"),
    Case("same-hostname", f"postconf -e relayhost=[10.0.0.1]:25; {_OUT} -e {NETS}"),
    Case(
        "same-hostname",
        f"postconf -e 'relayhost=[192.0.2.1]:25, [10.0.0.1]'; {_OUT} -e {NETS}",
        name="list",
    ),
    Case("helo-leak", f"{_OUT} -e myhostname=out.example.com"),
    Case("mynetworks-lacks-sibling", f"postconf -e relayhost=[10.0.0.1]:25; {_OUT} -e {HELO}"),
    Case(
        "mynetworks-lacks-sibling",
        f"postconf -e relayhost=[10.0.0.1]:25; {_OUT} -e {HELO};"
        f" {_OUT} -P 10.0.0.1:smtp/inet/mynetworks=127.0.0.0/8",
        name="master",
    ),
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
        f" {_OUT} -e 'relayhost=[mail.example.com], [127.0.0.9]:2525' {HELO} {NETS}",
        name="circle",
    ),
    Case(
        "fallback-loop",
        f"postconf -e {FAST};"
        " postconf -P smtp/unix/smtp_fallback_relay=[192.0.2.1],[88.198.105.204],[192.0.2.2]",
        "/etc/postfix",
        "master",
    ),
    Case(
        "fallback-by-mx",
        "postconf -P smtp/unix/smtp_fallback_relay=[192.0.2.1],fallback.example.net;"
        f" postconf -e {FAST}",
        "/etc/postfix",
        "master",
    ),
    Case(
        "fallback-by-mx",
        f"postconf -e smtp_fallback_relay=fallback.example.net:25 {FAST}",
        "/etc/postfix",
    ),
    Case("fallback-slow", "postconf -e smtp_fallback_relay=[192.0.2.1]", "/etc/postfix"),
    Case(
        "content-filter-loop",
        f"{_SCANNER}for d in /etc/postfix {OUT}; do"
        " postconf -c $d -e content_filter=smtp:[127.0.0.9]:2525; done",
        name="copied",
    ),
    Case(
        "content-filter-loop",
        f"{_SCANNER}mkdir -p /etc/amavis/conf.d;"
        " printf '%s\\n' \"\\$forward_method = 'smtp:[10.0.0.1]:25';\""
        f" >/etc/amavis/conf.d/50-user; {_OUT} -e content_filter=smtp:[127.0.0.9]:2525",
        name="amavisd",
    ),
    Case(
        "content-filter-loop",
        f"{_SCANNER}mkdir -p /etc/amavis/conf.d; echo '1;' >/etc/amavis/conf.d/50-user;"
        " postconf -e content_filter=smtp:[127.0.0.9]:2525;"
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
    Case("torn-file", f"mkdir -p /var/lib/postwrap; : >{_RECORD}", OUT, "record"),
    Case("torn-file", "truncate -s 77 /usr/local/lib/postwrap/manifest.json", None, "manifest"),
    Case("torn-file", ": >/usr/local/lib/postwrap/facts.json", None, "facts"),
    Case("commands-left", f"postfix -c {OUT} stop; rm -r {OUT}", None),
    Case("installed-twice", "postwrap install --prefix=/usr", None),
    Case("unreadable-settings", f"echo nonsense >>{OUT}/main.cf", name="main"),
    Case("unreadable-settings", f"echo nonsense >>{OUT}/master.cf", name="master"),
    Case(
        "unreadable-settings", f"sed -i '5i foo udp - -\\n  -o a=b' {OUT}/master.cf", name="fields"
    ),
    Case(
        "unreadable-settings",
        "sed -i '/^pickup/i foo udp - - y - - smtpd\\n# c\\n  -o a=b\\n\\n  -o b=c'"
        f" {OUT}/master.cf",
        name="type",
    ),
    Case("unreadable-settings", f"echo 'mail_name = ${{x' >>{OUT}/main.cf", name="macro"),
    Case(
        "unreadable-settings", f"echo 'mail_name = a ${{x-y}}' >>{OUT}/main.cf", name="macro-name"
    ),
    Case("unreadable-settings", f"echo 'mail_name = $mail_name' >>{OUT}/main.cf", name="itself"),
    Case("unreadable-settings", f"{_OUT} -e 'biff=${{{{a}} ~~ {{b}}?{{c}}}}'", name="operator"),
    Case("unreadable-settings", f"{_OUT} -e message_size_limit=lots", name="number"),
    Case(
        "unreadable-settings",
        f"{_OUT} -e 'myhostname=out.$mydomain' smtp_helo_name=mail.example.com",
        name="domain",
    ),
    Case("unreadable-settings", f"{_OUT} -e mail_owner=nosuch", name="user"),
    Case("unreadable-settings", f"{_OUT} -e inet_protocols=ipx", name="word"),
    Case(
        "unreadable-settings",
        f"{_OUT} -X mynetworks; {_OUT} -e mynetworks_style=foo",
        name="mynetworks",
    ),
    Case(
        "unreadable-settings",
        "kept=$(postconf -h inet_interfaces); postconf -e inet_interfaces=all;"
        " postfix stop; touch -d -1min /etc/postfix/main.cf; postfix start;"
        ' postconf -e "inet_interfaces=$kept" message_size_limit=lots',
        "/etc/postfix",
        "default-that-runs-everywhere",
    ),
    Case("unknown-setting", f"{_OUT} -e smtp_conect_timeout=5s", name="main"),
    Case("unknown-setting", f"{_OUT} -P smtp/unix/smtp_conect_timeout=5s", name="master"),
    *(
        Case("unknown-setting", _behind_o(option), name=name)
        for name, option in {
            "bracket": "smtp_timeout[0=5",
            "pattern": "a(b*=5",
            "slash": "a/b=5",
            "quote": "a'b=5",
            "master-letters": "{ smtp_tïmeout = 5 }",
        }.items()
    ),
    Case("unknown-setting", f"echo 'mail_näme = x' >>{OUT}/main.cf", name="letters"),
    Case("undefined-setting", f"{_OUT} -e 'relay_domains=$partners'"),
    Case("setting-twice", f"echo 'syslog_name = postfix-second' >>{OUT}/main.cf"),
    Case("postconf-warning", f"sed -i '1i \\  foo = bar' {OUT}/main.cf", name="indented"),
    Case("postconf-warning", f"echo 'process_name = x' >>{OUT}/main.cf", name="read-only"),
    Case("postconf-warning", f"{_OUT} -P smtp/unix/process_name=x", name="read-only-master"),
    Case(
        "unknown-table-setting",
        f"printf 'memcache = inet:127.0.0.1:11211\\nfoo = y\\n' >{OUT}/my.cf;"
        f" {_OUT} -e virtual_alias_maps=memcache:{OUT}/my.cf",
        gone=_BY_MEMCACHE,
    ),
    Case(
        "unknown-table-setting",
        f"printf 'ttl = 9\\n%s = y\\n' 'a/[*' >{OUT}/my.cf;"
        f" {_OUT} -e virtual_alias_maps=memcache:{OUT}/my.cf",
        name="pattern",
        gone=_BY_MEMCACHE,
    ),
    Case(
        "table-missing",
        f"{_OUT} -e 'virtual_alias_maps=inline:{{a@a=b}}, proxy:memcache:{OUT}/gone.cf,"
        f"inline:{{c@c=d}}'; {_RELOAD}",
        choice="as if the table were empty",
    ),
    Case(
        "table-missing",
        f"echo 'a@a b' >{OUT}/aliases; {_OUT} -e virtual_alias_maps=hash:{OUT}/aliases; {_RELOAD}",
        name="not-indexed",
    ),
    Case(
        "table-missing",
        f"{_OUT} -e 'smtpd_sender_restrictions=check_sender_access regexp:{OUT}/senders,"
        f" permit_mynetworks'; {_RELOAD}",
        name="restriction",
        choice="as if the table were empty",
    ),
    Case(
        "table-type-missing",
        f"echo 'hosts = x' >{OUT}/my.cf; {_OUT} -e virtual_alias_maps=mysql:{OUT}/my.cf; {_RELOAD}",
        choice="as if the table were empty",
    ),
    Case("two-names", f"ln -s {OUT} /etc/postfix-alias", "/etc/postfix-alias", "beside"),
    Case(
        "two-names",
        f"mkdir -p /srv; ln -s {OUT} /srv/alias;"
        f" postconf -e alternate_config_directories={OUT},/srv/alias",
        "/srv/alias",
        "registered",
    ),
    Case(
        "two-names",
        f"{_MOVE} /srv/out; ln -s /srv/out {OUT}; postfix -c {OUT} start",
        OUT,
        "started",
    ),
    Case(
        "not-served",
        f"{_MOVE} /srv/mail; postconf -c /srv/mail -e multi_instance_name=ä; postwrap install || :",
        "/srv/mail",
        "multi-instance-name",
    ),
]

_RESTART = (
    "for d in /etc/postfix /etc/postfix-out; do postfix -c $d stop; postfix -c $d start; done"
)
_AUTH = """
cat >/srv/auth.py <<'PYTHON'
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
server.listen(9)
while True:
    client, _ = server.accept()
    client.sendall(b"VERSION\\t1\\t1\\nMECH\\tPLAIN\\tplaintext\\nSPID\\t1\\nCUID\\t1\\nCOOKIE\\t"
        + b"0" * 32 + b"\\nDONE\\n")
PYTHON
setsid python3 /srv/auth.py /var/spool/postfix/private/auth >/dev/null 2>&1 &
sleep 0.5
"""
"""Dovecot's side of a login, as far as smtpd needs it to greet, in the default instance's queue."""
_SASL = "smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth smtpd_sasl_auth_enable=yes"
_OPEN = f"{_OUT} -F 10.0.0.1:smtp/inet/chroot=n"
_CACHE = "postscreen_cache_map=btree:/var/lib/postfix/screened postscreen_greet_wait=1s"
_SCREEN = (
    """
screen() {
    postconf -c $1 -F $2/command=postscreen $2/process_limit=1
    postconf -c $1 -M smtpd/pass='smtpd pass - - y - - smtpd'
    postconf -c $1 -M dnsblog/unix='dnsblog unix - - y - 0 dnsblog'
    postconf -c $1 -M tlsproxy/unix='tlsproxy unix - - y - 0 tlsproxy'
    postconf -c $1 -e postscreen_greet_wait=1s postscreen_bare_newline_action=ignore
}
screen /etc/postfix smtp/inet; screen /etc/postfix-out 10.0.0.1:smtp/inet
"""
    + _RESTART
)
_BLOCKED = f"""
{_OUT} -e message_size_limit=lots
touch -d -1min {OUT}/main.cf
master=$(cat /var/spool/postfix-out/pid/master.pid)
kill $(pgrep -P $master postlogd)
sleep 2
{_OUT} -X message_size_limit
touch -d -1min {OUT}/main.cf
for n in $(seq 15); do echo "line $n" | timeout 0.5 postlog -c {OUT} & done; wait
kill $(pgrep -P $master pickup)
sleep 1"""
"""master(8) of the second instance waits for its postlogd(8), which could not start for a while."""
_ENABLED = f"""
postconf -X alternate_config_directories
{_OUT} -e multi_instance_name=postfix-out multi_instance_enable=yes
postconf -e multi_instance_directories={OUT} multi_instance_enable=yes \\
    'multi_instance_wrapper=${{command_directory}}/postmulti -p --'
postwrap install
"""
_ROUTES = f"{OUT}/routes"
_TABLE = f"{_OUT} -e transport_maps=hash:{_ROUTES}; postmap hash:{_ROUTES}; {_RELOAD}"
_DEVICE = """
ip link add d0 type veth peer name d1
ip address add 10.5.0.1/32 dev d0
"""
_SIX = (
    """
ip address add 2001:db8::1/128 dev lo; ip address add 2001:db8::2/128 dev lo
postconf -e inet_protocols=all; postconf -c /etc/postfix-out -e inet_protocols=all
postconf -e 'inet_interfaces=88.198.105.204, 127.0.0.1, 2001:db8::1'
postconf -c /etc/postfix-out -Me \\
    '[2001:db8::2]:smtp/inet=[2001:db8::2]:smtp inet n - y - - smtpd'
"""
    + _RESTART
)

_CERTIFICATE = f"""
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=out.example.com \\
    -keyout /etc/ssl/out.key -out /etc/ssl/out.pem 2>/dev/null
{_OUT} -e smtpd_tls_cert_file=/etc/ssl/out.pem smtpd_tls_key_file=/etc/ssl/out.key
{_RELOAD}
"""

MORE = [
    Case(
        "listener-overlap",
        f"postconf -e inet_interfaces=all; {_RESTART}",
        name="everywhere",
    ),
    Case(
        "listener-overlap",
        f"{_OUT} -e inet_interfaces=all; {_OUT} -F 10.0.0.1:smtp/inet/service=smtp; {_RESTART}",
        name="secondary-everywhere",
    ),
    Case(
        "listener-overlap",
        f"{_OUT} -F 10.0.0.1:smtp/inet/service=smtp; {_RESTART}",
        name="one-address",
        choice="10.0.0.1 instead",
    ),
    Case(
        "listener-overlap",
        f"postconf -e inet_interfaces=all; {_RESTART}",
        name="both-families",
        before=_SIX,
    ),
    Case(
        "shared-queue-directory",
        f"{_OUT} -e queue_directory=/var/spool/postfix",
        name="running",
    ),
    Case("shared-data-directory", f"{_OUT} -e data_directory=/var/lib/postfix", name="running"),
    Case(
        "queue-parts-missing",
        f"{_OUT} -e queue_directory=/var/spool/nowhere",
        name="stray-master",
    ),
    Case(
        "source-missing",
        f"{_OUT} -e smtp_bind_address=192.0.2.50; {_RESTART}",
        name="running",
        choice="any address",
    ),
    Case(
        "source-missing",
        f"{_OUT} -e smtp_bind_address=192.0.2.50; {_RESTART}",
        name="another",
        choice="send from",
    ),
    Case(
        "source-missing",
        f"{_OUT} -P smtp/unix/smtp_bind_address=192.0.2.50 relay/unix/smtp_bind_address=192.0.2.50;"
        f" {_RELOAD}",
        name="two-services",
        choice="any address",
    ),
    Case(
        "source-missing",
        f"{_OUT} -e smtp_bind_address=192.0.2.50 smtp_bind_address_enforce=yes; {_RELOAD}",
        name="enforced",
        choice="any address",
    ),
    Case(
        "address-missing",
        f"{_OUT} -e inet_interfaces=88.198.105.204,127.0.0.1,192.0.2.50",
        name="one-of-several",
        choice="not to have",
    ),
    Case(
        "address-missing",
        f"{_OUT} -e inet_interfaces=88.198.105.204,127.0.0.1,192.0.2.50",
        name="floating",
        choice="moves between hosts",
    ),
    Case(
        "address-missing",
        f"{_OUT} -e inet_interfaces=88.198.105.204,127.0.0.1,127.0.0.2",
        name="loopback-of-several",
    ),
    Case(
        "address-missing",
        f"{_DEVICE} {_OUT} -e inet_interfaces=10.5.0.1,127.0.0.1",
        name="interface-down",
        choice="is to be up",
    ),
    Case(
        "address-missing",
        f"{_OUT} -e 'inet_interfaces=88.198.105.204, 2001:db8::9'",
        name="ipv6",
        choice="not to have",
        before=_SIX,
    ),
    Case(
        "unknown-setting",
        f"{_OUT} -X relayhost; {_OUT} -e 'relay_host=[127.0.0.9]:2525'; {_RESTART}",
        name="relayhost",
    ),
    Case(
        "listener-taken",
        f"postfix -c {OUT} stop; import='import socket, time; s = "
        'socket.create_server(("10.0.0.1", 25)); time.sleep(300)\';'
        ' setsid python3 -c "$import" >/dev/null 2>&1 & sleep 0.5',
        choice="postfix-out is to listen",
    ),
    Case("socket-missing", f"{_OUT} -e {_SASL}; {_RELOAD}", name="jailed", before=_AUTH),
    Case("socket-missing", f"{_OUT} -e {_SASL}; {_OPEN}; {_RELOAD}", name="unjailed", before=_AUTH),
    Case(
        "socket-missing",
        f"{_OUT} -e smtpd_milters=unix:private/auth; {_RELOAD}",
        name="milter",
        before=_AUTH,
    ),
    Case(
        "socket-missing",
        f"{_OUT} -e 'smtpd_end_of_data_restrictions=check_policy_service unix:private/auth';"
        f" {_RELOAD}",
        name="policy",
        before=_AUTH,
    ),
    Case(
        "cache-shared",
        f"postconf -e {_CACHE}; {_OUT} -e {_CACHE}; postfix reload; {_RELOAD}",
        name="postscreen",
        before=_SCREEN,
    ),
    Case("transport-missing", f"{_OUT} -MX smtp/unix; {_RELOAD}", name="no-client"),
    Case(
        "transport-missing",
        f"{_OUT} -e master_service_disable=smtp/unix; {_RELOAD}",
        name="turned-off",
    ),
    Case("transport-missing", f"{_OUT} -e content_filter=scan:dummy; {_RELOAD}", name="filter"),
    Case(
        "transport-missing",
        f"echo 'example.net slow:[127.0.0.9]:2525' >{_ROUTES}; {_TABLE}",
        name="table",
    ),
    Case(
        "next-hop-unheard",
        f"{_OUT} -e default_transport=smtp:[127.0.0.1]:2626; {_RELOAD}",
        name="transport",
        choice="no mail is to go there",
    ),
    Case(
        "next-hop-unheard",
        f"postconf -e relayhost=[10.0.0.1]:26 {HELO}; {_OUT} -e {NETS}; postfix reload; {_RELOAD}",
        "/etc/postfix",
        "another-port",
        choice="postfix-out is to listen there",
    ),
    Case(
        "next-hop-unheard",
        f"postconf -e relayhost=[10.0.0.1]:26 {HELO}; {_OUT} -e {NETS}; postfix reload; {_RELOAD}",
        "/etc/postfix",
        "its-port",
        choice="mail is to go to 10.0.0.1:25",
    ),
    Case(
        "next-hop-unheard",
        f"{_OUT} -e content_filter=smtp:[127.0.0.1]:10024; {_RELOAD}",
        name="filter",
        choice="not to be filtered",
    ),
    Case(
        "next-hop-unheard",
        f"echo 'example.net smtp:[127.0.0.1]:2626' >{_ROUTES}; {_TABLE}",
        name="table",
        choice="no mail is to go there",
    ),
    Case(
        "route-loop",
        f"echo 'example.net smtp:[10.0.0.1]' >{_ROUTES}; {_TABLE}",
        name="table-to-itself",
    ),
    Case(
        "route-loop",
        f"postconf -e relayhost=[10.0.0.1] {NETS};"
        f" {_OUT} -e {NETS} {HELO} 'relayhost=[88.198.105.204], [127.0.0.9]:2525'; {_RESTART}",
        "/etc/postfix",
        "each-to-the-other",
        choice="postfix-out is not to hand it",
    ),
    Case(
        "route-loop",
        f"{_OUT} -e {NETS} {HELO}; postconf -e {NETS};"
        f" echo 'example.net smtp:[88.198.105.204]' >{_ROUTES};"
        f" echo '* smtp:[10.0.0.1]' >/etc/postfix/routes;"
        f" postconf -e transport_maps=texthash:/etc/postfix/routes; {_TABLE}; {_RESTART}",
        "/etc/postfix",
        "two-tables",
        choice="postfix-out is not to hand it",
    ),
    Case("postfix-refuses", f"{_OUT} -e daemon_directory=/usr/lib/postfix"),
    Case(
        "postfix-refuses",
        "postconf -e daemon_directory=/usr/lib/postfix",
        "/etc/postfix",
        "default",
    ),
    Case(
        "wrapper-refused",
        "postconf -e 'multi_instance_wrapper=${command_directory}/postmulti'",
        "/etc/postfix",
        before=_ENABLED,
    ),
    Case("not-running", f"postfix -c {OUT} stop", before=_ENABLED),
    Case("master-blocked", _BLOCKED),
    Case("unreadable-settings", f"{_BLOCKED}\n{_OUT} -e message_size_limit=lots", name="blocked"),
    Case(
        "server-unheard",
        f"{_OUT} -e smtpd_milters=inet:127.0.0.1:8891 'non_smtpd_milters=$smtpd_milters'"
        f" milter_default_action=tempfail; {_RELOAD}",
        name="milter",
        choice="not to be asked",
    ),
    Case(
        "server-unheard",
        f"{_OUT} -e 'smtpd_end_of_data_restrictions=check_policy_service inet:127.0.0.1:10031';"
        f" {_RELOAD}",
        name="policy",
        choice="not to be asked",
    ),
    Case(
        "server-unheard",
        f"{_OUT} -e smtpd_sasl_type=dovecot smtpd_sasl_path=inet:127.0.0.1:12345"
        f" smtpd_sasl_auth_enable=yes; {_RELOAD}",
        name="login",
        choice="nobody is to log in",
    ),
    Case(
        "open-relay",
        "postconf -e 'mynetworks=127.0.0.0/8, 0.0.0.0/0'; postfix reload",
        "/etc/postfix",
        choice="not your own networks",
    ),
    Case("maillog-shared", "postfix logrotate"),
    Case(
        "role-cut",
        f"{_OUT} -e smtpd_tls_security_level=encrypt {NETS} {HELO}; {_RELOAD};"
        " postconf -e relayhost=[10.0.0.1] smtp_tls_security_level=; postfix reload",
        "/etc/postfix",
        name="tls",
        gone=("private",),
        before=_CERTIFICATE,
    ),
    Case(
        "role-cut",
        f"{_OUT} -e {NETS} {HELO} 'smtpd_relay_restrictions=permit_sasl_authenticated, reject';"
        f" {_RELOAD}; postconf -e transport_maps=inline:{{example.net=smtp:[10.0.0.1]:25}};"
        " postfix reload",
        name="login-only",
        choice="it is to take what",
    ),
]

EXCEPTIONS = {
    **dict.fromkeys(
        ("commands-missing", "commands-outdated", "commands-left", "installed-twice", "torn-file"),
        "files of postwrap's own, which no mail passes",
    ),
    **dict.fromkeys(
        ("helo-leak", "private-source"), "about servers on the Internet, which a private host lacks"
    ),
    **dict.fromkeys(
        ("syslog-name-shared", "syslog-name-fixed"), "change the tag of log lines alone"
    ),
    **dict.fromkeys(
        ("copy", "two-names", "not-served"), "move a directory, and with it the paths of mail"
    ),
    **dict.fromkeys(
        ("two-units", "not-at-boot", "orphaned-unit", "registered-with-commas", "name-mismatch"),
        "about the next boot: tests/boot",
    ),
    **dict.fromkeys(("copied-queue", "held-copy"), "a test of their own in test_outcomes"),
    "dies": "a test of its own in test_outcomes: what died is not told by a script",
    "saturated": "about servers that do not answer: tests/host/test_saturation.py",
    "filter-return-unheard": "about a content filter that runs: tests/host/test_made_by_hand.py",
    "obsolete-setting": "of Debian 13 alone: test_check",
    "rule-failed": "a defect of postwrap",
}
"""The rules without an outcome test of mail, and why."""

FAULTS = [case for case in (*CASES, *MORE) if case.code not in EXCEPTIONS]
"""What can change the flow of mail."""
