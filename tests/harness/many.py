"""Hosts with many instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.host import Host


def make_instances(host: Host, count: int) -> None:
    """Make ``count`` instances that are registered and take no mail by SMTP."""
    main_cf = host.read("/etc/postfix/main.cf")
    master_cf = host.read("/etc/postfix/master.cf")
    names = [f"postfix-i{number}" for number in range(1, count + 1)]
    for name in names:
        own = f"queue_directory = /var/spool/{name}\ndata_directory = /var/lib/{name}\n"
        own += f"syslog_name = {name}\nmaster_service_disable = inet\n"
        host.write(f"/etc/{name}/main.cf", f"{main_cf}\n{own}")
        host.write(f"/etc/{name}/master.cf", master_cf)
    host.postconf("alternate_config_directories=" + " ".join(f"/etc/{name}" for name in names))
    host.age()


def start_instances(host: Host, numbers: range) -> None:
    """Start those of make_instances with these numbers."""
    host.sh(
        "for name; do\n"
        '    mkdir -p "/var/spool/$name"\n'
        '    install -d -o postfix -m 700 "/var/lib/$name"\n'
        '    postfix -c "/etc/$name" start\n'
        "done",
        *(f"postfix-i{number}" for number in numbers),
        timeout=1800,
    )
