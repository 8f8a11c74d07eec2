"""install.sh on hosts that lack everything, with the packages of Debian and PyPI in reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.harness.fresh import SOURCE, FreshHost, Item, tree

OUT = "/etc/postfix-out"

# What differs between two hosts with the same packages: logs and caches, what Postfix keeps while
# it runs, keys that a package makes up, and the time at which one thing or another was done.
VOLATILE = re.compile(
    r"/var/(log|cache|spool/postfix|lib/(postfix|apt|dpkg|systemd|ucf|update-rc\.d|debconf|pam))"
    r"|/etc/ssl/(private|certs)|/etc/(shadow|gshadow|passwd|group)-|/etc/aliases\.db"
    r"|/var/cache|/home/alice/postwrap|/etc/machine-id|/var/backups"
)


@pytest.fixture
def fresh(suite: str) -> Iterator[FreshHost]:
    with FreshHost(suite) as host:
        yield host


def the_talk(host: FreshHost) -> None:
    """The talk's second instance by hand, beside a first one that just came with its package."""
    host.leave_network()
    host.postconf("maillog_file=/var/log/maillog")
    host.start_default()
    host.talk_instance()


def stop(host: FreshHost) -> None:
    for directory in (OUT, "/etc/postfix"):
        host.run("postfix", "-c", directory, "stop")


def submit_as_alice(host: FreshHost) -> None:
    message = "Subject: test\n\nhello\n"
    host.run("sendmail-out", "-f", "alice", "bob@example.net", user="alice", input=message)
    line = host.wait_log("/pickup[", "from=<alice>")
    assert " postfix-out/pickup[" in line


def without_volatile(found: dict[str, Item]) -> dict[str, Item]:
    # The talk's own main.cf is written by the test, by a postconf that adds several parameters in
    # an order of its own; and alice's mail is hers.
    own = {"/etc/postfix-out/main.cf", "/var/mail/alice"}
    kept = {path: item for path, item in found.items() if path not in own}
    return {path: item for path, item in kept.items() if not VOLATILE.match(path)}


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_one_command_then_the_talk_then_away_again(suite: str, fresh: FreshHost) -> None:
    assert not fresh.exists("/usr/bin/python3")
    assert not fresh.exists("/usr/sbin/postconf")

    said = fresh.install("--yes").stdout
    assert "postwrap 0" in said.partition("Next:")[0]
    assert "mailq-default" in said
    (files,) = re.findall(r"^Files: \d+ added$", said, re.MULTILINE)
    assert f"\n{files}\n" in fresh.read(f"{SOURCE}/README.md"), "it shows what is printed"
    assert fresh.run("postconf", "-h", "inet_interfaces").stdout == "loopback-only\n"

    the_talk(fresh)
    fresh.run("postwrap", "install")
    assert "Mail queue is empty" in fresh.run("mailq-out", user="alice").stdout
    submit_as_alice(fresh)
    stop(fresh)

    told = fresh.install("--uninstall").stdout
    packages = re.findall(r"stay: (.*)", told)
    assert packages == ["python3 python3-venv postfix"]
    assert "apt-get remove --auto-remove python3 python3-venv postfix" in told

    # The same host, had somebody installed those packages by hand and never heard of postwrap.
    with FreshHost(suite) as other:
        other.sh(
            "echo 'postfix postfix/main_mailer_type select Local only' | debconf-set-selections\n"
            "apt-get update\n"
            f"apt-get install --yes --no-install-recommends {packages[0]}",
            env={"DEBIAN_FRONTEND": "noninteractive"},
            timeout=600,
        )
        the_talk(other)
        stop(other)
        assert without_volatile(tree(fresh)) == without_volatile(tree(other))


def test_another_mail_system_is_not_taken_away() -> None:
    with FreshHost("trixie") as host:
        apt = "apt-get update; apt-get install --yes --no-install-recommends"
        host.sh(f"{apt} msmtp-mta", env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=600)
        done = host.install("--yes", check=False)
        assert done.returncode == 4
        assert "apt-get could not install python3 python3-venv postfix" in done.stderr
        assert "install ok installed" in host.run("dpkg", "-s", "msmtp-mta").stdout
        assert not host.exists("/usr/sbin/postconf")


def test_the_package_managers_of_other_systems() -> None:
    """Theirs as Debian packages them: they take the command line, and then have no repository."""
    with FreshHost("trixie") as host:
        apt = "apt-get update; apt-get install --yes --no-install-recommends"
        managers = "dnf zypper pacman-package-manager"
        host.sh(f"{apt} {managers}", env={"DEBIAN_FRONTEND": "noninteractive"}, timeout=600)
        before = tree(host)
        for release, command in (
            ("ID=fedora", "dnf install python3 postfix"),
            ('ID=rocky\nID_LIKE="rhel centos fedora"', "dnf install python3 postfix"),
            ('ID=opensuse-leap\nID_LIKE="suse opensuse"', "zypper install python3 postfix"),
            ("ID=arch", "pacman -S --needed python postfix"),
            # Python came with dnf, so its venv alone is missing.
            (
                "ID=ubuntu\nID_LIKE=debian",
                "apt-get install --no-install-recommends --no-remove python3-venv postfix",
            ),
        ):
            host.write("/usr/lib/os-release", f"{release}\n")
            done = host.install("--no-deps", check=False)
            assert done.returncode == 3
            assert f"type: {command}\n" in done.stderr
            if "apt-get" not in command:
                done = host.install("--yes", check=False)
                assert done.returncode == 4
                assert f"{command.split()[0]} could not install" in done.stderr
                assert not host.exists("/usr/local/lib/postwrap")
        assert before.keys() <= tree(host).keys()
