"""What each verb prints with --json, on a real host, beside what the manual says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.documents import mismatches

from postwrap.cli.declare import ABOUT
from postwrap.cli.headings import load

if TYPE_CHECKING:
    from tests.harness.host import Host

load()
WITH_A_DOCUMENT = {name for name, about in ABOUT.items() if about.document}


def told(host: Host, verb: str, *words: str) -> dict[str, Any]:
    """The document of a verb, which is as it is described."""
    done = host.postwrap(verb, *words, "--json", check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    described = ABOUT[verb].document
    assert described
    assert mismatches(document, described) == [], done.stdout
    return document


@pytest.mark.bases("bookworm", "trixie")
def test_every_document_is_as_described(host: Host) -> None:
    create = ("out", "--address=10.0.0.1", "--role=fallback-relay")
    assert told(host, "create", *create, "--dry-run")["steps"]
    assert told(host, "create", *create)["done"] == "created"
    assert told(host, "role", "out", "outbound", "--dry-run")["steps"]
    assert told(host, "role", "out", "outbound")["done"] == "changed"
    assert told(host, "role", "out", "outbound")["done"] == "nothing to change"

    host.write("/etc/own.toml", told(host, "export")["toml"])
    host.run("postconf", "-c", "/etc/postfix-out", "-e", "mynetworks=10.0.0.0/8")
    assert "mynetworks" in told(host, "apply", "--file=/etc/own.toml", "--diff")["diff"]
    assert told(host, "apply", "--file=/etc/own.toml", "--dry-run")["steps"]
    assert (
        told(host, "apply", "--file=/etc/own.toml", "--yes")["instances"][0]["action"] == "changed"
    )
    host.run("postconf", "-c", "/etc/postfix-out", "-e", "mynetworks=10.0.0.0/8")
    assert told(host, "apply", "--file=/etc/own.toml", "--yes")["instances"][0]["drift"]

    host.run("cp", "-a", "/etc/postfix-out", "/etc/postfix-a b")  # it cannot be served
    assert told(host, "list")["problems"]
    assert told(host, "which", "mailq-out")["instance"] == "out"
    assert any(i["hands_to"] for i in told(host, "map")["instances"])
    assert told(host, "queue")["instances"]
    host.run("sendmail", "-C", "/etc/postfix-out", "root", input="hello\n")
    host.wait_for(lambda: "status=" in host.log())
    assert told(host, "log", "-n0")["lines"]
    assert told(host, "trace", "root")["passages"]
    assert told(host, "stats")["instances"]
    host.run("chmod", "666", "/etc/postfix-out/main.cf")
    assert told(host, "check")["findings"]
    host.run("chmod", "644", "/etc/postfix-out/main.cf")

    assert told(host, "reload")["instances"]
    assert told(host, "restart", "out")["instances"][0]["done"] == "restarted"
    assert told(host, "stop", "out")["instances"][0]["done"] == "stopped"
    assert told(host, "start")["instances"]
    assert told(host, "disable", "--now", "out")["started_or_stopped"]
    assert told(host, "enable", "--now", "out")["instances"]

    assert told(host, "rename", "out", "relay", "--dry-run")["steps"]
    assert told(host, "rename", "out", "relay")["done"] == "renamed to /etc/postfix-relay"
    assert told(host, "rename", "relay", "out")["directory"] == "/etc/postfix-relay"

    host.write("/usr/local/sbin/postfix-out", "edited\n")
    host.run("rm", "/usr/local/bin/mailq-out")
    assert told(host, "diff")["changes"]
    assert told(host, "install", "--dry-run")["kept"] or told(host, "install")["conflicts"]
    assert told(host, "package", "--format=tar", "-o", "/tmp/x.tar")["file"] == "/tmp/x.tar"
    assert told(host, "uninstall", "--dry-run")["changes"]
    assert told(host, "remove", "out", "--dry-run")["steps"]
    assert told(host, "remove", "out")["done"] == "removed"
    assert told(host, "uninstall")["changes"]
    every = {"create", "role", "list", "which", "map", "log", "trace", "check", "diff", "install"}
    every |= {"start", "stop", "restart", "reload", "enable", "disable", "rename"}
    every |= {"queue", "stats", "apply", "export"}
    assert every | {"package", "uninstall", "remove"} == WITH_A_DOCUMENT
