"""Each rule of check on real Postfix: the host that breaks it, its code alone, its remedy."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.faults import CASES, CHECKS, EXCEPTIONS, FAST, HELO, NETS, ODD, OUT, Case
from tests.harness.paths import CHECKOUT
from tests.host import test_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness.host import Host
    from tests.harness.layers import Layers

BOTH = pytest.mark.bases("bookworm", "trixie")

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


def settle(host: Host) -> None:
    """The talk's host with all that today's Debian wants: jails filled, commands installed."""
    host.start_default()
    host.talk_instance()
    path = str(CHECKOUT / "generator")
    host.write("/usr/local/sbin/postwrap", _SHIM.format(path=path, python=host.python), 0o755)
    host.sh(_FILL_JAIL)
    host.run("postwrap", "install")


@pytest.fixture
def healthy(layers: Layers, base: Path) -> Iterator[Host]:
    with layers.copy(base, "check", settle) as host:
        host.start("/etc/postfix", OUT)
        yield host


def remedy_of(finding: dict[str, Any], choice: str = "") -> str:
    """The remedy, or where there are several the first whose "if" has `choice`."""
    meant = [c["remedy"] for c in finding["choices"] if choice in c["when"]]
    return str(finding["remedy"] or meant[0])


def findings(host: Host, *words: str, **options: Any) -> list[dict[str, Any]]:
    host.age()
    done = host.run("postwrap", "check", "--json", *words, check=False, **options)
    assert done.returncode in (0, 1), done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    # An ordinary user never sees all.
    is_blind = bool(document["unseen"]) and "user" in options
    assert done.returncode == (1 if document["findings"] or is_blind else 0)
    return list(document["findings"])


@BOTH
@pytest.mark.parametrize("case", [case for case in CASES if case.code in EXCEPTIONS], ids=str)
def test_a_mistake_gives_its_code_alone_and_the_remedy_mends_it(healthy: Host, case: Case) -> None:
    """test_outcomes has the mistakes that can change what becomes of mail, with mail."""
    healthy.sh(case.script)
    found = findings(healthy)
    assert [(f["code"], f["instance"]) for f in found] == [(case.code, case.where)], found
    healthy.sh(remedy_of(found[0], case.choice))
    assert findings(healthy) == []


_OF_THE_NAME = ("not-authorised", "undefined-setting", "postfix-refuses")
"""A list of directories cannot hold such a name, to postconf the $ of it is a parameter, and
postfix(1) refuses what its shell script stumbles over."""


@BOTH
@pytest.mark.parametrize(("name", "directory"), ODD, ids=[name for name, _ in ODD])
def test_a_directory_that_gets_no_commands_moves_to_a_name_that_does(
    healthy: Host, name: str, directory: str
) -> None:
    if name == "foreign-command":
        healthy.write("/usr/sbin/postfix-own", "#!/bin/sh\n", 0o755)
    # Postfix cannot even start where the shell minds the name.
    runs = name in {"letters", "long", "foreign-command"}
    if runs:  # A table below the directory follows it.
        healthy.sh(f"{_OUT} -e transport_maps=texthash:{OUT}/transport; touch {OUT}/transport")
    healthy.sh(f'postfix -c {OUT} stop; mv {OUT} "$1"; postwrap install || :', directory)
    if runs:
        change = f"s|{OUT}/transport|{directory}/transport|"
        healthy.run("sed", "-i", change, f"{directory}/main.cf")
        healthy.postconf(f"alternate_config_directories={directory}")
        healthy.run("postfix", "-c", directory, "start")
    every = findings(healthy)
    (found,) = [f for f in every if f["code"] == "not-served"]
    assert {f["code"] for f in every} <= {"not-served", *(() if runs else _OF_THE_NAME)}
    assert (found["code"], found["instance"]) == ("not-served", directory)
    healthy.sh(found["remedy"])
    assert findings(healthy) == []
    (moved,) = json.loads(healthy.run("postwrap", "list", "--json").stdout)["instances"][1:]
    assert healthy.running(moved["directory"]) == runs
    table = healthy.run("postconf", "-c", moved["directory"], "-hx", "transport_maps").stdout
    assert table.strip() == (f"texthash:{moved['directory']}/transport" if runs else "")


OBSOLETE = [
    ("use", f"{_OUT} -e smtpd_use_tls=yes", "smtpd_tls_security_level", "may"),
    ("enforce", f"{_OUT} -e lmtp_enforce_tls=yes", "lmtp_tls_security_level", "encrypt"),
    ("off", f"{_OUT} -e smtp_enforce_tls=no", "smtp_tls_security_level", ""),
    ("none", f"{_OUT} -e smtpd_tls_eecdh_grade=auto", "smtpd_tls_eecdh_grade", "auto"),
    (
        "table",
        (
            f"cd {OUT}; printf 'a.example MUST\\nb.example may\\n' >sites; postmap hash:sites;"
            f" {_OUT} -e smtp_tls_per_site=hash:{OUT}/sites"
        ),
        "smtp_tls_policy_maps",
        f"hash:{OUT}/sites-policy",
    ),
]


@pytest.mark.bases("trixie")
@pytest.mark.parametrize(
    ("script", "successor", "value"), [o[1:] for o in OBSOLETE], ids=[o[0] for o in OBSOLETE]
)
def test_what_a_coming_postfix_will_not_know(
    healthy: Host, script: str, successor: str, value: str
) -> None:
    healthy.sh(script)
    (found,) = findings(healthy)
    assert (found["code"], found["instance"]) == ("obsolete-setting", OUT)
    healthy.sh(found["remedy"])
    assert findings(healthy) == []
    assert healthy.run("postconf", "-c", OUT, "-hx", successor).stdout.strip() == value
    if value.startswith("hash:"):
        policy = healthy.run("postmap", "-s", value).stdout
        assert sorted(policy.split("\n")) == ["", "a.example\tverify", "b.example\tmay"]


@pytest.mark.bases("trixie")
def test_what_both_words_for_tls_say(healthy: Host) -> None:
    healthy.sh(f"{_OUT} -e smtpd_use_tls=yes smtpd_enforce_tls=yes")
    found = findings(healthy)
    assert {f["code"] for f in found} == {"obsolete-setting"}
    for finding in found:
        healthy.sh(finding["remedy"])
    assert findings(healthy) == []
    level = healthy.run("postconf", "-c", OUT, "-h", "smtpd_tls_security_level").stdout
    assert level == "encrypt\n"


@pytest.mark.bases("trixie")
def test_a_service_of_master_cf_that_a_coming_postfix_will_not_know(healthy: Host) -> None:
    healthy.sh(f"{_OUT} -P smtp/unix/disable_dns_lookups=yes")
    (found,) = findings(healthy)
    assert (found["code"], found["instance"]) == ("obsolete-setting", OUT)
    healthy.sh(found["remedy"])
    assert findings(healthy) == []


_TWIN = """
twin=/srv/postfix-out
cp -a /etc/postfix-out "$twin"
postconf -c "$twin" -e queue_directory=/srv/queue data_directory=/srv/data \\
    syslog_name=postfix-twin master_service_disable=inet
mkdir /srv/queue
install -d -o postfix -m 700 /srv/data
postfix -c "$twin" check
postconf -e "alternate_config_directories=/etc/postfix-out, $twin"
"""


def test_of_two_with_one_name_the_second_has_to_move(healthy: Host) -> None:
    healthy.sh(_TWIN)
    (found,) = [f for f in findings(healthy) if f["code"] == "not-served"]
    assert found["instance"] == "/srv/postfix-out"
    assert OUT in found["message"]
    healthy.sh(found["remedy"])
    for other in findings(healthy):
        healthy.sh(other["remedy"])
    assert findings(healthy) == []
    listed = json.loads(healthy.run("postwrap", "list", "--json").stdout)["instances"]
    assert [line["name"] for line in listed] == ["default", "out", "out-2"]


@BOTH
def test_the_talk_gives_nothing_at_all(healthy: Host) -> None:
    done = healthy.run("postwrap", "check", check=False)
    sound = (
        "No problem found: /etc/postfix (88.198.105.204:25, 127.0.0.1:25); "
        "/etc/postfix-out (10.0.0.1:25)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, sound, "")
    alice = healthy.run("postwrap", "check", user="alice", check=False)
    assert (alice.returncode, alice.stdout) == (1, sound)
    assert "not checked (needs root)" in alice.stderr


SANE = {
    "a filter of its own by pipe": (
        f"for d in /etc/postfix {OUT}; do postconf -c $d -e content_filter=own:;"
        " postconf -c $d -Me 'own/unix=own unix - n n - - pipe user=nobody argv=/bin/true'; done"
    ),
    "checks that its listener leaves out": (
        f"for d in /etc/postfix {OUT}; do postconf -c $d -e {CHECKS}; done;"
        f" {_OUT} -P 10.0.0.1:smtp/inet/smtpd_client_restrictions=permit"
    ),
    "odd lines in passwd and hosts": (
        "printf '+::::::\\nodd\\n' >>/etc/passwd;"
        " printf '10.0.0.9\\nodd line\\n\\377\\n' >>/etc/hosts;"
        " for q in postfix postfix-out; do cp /etc/hosts /var/spool/$q/etc; done"
    ),
    "a lookup table that only root may read": (
        f"echo ttl=9 >{OUT}/my.cf; chmod 600 {OUT}/my.cf;"
        f" {_OUT} -e virtual_alias_maps=proxy:memcache:{OUT}/my.cf"
    ),
    "submission beside postscreen": (
        "postconf -Me 'smtp/inet=smtp inet n - y - 1 postscreen'"
        " 'smtpd/pass=smtpd pass - - y - - smtpd'"
        " 'submission/inet=submission inet n - y - - smtpd';"
        f" {_OUT} -Me '10.0.0.1:587/inet=10.0.0.1:587 inet n - y - - smtpd'"
    ),
    "names in settings": (
        f"{_OUT} -e me=10.0.0.1 tag=postfix-out 'queue_directory=/var/spool/$tag'"
        " 'smtp_bind_address=$me' 'syslog_name=$tag'"
    ),
    "no SMTP at all": f"{_OUT} -MX 10.0.0.1:smtp/inet; {_OUT} -e inet_interfaces=loopback-only",
    "a last line without an end": f"printf 'mail_name = X' >>{OUT}/main.cf",
    "a thousand networks": (
        f"{_OUT} -e \"mynetworks=127.0.0.0/8 $(seq -s ' ' -f '10.1.%g.0/24' 0 255)"
        " $(seq -s ' ' -f '10.2.%g.0/24' 0 255) $(seq -s ' ' -f '10.3.%g.0/24' 0 255)\""
    ),
    "registered twice, and the default too": (
        f"postconf -e 'alternate_config_directories=/etc/postfix {OUT}, {OUT}'"
    ),
    "a relay that DNS does not know": "postconf -e relayhost=[smtp.provider.invalid]:587",
}


@BOTH
@pytest.mark.parametrize("script", SANE.values(), ids=list(SANE))
def test_an_unusual_host_that_is_sound_gives_nothing(healthy: Host, script: str) -> None:
    healthy.sh(script)
    assert findings(healthy) == []
    assert findings(healthy, user="alice") == []


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
        assert (done.returncode, done.stdout.count("error")) == (1, 0), done
        assert "listening socket" in done.stderr
        assert remedy_of(found[0]).startswith(remedy)
        healthy.sh(remedy_of(found[0]))
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


def test_a_person_reads_the_worst_first_and_pastes_the_line(healthy: Host) -> None:
    healthy.sh(f"{_OUT} -e smtp_conect_timeout=5s; {_OUT} -e data_directory=/var/lib/postfix")
    done = healthy.run("postwrap", "check", check=False)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{OUT}:"
    assert [line.split(":")[0].strip() for line in lines[1::2]] == ["error", "warning"]
    assert lines[4].strip() == (
        f"postconf -c {OUT} -X smtp_conect_timeout && "
        f"postconf -c {OUT} -e smtp_connect_timeout=5s && postfix -c {OUT} reload"
    )


def test_unknown_names_and_codes_are_refused(healthy: Host) -> None:
    nobody = healthy.run("postwrap", "check", "nobody", check=False)
    assert (nobody.returncode, nobody.stdout) == (3, "")
    assert "nobody: no such instance" in nobody.stderr
    code = healthy.run("postwrap", "check", "--ignore", "nonsense", check=False)
    assert code.returncode == 2
    assert "--ignore nonsense: no such code" in code.stderr
    near = healthy.run("postwrap", "check", "--ignore", "not-authorized", check=False)
    assert "did you mean not-authorised?" in near.stderr


_NAME_SERVER = """
import ipaddress, socket, struct, sys
known = dict(word.split("=") for word in sys.argv[2:])
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, client = server.recvfrom(512)
    if sys.argv[1] == "dead":
        continue
    end, labels = 12, []
    while query[end]:
        labels.append(query[end + 1 : end + 1 + query[end]].decode())
        end += 1 + query[end]
    kind = struct.unpack("!H", query[end + 1 : end + 3])[0]
    address = known.get(".".join(labels).lower())
    wanted = bool(address) and kind == (28 if ":" in address else 1)
    flags = 0x8180 if address else 0x8183
    answer = query[:2] + struct.pack("!HHHHH", flags, 1, wanted, 0, 0) + query[12 : end + 5]
    if wanted:
        data = ipaddress.ip_address(address).packed
        answer += b"\\xc0\\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data
    server.sendto(answer, client)
"""
"""A name server for the names of the command line, or one that is there and never answers."""


@contextmanager
def name_server(host: Host, *words: str) -> Iterator[None]:
    server = host.popen(host.python, "-c", _NAME_SERVER, *words)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield
    finally:
        server.kill()
        server.wait()


BY_DNS = [
    ("fallback-loop", "/etc/postfix", f"smtp_fallback_relay=[me.example.net]:25 {FAST}"),
    ("fallback-loop", "/etc/postfix", f"smtp_fallback_relay=[six.example.net]:25 {FAST}"),
    ("same-hostname", OUT, f"relayhost=[second.example.net]:25; {_OUT} -e {NETS}"),
    (
        "mynetworks-lacks-sibling",
        OUT,
        f"default_transport=smtp:[SECOND.example.net]; {_OUT} -e {HELO}",
    ),
]


@BOTH
@pytest.mark.parametrize(("code", "where", "settings"), BY_DNS)
def test_a_next_hop_that_dns_alone_knows(
    healthy: Host, code: str, where: str, settings: str
) -> None:
    names = ("me=88.198.105.204", "second=10.0.0.1", "six=2001:db8::1", "far=192.0.2.1")
    healthy.sh("postconf -e inet_protocols=all; ip address replace 2001:db8::1/128 dev lo")
    healthy.sh("postconf -e inet_interfaces=88.198.105.204,127.0.0.1,2001:db8::1")
    healthy.sh(f"postconf -e relayhost=[far.example.net]:25; postconf -e {settings}")
    with name_server(healthy, "alive", *(n.replace("=", ".example.net=") for n in names)):
        found = findings(healthy)
        assert [(f["code"], f["instance"]) for f in found] == [(code, where)], found
        healthy.sh(found[0]["remedy"])
        assert findings(healthy) == []


@BOTH
def test_dns_that_never_answers_does_not_hold_the_check_up(healthy: Host) -> None:
    relays = ", ".join(f"[relay{n}.example.net]:25" for n in range(20))
    healthy.sh(f"postconf -e 'smtp_fallback_relay={relays}' {FAST}")
    healthy.sh(f"{_OUT} -e inet_interfaces=127.0.0.1,me.example.net")
    with name_server(healthy, "dead"):
        done = healthy.run("postwrap", "check", "--json", check=False, timeout=90)
    document = json.loads(done.stdout)
    # A daemon that happens to start meanwhile ends on the name in inet_interfaces, as is told then.
    assert {f["code"] for f in document["findings"]} <= {"dies"}, done.stdout
    unseen = document["unseen"]
    assert "the addresses of relay19.example.net, for DNS does not answer" in unseen
    assert "the addresses of me.example.net, for DNS does not answer" in unseen


_GENERATOR = "/lib/systemd/system-generators/postfix-instance-generator"

# As postwrap registered its instances in former versions.
_COMMAS = """
postwrap create one --address 127.0.0.2 --no-start --yes >&2
postwrap create two --address 127.0.0.3 --no-start --yes >&2
postconf -e "multi_instance_directories=/etc/postfix-one, /etc/postfix-two"
"""


def linked(host: Host) -> list[str]:
    """The units that the distribution's own generator of units links."""
    host.sh(f"rm -rf /run/generator; mkdir /run/generator; {_GENERATOR} /run/generator || :")
    return sorted(host.sh("ls /run/generator/postfix.service.wants").stdout.split())


def test_commas_where_the_distribution_splits_at_blanks(healthy: Host) -> None:
    both = ["postfix@-.service", "postfix@postfix-one.service", "postfix@postfix-two.service"]
    try:
        healthy.sh(_COMMAS)
        assert linked(healthy) != both
        (found,) = (f for f in findings(healthy) if f["code"] == "registered-with-commas")
        assert (found["instance"], found["severity"]) == ("/etc/postfix", "warning")
        healthy.sh(found["remedy"])
        assert linked(healthy) == both
        assert "registered-with-commas" not in {f["code"] for f in findings(healthy)}
        # Where the distribution has no such generator, a comma is as good as a blank.
        healthy.sh(f"{_COMMAS.splitlines()[-1]}; mv {_GENERATOR} /root/generator")
        assert "registered-with-commas" not in {f["code"] for f in findings(healthy)}
    finally:
        healthy.sh(f"[ -e {_GENERATOR} ] || mv /root/generator {_GENERATOR}")
        healthy.sh("postwrap remove two --purge; postwrap remove one --purge")


OTHERS = {
    "dies": test_outcomes.test_a_program_that_died_is_told_until_its_instance_starts_again,
    "copied-queue": test_outcomes.test_a_copied_queue_is_sent_once,
    "held-copy": test_outcomes.test_a_copied_queue_is_sent_once,
    "registered-with-commas": test_commas_where_the_distribution_splits_at_blanks,
    "listener-taken": test_another_program_at_the_instances_place,
    "obsolete-setting": test_what_a_coming_postfix_will_not_know,
}
"""The rules whose hosts need more than a script; tests/unit/test_checks.py counts the cases."""
