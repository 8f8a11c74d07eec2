"""What a second instance costs, from nothing to a message delivered through it.

Three ways in turn, each on a fresh private host with a running default instance: postwrap create,
postmulti(1) with the edits that make its instance take mail, and the talk by hand as a script.
Postfix's programs trust no main.cf younger than two seconds; that wait is in all three, as often
as a way edits and then runs something.
"""

from __future__ import annotations

import statistics
import time

from benchmarks.tables import machine, table
from tests.harness.host import Host

ROUNDS = 3
COMPILED = {"PYTHONPYCACHEPREFIX": "/var/cache/byte-code", "PYTHONDONTWRITEBYTECODE": ""}

POSTMULTI = """
postmulti -e init
postmulti -I postfix-out -e create
postconf -c /etc/postfix-out -X authorized_submit_users master_service_disable
postconf -c /etc/postfix-out -e myhostname=out.example.com mydestination=example.com \\
    alias_maps=hash:/etc/aliases maillog_file=/var/log/maillog inet_protocols=ipv4
postconf -c /etc/postfix-out -F smtp/inet/service=10.0.0.1:smtp
/usr/lib/postfix/configure-instance.sh postfix-out
postmulti -i postfix-out -e enable
postmulti -i postfix-out -p start
"""

BY_HAND = """
cp -a /etc/postfix /etc/postfix-out
postconf -c /etc/postfix-out -e queue_directory=/var/spool/postfix-out \\
    data_directory=/var/lib/postfix-out syslog_name=postfix-out myhostname=out.example.com
postconf -e alternate_config_directories=/etc/postfix-out
postconf -c /etc/postfix-out -X alternate_config_directories
postconf -c /etc/postfix-out -F smtp/inet/service=10.0.0.1:smtp
mkdir /var/spool/postfix-out
install -d -o postfix -g postfix -m 700 /var/lib/postfix-out
postfix -c /etc/postfix-out check
cp -a /var/spool/postfix/etc /var/spool/postfix/lib /var/spool/postfix/usr /var/spool/postfix-out/
postfix -c /etc/postfix-out start
"""

DELIVERED = """
printf 'Subject: first\\n\\nhello\\n' | sendmail -C /etc/postfix-out alice@example.com
until [ -s /var/mail/alice ]; do sleep 0.05; done
"""

WAYS = {"postwrap create": "", "postmulti -e create, edited": POSTMULTI, "the talk": BY_HAND}


def main() -> None:
    """Print the table."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way, script in WAYS.items():
            seconds[way].append(timed(script))
    with Host() as host:
        print(f"create: {machine(host)}; from nothing to a delivered message\n")
    first = statistics.median(seconds["postwrap create"])
    rows = [["way", "time", "beside postwrap"]]
    for way, taken in seconds.items():
        median = statistics.median(taken)
        rows.append([way, f"{median:.1f} s", f"{median / first:.2f}"])
    table("a second instance on 10.0.0.1", rows)


def timed(script: str) -> float:
    """Return the seconds that one way takes; an empty ``script`` is postwrap's."""
    with Host() as host:
        host.start_default()
        host.postwrap("list", env=COMPILED)
        before = time.perf_counter()
        if script:
            host.sh(script)
        else:
            host.postwrap("create", "out", "--address", "10.0.0.1", env=COMPILED)
        host.sh(DELIVERED)
        seconds = time.perf_counter() - before
        assert "postfix-out/local" in host.log()
        return seconds


if __name__ == "__main__":
    main()
