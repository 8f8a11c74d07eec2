"""Those who ask for figures: a real node_exporter serves the text file, a real Icinga probes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.harness.debian import machine_suite, unpacked

if TYPE_CHECKING:
    from tests.harness.host import Host

OUT = "/etc/postfix-out"
DIRECTORY = "/var/lib/prometheus/node-exporter"
ICINGA = """
include <itl>
const NodeName = "mail"
object CheckerComponent "checker" { }
object FileLogger "log" { severity = "notice", path = "/var/log/icinga2/icinga2.log" }
object CheckCommand "postfix_queues" {
  command = [ "/usr/local/sbin/postwrap", "probe" ]
  arguments = {
    "name" = { value = "$postfix_names$", skip_key = true, order = -1 }
    "-w" = "$postfix_warning$"
    "-c" = "$postfix_critical$"
  }
}
object PerfdataWriter "states" {
  service_perfdata_path = "/srv/states/service"
  service_temp_path = "/srv/states/new-service"
  host_perfdata_path = "/srv/states/host"
  host_temp_path = "/srv/states/new-host"
  rotation_interval = 1s
  service_format_template = "$service.name$ $service.state_id$ $service.output$"
}
object Host "mail" { check_command = "dummy" }
"""
SERVICE = """
object Service "{0}" {{
  host_name = "mail"
  check_command = "postfix_queues"
  check_interval = 1s
  vars.postfix_names = "{0}"
  vars.postfix_warning = "0"
  vars.postfix_critical = "deferred=2"
}}
"""
STATES = "/srv/states"
"""Where Icinga writes what each check said, in a new file every second."""


PACKAGES = (
    *("prometheus-node-exporter", "icinga2-bin", "icinga2-common", "libedit2", "libicu72"),
    *(
        f"libboost-{part}1.74.0"
        for part in ("context", "coroutine", "filesystem", "iostreams", "program-options")
    ),
    *(f"libboost-{part}1.74.0" for part in ("regex", "thread")),
)
"""Icinga with what a Debian 12 with Postfix has not; its own package cannot be configured there."""


@pytest.fixture(scope="module")
def monitored(module_talk: Host) -> Host:
    """The talk's two instances, node_exporter and Icinga."""
    if machine_suite() != "bookworm":
        pytest.skip("Icinga is unpacked onto a Debian 12, from the machine's own Debian")
    for package in PACKAGES:
        files = unpacked(package)
        parts = [part for part in ("usr", "etc") if (files / part).is_dir()]
        packed = subprocess.run(["tar", "-C", files, "-c", *parts], stdout=subprocess.PIPE)
        target = str(module_talk.root)
        unpack = ["tar", "-C", target, "--keep-directory-symlink", "-x"]
        subprocess.run(unpack, input=packed.stdout, check=True)
    module_talk.run("useradd", "--system", "nagios")
    module_talk.run("ldconfig")
    module_talk.make_command()
    return module_talk


def test_node_exporter_serves_the_text_file(monitored: Host) -> None:
    monitored.run("mkdir", "-p", DIRECTORY)
    monitored.postwrap("metrics", "--textfile", f"{DIRECTORY}/postwrap.prom")
    exporter = monitored.popen(
        *("/usr/bin/prometheus-node-exporter", "--collector.disable-defaults"),
        *("--collector.textfile", f"--collector.textfile.directory={DIRECTORY}"),
        "--web.listen-address=127.0.0.1:9100",
        user="app",
    )
    try:
        served = monitored.wait_for(lambda: fetched(monitored, "http://127.0.0.1:9100/metrics"))
    finally:
        exporter.kill()
        exporter.wait()
    assert "node_textfile_scrape_error 0\n" in served
    assert 'postfix_up{name="out"} 1\n' in served
    written = [x for x in monitored.read(f"{DIRECTORY}/postwrap.prom").splitlines() if x[0] != "#"]
    assert len([x for x in served.splitlines() if x.startswith("postfix_")]) == len(written)


def fetched(host: Host, address: str) -> str:
    script = f"import urllib.request as r; print(r.urlopen({address!r}).read().decode(), end='')"
    return host.run("python3", "-c", script, check=False).stdout


def test_icinga_shows_the_states(monitored: Host) -> None:
    """As its own user, who is an ordinary one: OK, WARNING, CRITICAL, and UNKNOWN."""
    names = ("default", "out", "nope")
    text = ICINGA + "".join(SERVICE.format(name) for name in names)
    monitored.write("/etc/icinga2/icinga2.conf", text)
    own = f"{STATES} /run/icinga2 /var/lib/icinga2 /var/log/icinga2 /var/cache/icinga2"
    monitored.sh(f"mkdir -p {own}; chown -R nagios {own}")
    daemon = monitored.popen("/usr/sbin/icinga2", "daemon", env={"LC_ALL": "C.UTF-8"})
    try:
        monitored.wait_for(lambda: states(monitored) == {"default": 0, "out": 0, "nope": 3}, 180)
        monitored.postconf("defer_transports=local", directory=OUT)
        monitored.run("postfix", "-c", OUT, "reload")
        monitored.run("sendmail", "-C", OUT, "alice", input="x\n")
        monitored.wait_for(lambda: states(monitored)["out"] == 1, 180)
        for _ in range(2):
            monitored.run("sendmail", "-C", OUT, "alice", input="x\n")
        monitored.wait_for(lambda: len(monitored.queue(OUT)) == 3)
        monitored.wait_for(lambda: states(monitored)["out"] == 2, 180)
        assert states(monitored) == {"default": 0, "out": 2, "nope": 3}
    finally:
        daemon.kill()
        daemon.wait()


def states(host: Host) -> dict[str, int]:
    """The last state of each service, by Icinga's own account."""
    found: dict[str, int] = {}
    files = sorted(host.path(STATES).glob("service.*"), key=lambda file: file.stat().st_mtime)
    for line in "".join(file.read_text() for file in files).splitlines():
        name, state, said = line.split(maxsplit=2)
        found[name] = int(state)
        assert said.startswith("POSTFIX ")
    return found
