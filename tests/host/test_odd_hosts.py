"""Hosts as they are met: stray directories, odd names, broken instances, crowds."""

from __future__ import annotations

import json
import re

import pytest
from tests.harness.host import Host
from tests.harness.lint import lint_shell
from tests.harness.paths import CHECKOUT

COMMANDS = 18
"""16 commands, and two links for ordinary users."""
ODD_NAMES = [
    "postfix out",
    "postfix-a'b",
    'postfix-a"b',
    "postfix-a\nb",
    "postfix-$(id)",
    "postfix-`id`",
    "postfix-ä",
    "postfix-a;b",
    "postfix-*",
    "postfix-\x1b[31m",
    b"postfix-\xff".decode("utf-8", "surrogateescape"),
]


def copy_instance(host: Host, directory: str) -> None:
    host.run("cp", "-a", "/etc/postfix", directory)


def wrappers(host: Host, suffix: str) -> list[str]:
    """Return the commands of the instance with this suffix that are installed."""
    found = host.sh("ls -A /usr/local/bin /usr/local/sbin").stdout.split()
    return [name for name in found if name.endswith(suffix)]


@pytest.fixture
def served(bare_host: Host) -> Host:
    """A host with one good second instance."""
    copy_instance(bare_host, "/etc/postfix-out")
    return bare_host


def problems(host: Host, status: int = 1) -> dict[str, str]:
    """Install, and return what was said of which directory."""
    done = host.postwrap("install", "--json", check=False)
    assert done.returncode == status, done.stderr
    found = json.loads(done.stdout)["problems"]
    assert all(problem["hint"] for problem in found)
    return {problem["subject"]: problem["message"] for problem in found}


def test_what_is_no_instance_is_passed_over(served: Host) -> None:
    served.sh(
        "mkdir /etc/postfix-policyd-spf-python /etc/postfix-half /etc/postfix-odd\n"
        "cp /etc/postfix/main.cf /etc/postfix-half\n"
        "mkdir /etc/postfix-odd/main.cf /etc/postfix-odd/master.cf\n"
        "ln -s /nowhere /etc/postfix-dangling\n"
        "touch /etc/postfix.backup.tar /etc/postfix-file\n"
        "cp -a /etc/postfix /etc/postfix-old.removed-2026-01-31\n"
        "ln -s postfix-loop /etc/postfix-loop\n"
        "cp -a /etc/postfix /etc/postfix-linked; ln -sf /nowhere /etc/postfix-linked/master.cf"
    )
    assert problems(served, 0) == {}
    listed = json.loads(served.postwrap("list", "--json").stdout)["instances"]
    assert [line["name"] for line in listed] == ["default", "out"]


def test_odd_names_are_refused_and_the_others_done(served: Host) -> None:
    for name in ODD_NAMES:
        copy_instance(served, f"/etc/{name}")
    found = problems(served)
    assert set(found) == {f"/etc/{name}" for name in ODD_NAMES}
    assert len(wrappers(served, "-out")) == COMMANDS
    shown = served.postwrap("install", check=False).stderr
    assert "\x1b" not in shown
    listed = json.loads(served.postwrap("list", "--json", check=False).stdout)["instances"]
    assert [line["name"] for line in listed] == ["default", "out"]


@pytest.mark.parametrize(
    "name", ["postfix--x", "postfix.out2", "postfix2", "postfix_a", "postfix-A.b_c-9"]
)
def test_unusual_names_are_served(bare_host: Host, name: str) -> None:
    copy_instance(bare_host, f"/etc/{name}")
    assert problems(bare_host, 0) == {}
    suffix = name.removeprefix("postfix")
    assert len(wrappers(bare_host, suffix)) == COMMANDS
    bare_host.postconf("mail_name=odd", directory=f"/etc/{name}")
    assert bare_host.run(f"postconf{suffix}", "-h", "mail_name").stdout == "odd\n"


def test_a_name_that_is_a_foreign_command_is_refused(served: Host) -> None:
    copy_instance(served, "/etc/postfix-add-filter")
    served.write("/usr/sbin/postfix-add-filter", "#!/bin/sh\n", mode=0o755)
    found = problems(served)
    assert "/usr/sbin/postfix-add-filter" in found["/etc/postfix-add-filter"]
    assert wrappers(served, "-add-filter") == []


def test_two_directories_with_one_suffix(served: Host) -> None:
    served.postwrap("install")
    copy_instance(served, "/srv/mail")
    served.postconf("multi_instance_name=out", directory="/srv/mail")
    served.postconf("alternate_config_directories=/srv/mail")
    found = problems(served)
    assert set(found) == {"/etc/postfix-out", "/srv/mail"}
    # What was there keeps meaning what it meant.
    assert "/etc/postfix-out" in served.read("/usr/local/bin/mailq-out")


def test_a_directory_of_another_shape(served: Host) -> None:
    copy_instance(served, "/srv/relay")
    copy_instance(served, "/srv/second")
    served.postconf("multi_instance_name=postfix-mx", directory="/srv/relay")
    served.postconf("multi_instance_directories=/srv/relay, /srv/second/")
    assert problems(served, 0) == {}
    assert len(wrappers(served, "-postfix-mx")) == COMMANDS
    assert len(wrappers(served, "-second")) == COMMANDS
    told = json.loads(served.postwrap("which", "mailq-second", "--json").stdout)
    assert told["directory"] == "/srv/second"


@pytest.mark.parametrize(
    ("harm", "remedy"),
    [
        ("chmod o+w {}", "chmod go-w {}"),
        ("chgrp alice {0}; chmod g+w {0}", "chmod go-w {}"),
        ("chown alice {}", "chown root:root {}"),
        ("chmod o+w {}/main.cf", "chmod go-w {}/main.cf"),
    ],
)
def test_a_configuration_that_others_can_write_to(served: Host, harm: str, remedy: str) -> None:
    copy_instance(served, "/etc/postfix-open")
    served.sh(harm.format("/etc/postfix-open"))
    done = served.postwrap("install", check=False)
    assert done.returncode == 1
    assert wrappers(served, "-open") == []
    assert len(wrappers(served, "-out")) == COMMANDS
    command = remedy.format("/etc/postfix-open")
    assert command in done.stderr
    served.sh(command)
    assert problems(served, 0) == {}


def test_an_address_that_the_host_lacks(served: Host) -> None:
    served.postconf("inet_interfaces=192.0.2.77", directory="/etc/postfix-out")
    assert problems(served, 0) == {}
    assert served.run("postconf-out", "-h", "inet_interfaces").stdout == "192.0.2.77\n"


def test_a_main_cf_that_does_not_parse(served: Host) -> None:
    served.write("/etc/postfix-out/main.cf", "no equals sign\n")
    copy_instance(served, "/etc/postfix-third")
    assert "missing '='" in problems(served)["/etc/postfix-out"]
    # Its commands are there, for they are what mends it.
    assert len(wrappers(served, "-out")) == len(wrappers(served, "-third")) == COMMANDS


def test_a_default_main_cf_that_does_not_parse(served: Host) -> None:
    copy_instance(served, "/srv/relay")
    served.postconf("alternate_config_directories=/srv/relay")
    assert problems(served, 0) == {}
    served.write("/etc/postfix/main.cf", "no equals sign\n")
    assert set(problems(served)) == {"/etc/postfix"}
    assert len(wrappers(served, "-relay")) == len(wrappers(served, "-out")) == COMMANDS


def test_an_unreadable_directory(served: Host) -> None:
    copy_instance(served, "/etc/postfix-shut")
    served.run("chmod", "700", "/etc/postfix-shut")
    done = served.postwrap("list", "--json", user="alice", check=False)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert [p["subject"] for p in document["problems"]] == ["/etc/postfix-shut"]
    assert [i["name"] for i in document["instances"]] == ["default", "out"]


def test_two_names_for_one_directory(served: Host) -> None:
    served.run("ln", "-s", "postfix-out", "/etc/postfix-alias")
    assert problems(served) == {"/etc/postfix-alias": "is another name of /etc/postfix-out"}
    assert len(wrappers(served, "-out")) == COMMANDS


def test_a_foreign_file_in_the_way(served: Host) -> None:
    served.write("/usr/local/bin/mailq-out", "mine\n")
    before = served.sh("find /usr/local | sort").stdout
    done = served.postwrap("install", check=False)
    assert done.returncode == 3
    assert "/usr/local/bin/mailq-out" in done.stderr
    assert served.read("/usr/local/bin/mailq-out") == "mine\n"
    assert served.sh("find /usr/local | sort").stdout == before
    served.postwrap("install", "--force")
    assert served.read("/usr/local/bin/mailq-out.postwrap-backup") == "mine\n"
    assert "MAIL_CONFIG" in served.read("/usr/local/bin/mailq-out")


def test_edited_files_are_kept_and_named(served: Host) -> None:
    served.postwrap("install")
    wrapper = served.read("/usr/local/bin/mailq-out")
    served.write("/usr/local/bin/mailq-out", wrapper + "# mine\n", mode=0o755)
    assert served.postwrap("install", check=False).returncode == 3
    done = served.postwrap("uninstall", check=False)
    assert done.returncode == 1
    assert "/usr/local/bin/mailq-out" in done.stderr
    assert wrappers(served, "-out") == ["mailq-out"]
    assert not served.exists("/usr/local/lib/postwrap")


def test_what_is_no_longer_wanted_goes(served: Host) -> None:
    copy_instance(served, "/etc/postfix-gone")
    served.postwrap("install")
    served.remove("/etc/postfix-gone")
    served.postwrap("install", "out")
    assert len(wrappers(served, "-gone")) == COMMANDS
    served.postwrap("install")
    assert wrappers(served, "-gone") == []
    assert len(wrappers(served, "-out")) == COMMANDS


def test_two_hundred_instances(bare_host: Host) -> None:
    bare_host.sh('for n in $(seq 200); do cp -a /etc/postfix "/etc/postfix-$n"; done')
    assert started(bare_host) == 201
    assert len(wrappers(bare_host, "-200")) == COMMANDS
    assert started(bare_host) == 0
    bare_host.run("touch", "/etc/postfix-7/main.cf")
    assert started(bare_host) == 1
    assert bare_host.postwrap("diff").stdout == ""


def started(host: Host) -> int:
    """Install under strace and return how many processes of Postfix that took."""
    trace = ("strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", "/tmp/trace")
    path = {"PYTHONPATH": str(CHECKOUT / "generator"), "PYTHONDONTWRITEBYTECODE": "1"}
    host.run(*trace, host.python, "-m", "postwrap", "install", env=path, timeout=300)
    return len(
        re.findall(r'execve\("[^"]*/post[a-z]+", .* = 0$', host.read("/tmp/trace"), re.MULTILINE)
    )


def test_wrappers_are_sound_shell(served: Host) -> None:
    served.postwrap("install")
    for name in (*wrappers(served, "-out"), *wrappers(served, "-default")):
        directory = "bin" if served.exists(f"/usr/local/bin/{name}") else "sbin"
        lint_shell(served.read(f"/usr/local/{directory}/{name}"))


def test_a_system_whose_mailq_has_another_name(bare_host: Host) -> None:
    """As on Fedora, where alternatives(8) owns the plain names."""
    bare_host.sh("mv /usr/bin/mailq /usr/bin/mailq.postfix; rm /usr/bin/newaliases")
    bare_host.postconf(
        "mailq_path=/usr/bin/mailq.postfix", "newaliases_path=/usr/bin/newaliases.postfix"
    )
    bare_host.start_default()
    bare_host.talk_instance()
    bare_host.postwrap("install")
    assert "Mail queue is empty" in bare_host.run("mailq-out", input="").stdout
    bare_host.run("newaliases-out")
    assert bare_host.queue("/etc/postfix-out") == []
