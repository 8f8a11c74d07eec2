"""postwrap stats beside pflogsumm, on generated logs and on those of real instances."""

from __future__ import annotations

import json
import os
import re
import smtplib
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness import maillog
from tests.harness.debian import unpacked
from tests.harness.documents import mismatches

from postwrap.cli.documents import StatsDocument

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.host import Host

OUT = "/etc/postfix-out"
_NUMBER = "1000000" if os.environ.get("POSTWRAP_FAULTS") == "all" else "30000"
NUMBER = int(os.environ.get("POSTWRAP_TEST_LOG_LINES", _NUMBER))
"""Lines of the generated log."""

SAME = {
    "received": "received",
    "delivered": "delivered",
    "forwarded": "forwarded",
    "deferred": "deferred",
    "bounced": "bounced",
    "rejected": "rejected",
    "reject warnings": "reject_warnings",
    "held": "held",
    "discarded": "discarded",
    "bytes received": "bytes_received",
    "bytes delivered": "bytes_delivered",
}
DISTINCT = {
    "senders": "senders",
    "sending hosts/domains": "sender_domains",
    "recipients": "recipients",
    "recipient hosts/domains": "recipient_domains",
}
"""pflogsumm's words for what both have."""


def told(host: Host, *words: str) -> dict[str, Any]:
    """The document of stats, with the instances by name."""
    document = json.loads(host.postwrap("stats", *words, "--json", timeout=900).stdout)
    assert mismatches(document, StatsDocument) == []
    document["instances"] = {i["name"]: i for i in document["instances"]}
    return dict(document)


def summed(log: str, tag: str, place: Path) -> str:
    """What pflogsumm prints of the lines of one tag; it takes postfix/ for any tag's."""
    own = [line for line in log.splitlines() if line.split()[4].startswith((f"{tag}/", f"{tag}["))]
    file = place / "own.log"
    file.write_text("".join(f"{line}\n" for line in own))
    program = unpacked("pflogsumm") / "usr/sbin/pflogsumm"
    options = ["--syslog-name", tag, "--detail", "0"]
    argv = ["perl", str(program), *options, str(file)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def agrees(own: dict[str, Any], report: str, shown: str) -> None:
    """pflogsumm's Grand Totals are in what stats prints, letter by letter, and JSON fits."""
    totals = re.findall(r"^ [ \d]{5}\d[km ]  .*", report.partition("Per-Hour")[0], re.MULTILINE)
    assert len(totals) == len(SAME) + len(DISTINCT)
    printed = shown.splitlines()
    assert [line for line in totals if line not in printed] == []
    for line in totals:
        value, unit, name = line[:7], line[7], re.sub(r" +\(.*", "", line[8:].strip())
        mine = own["totals"][SAME[name]] if name in SAME else own[DISTINCT[name]]
        assert int(mine / {"k": 1 << 10, "m": 1 << 20, " ": 1}[unit]) == int(value)


@pytest.mark.bases("bookworm", "trixie")
def test_it_agrees_with_pflogsumm_on_a_generated_log(talk: Host, tmp_path: Path) -> None:
    talk.stop_all()
    log = "".join(f"{line}\n" for line in maillog.lines(NUMBER, ("postfix", "postfix-out")))
    talk.write("/var/log/maillog", log)
    document = told(talk)
    for name, tag in (("default", "postfix"), ("out", "postfix-out")):
        shown = talk.postwrap("stats", name, timeout=900).stdout
        agrees(document["instances"][name], summed(log, tag, tmp_path), shown)
    host, both = document["host"], document["instances"].values()
    assert host["received"] == sum(i["totals"]["received"] for i in both), "nothing was handed on"


@pytest.mark.bases("bookworm", "trixie")
def test_it_agrees_with_pflogsumm_on_a_real_log(talk: Host, tmp_path: Path) -> None:
    """And a message that one instance hands to the other is one message of the host."""
    talk.sink(answer=lambda verb, _: "550 5.1.1 nobody lives there" if verb == "RCPT" else None)
    talk.postconf("relayhost=[10.0.0.1]:25", "enable_long_queue_ids=yes")
    talk.run("postfix", "reload")
    talk.postconf(
        *("myhostname=out.example.com", "mydestination=mail.example.com, done.example"),
        *("mynetworks=127.0.0.0/8 10.0.0.1", "enable_long_queue_ids=yes", "luser_relay=alice"),
        *("default_transport=smtp:[127.0.0.1]:2525", "local_recipient_maps="),
        directory=OUT,
    )
    talk.run("postfix", "-c", OUT, "reload")
    for number in range(3):
        talk.run("sendmail", "-f", "app", f"u{number}@done.example", "v@done.example", input="x\n")
    talk.run("sendmail", "-f", "app", "x@nobody.example", input="x\n")
    talk.run("sendmail", "-C", OUT, "-f", "app", "alice@done.example", input="x\n")
    talk.add_address("10.9.9.9")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        talk.send("x@far.example", sender="a@b.example", address="10.0.0.1", source="10.9.9.9")
    talk.wait_for(lambda: not talk.queue() and not talk.queue(OUT) and "550 5.1.1" in talk.log())
    talk.wait_for(lambda: talk.log().count("status=sent (delivered to ") >= 8)
    log = talk.log()
    document = told(talk)
    for name, tag in (("default", "postfix"), ("out", "postfix-out")):
        shown = talk.postwrap("stats", name).stdout
        agrees(document["instances"][name], summed(log, tag, tmp_path), shown)
    default, out = document["instances"]["default"], document["instances"]["out"]
    host = document["host"]
    handed = len(set(re.findall(r"status=sent \(250 2.0.0 Ok: queued as (\w+)\)", log)))
    assert handed == 4
    received = default["totals"]["received"] + out["totals"]["received"]
    assert host["received"] == received - handed
    lines = log.count("queued as")
    delivered = default["totals"]["delivered"] + out["totals"]["delivered"]
    assert host["delivered"] == delivered - lines
    both = default["totals"]["bytes_delivered"] + out["totals"]["bytes_delivered"]
    assert out["totals"]["bytes_delivered"] <= host["bytes_delivered"] < both


def test_since(talk: Host) -> None:
    talk.stop_all()
    for path, time in (("maillog.1", "Mar  1 08:00:0"), ("maillog", "Mar  2 09:30:0")):
        text = "".join(
            f"{time}{n} mail postfix/pickup[7]: 4BA{n}F1C: uid=0 from=<a>\n" for n in range(5)
        )
        talk.write(f"/var/log/{path}", text)

    def received(*words: str) -> int:
        return int(told(talk, *words)["instances"]["default"]["totals"]["received"])

    this = _year_of_march(talk)
    assert received() == 5, "the log that was not rotated"
    assert received("--since", f"{this}-03-01") == 10
    assert received("--since", f"{this}-03-01T08:00:03") == 7
    assert received("--since", f"{this}-03-02 09:30:02") == 3
    assert received("--since", "1h") == 0
    assert talk.postwrap("stats", "--since", "noon", check=False).returncode == 2
    assert "Since " in talk.postwrap("stats", "--since", "today").stdout


def _year_of_march(host: Host) -> int:
    """The last year that had a 2 March by now."""
    year, month = map(int, host.run("date", "+%Y %m").stdout.split())
    return year if month > 3 else year - 1
