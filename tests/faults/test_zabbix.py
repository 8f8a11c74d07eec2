"""A real Zabbix imports the template, discovers the instances and fills their items.

Server, agent, frontend and database are Debian's, in a private host; `tests/run faults` runs it.
"""

from __future__ import annotations

import json
import time
from subprocess import DEVNULL
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.host import Host
from tests.harness.need import campaign, need_root, need_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = campaign("takes a root with Zabbix")

OUT, LAB = "/etc/postfix-out", "/etc/postfix-lab"
TEXTFILE = "/var/lib/prometheus/node-exporter/postwrap.prom"
PARAMETER = "UserParameter=postfix.metrics,"
DATABASE = """
install -d -o postgres -g postgres /run/postgresql
pg_createcluster "$(ls /usr/lib/postgresql)" main
pg_ctlcluster "$(ls /usr/lib/postgresql)" main start -- -o "-c fsync=off"
runuser -u postgres -- psql -qc "CREATE ROLE zabbix LOGIN PASSWORD 'zabbix'"
runuser -u postgres -- createdb -O zabbix zabbix
cd /usr/share/zabbix-server-pgsql
zcat schema.sql.gz images.sql.gz data.sql.gz |
    PGPASSWORD=zabbix psql -q -h 127.0.0.1 -U zabbix zabbix >/dev/null
install -d -o zabbix -g zabbix /run/zabbix /var/log/zabbix-server /var/log/zabbix-agent
"""
SERVER = """
LogType=console
PidFile=/run/zabbix/zabbix_server.pid
DBHost=127.0.0.1
DBName=zabbix
DBUser=zabbix
DBPassword=zabbix
CacheUpdateFrequency=1
Timeout=20
"""
AGENT = """
LogType=console
PidFile=/run/zabbix/zabbix_agentd.pid
Server=127.0.0.1
Timeout=20
"""
FRONTEND = """<?php
$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => '127.0.0.1', 'PORT' => '0', 'DATABASE' => 'zabbix',
  'USER' => 'zabbix', 'PASSWORD' => 'zabbix', 'SCHEMA' => '', 'ENCRYPTION' => false,
  'DOUBLE_IEEE754' => true];
$ZBX_SERVER = '127.0.0.1';
$ZBX_SERVER_PORT = '10051';
"""
CALL = """
import sys, urllib.request
headers = {"Content-Type": "application/json-rpc"}
where = "http://127.0.0.1:8080/api_jsonrpc.php"
request = urllib.request.Request(where, sys.stdin.buffer.read(), headers)
sys.stdout.buffer.write(urllib.request.urlopen(request, timeout=60).read())
"""
SERVE = ("-S", "127.0.0.1:8080", "-t", "/usr/share/zabbix")
OBJECTS = (
    *("templates", "items", "triggers", "discoveryRules", "graphs", "valueMaps"),
    *("groups", "templateDashboards", "httptests"),
)


class Zabbix:
    """The API of the frontend."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.token: str | None = None
        self.token = self.ask("user.login", username="Admin", password="zabbix")

    def ask(self, method: str, **words: Any) -> Any:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": words, "auth": self.token}
        said = self.host.run("python3", "-c", CALL, input=json.dumps(asked)).stdout
        answer = json.loads(said)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def values(self) -> dict[str, str]:
        """The last value of each item that is not of the template, and got one."""
        found = self.ask("item.get", output=["key_", "lastvalue", "lastclock", "state", "error"],
                         templated=False)  # fmt: skip
        assert [i["error"] for i in found if i["key_"].startswith("postfix.") and i["error"]] == []
        return {i["key_"]: i["lastvalue"] for i in found if i["lastclock"] != "0"}


@pytest.fixture
def monitored() -> Iterator[Host]:
    need_root()
    need_tool("unshare", "nsenter", "debootstrap")
    with Host(variant("zabbix", "bookworm")) as host:
        host.start_default()
        host.talk_instance()
        host.add_address("10.0.0.2")
        host.talk_instance("lab", "10.0.0.2", start=False)
        host.postconf("defer_transports=local", "alias_maps=", directory=OUT)
        host.run("postfix", "-c", OUT, "reload")
        host.make_command()
        host.postwrap("install")
        # As install.sh leaves it, and docs/how-to/monitoring.md has it; the log is for its group.
        host.run("ln", "-s", "../sbin/postwrap", "/usr/local/bin/postwrap")
        host.sh("chgrp adm /var/log/maillog; chmod 640 /var/log/maillog; usermod -aG adm zabbix")
        yield host


def documented() -> str:
    """The line for the agent that docs/how-to/monitoring.md shows."""
    lines = (CHECKOUT / "docs/how-to/monitoring.md").read_text().splitlines()
    return next(line for line in lines if line.startswith(PARAMETER))


def test_a_real_zabbix_takes_the_template(monitored: Host) -> None:
    host = monitored
    host.run("mkdir", "-p", TEXTFILE.rpartition("/")[0])
    for _ in range(3):
        host.run("sendmail", "-C", OUT, "-f", "app", "alice", input="x\n")
    host.wait_for(lambda: [m["queue_name"] for m in host.queue(OUT)] == ["deferred"] * 3)
    host.postwrap("metrics", "--textfile", TEXTFILE)
    host.run("sendmail", "-f", "app", "alice", input="x\n")
    host.wait_for(lambda: host.log().count("status=sent") == 1)
    host.postwrap("metrics", "--textfile", TEXTFILE)
    host.sh(DATABASE, timeout=1800)
    host.write("/etc/zabbix/server.conf", SERVER)
    host.write("/etc/zabbix/agent.conf", AGENT + documented() + "\n")
    host.write("/etc/zabbix/zabbix.conf.php", FRONTEND)
    commands = (
        ("/usr/sbin/zabbix_server", "-f", "-c", "/etc/zabbix/server.conf"),
        ("/usr/sbin/zabbix_agentd", "-f", "-c", "/etc/zabbix/agent.conf"),
        ("php", "-d", "post_max_size=16M", "-d", "max_execution_time=300", *SERVE),
    )
    daemons = [
        host.popen(*words, user="zabbix", cwd="/", stdout=DEVNULL, stderr=DEVNULL)
        for words in commands
    ]
    try:
        host.wait_for(lambda: ":8080 " in host.run("ss", "-Htln").stdout)
        filled(Zabbix(host))
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.wait()


def filled(zabbix: Zabbix) -> None:
    """The template is imported, twice, and a host that has it gets items and values."""
    text = (CHECKOUT / "docs/zabbix-template.yaml").read_text()
    rules = {name: {"createMissing": True} for name in OBJECTS}
    for _ in range(2):
        assert zabbix.ask("configuration.import", format="yaml", source=text, rules=rules) is True
    (template,) = zabbix.ask(
        "template.get", output=["templateid", "name"], search={"name": "Postfix instances"}
    )
    (group,) = zabbix.ask("hostgroup.get", output=["groupid"], filter={"name": "Linux servers"})
    interface = {"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": "10050"}
    made = zabbix.ask("host.create", host="mail", interfaces=[interface], groups=[group],
                      templates=[{"templateid": template["templateid"]}])  # fmt: skip
    (hostid,) = made["hostids"]
    wanted = {
        **{
            f"postfix.up[{name}]": value
            for name, value in (("default", "1"), ("out", "1"), ("lab", "0"))
        },
        "postfix.queue[out,deferred]": "3",
        "postfix.queue[default,deferred]": "0",
        "postfix.queue[out,hold]": "0",
        "postfix.queue[out,maildrop]": "0",
    }

    asked = zabbix.ask(
        "item.get", output=["itemid"], hostids=[hostid], filter={"key_": "postfix.metrics"}
    )

    def values() -> dict[str, str]:
        """What there is after another look; the agent is asked once a minute by itself."""
        zabbix.ask("task.create", type=6, request={"itemid": asked[0]["itemid"]})
        time.sleep(2)
        return zabbix.values()

    zabbix.host.wait_for(lambda: wanted.items() <= values().items(), 240)
    rates = {"postfix.received[default]", "postfix.deliveries[default,sent]"}
    zabbix.host.wait_for(lambda: rates <= values().keys(), 120)
    assert "postfix.queue[lab,deferred]" not in values(), "nobody but root may see it"
