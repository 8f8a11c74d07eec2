"""trace on mail that a real rspamd looks at as a milter; `tests/run faults` runs it.

Its root takes two minutes to make, and rspamd half a minute to start.
"""

from __future__ import annotations

import smtplib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.harness.host import Host
from tests.harness.need import campaign, need_root, need_tool
from tests.harness.roots import variant
from tests.harness.stories import golden, story

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = campaign("takes a root with rspamd")

MILTER = "127.0.0.1:11332"
SINK = "127.0.0.25"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"
"""What every filter takes for spam: spamassassin.apache.org/gtube."""
FILES = {
    "/etc/rsyslog.conf": 'module(load="imuxsock")\nmail.* -/var/log/mail.log\n',
    "/etc/rspamd/local.d/logging.inc": 'type = "syslog";\nfacility = "mail";\n',
    "/etc/rspamd/local.d/worker-normal.inc": "enabled = false;\n",
    "/etc/rspamd/local.d/worker-proxy.inc": (
        f'bind_socket = "{MILTER}";\nmilter = yes;\n'
        'upstream "local" { default = yes; self_scan = yes; }\n'
    ),
}


@contextmanager
def filtering(suite: str) -> Iterator[Host]:
    """A host whose default instance has rspamd look at mail before it hands it on to out."""
    with Host(variant("rspamd", suite)) as host:
        host.sink(SINK, 25)
        for path, text in FILES.items():
            host.write(path, text)
        host.postconf(f"smtpd_milters=inet:{MILTER}", "relayhost=[10.0.0.1]", "maillog_file=")
        daemons = [host.popen("/usr/sbin/rsyslogd", "-n", "-iNONE")]
        host.wait_for(lambda: host.exists("/dev/log"))
        host.start_default()
        settings = {
            "relayhost": f"[{SINK}]:25",
            "mynetworks": "127.0.0.0/8 10.0.0.1",
            "myhostname": "out.example.com",
            "smtpd_milters": "",
        }
        host.talk_instance(settings=settings)
        host.run("install", "-d", "-o", "_rspamd", "-g", "_rspamd", "/run/rspamd")
        daemons.append(host.popen("/usr/bin/rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd"))
        host.wait_for(lambda: f"{MILTER} " in host.run("ss", "-Htln").stdout, 120)
        try:
            yield host
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.wait()


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_milter(suite: str) -> None:
    """rspamd says what it thinks of a message in a line of its own, by its queue ID."""
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with filtering(suite) as host:
        host.send("bob@far.example", source="127.0.0.1", address="127.0.0.1")
        told = story(host, "bob@far.example", f"delivered to {SINK} after")
        assert told == golden("a_milter_that_is_rspamd")
        with pytest.raises(smtplib.SMTPDataError, match="Gtube"):
            host.send("eve@far.example", source="127.0.0.1", address="127.0.0.1", body=GTUBE)
        told = story(host, "eve@far.example", "refused", 1)
        assert told == golden("a_message_that_rspamd_refuses")
