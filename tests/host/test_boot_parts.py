"""The generator where a boot has nothing yet, and the jails where no distribution fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.host import Host

GENERATOR = "/usr/local/lib/systemd/system-generators/postwrap-generator"
JAIL = "/usr/local/lib/postwrap/jail"


@pytest.mark.parametrize("shell", [["dash"], ["busybox", "sh"]], ids=" ".join)
def test_generator_on_a_read_only_root_without_var(bare_host: Host, shell: list[str]) -> None:
    bare_host.talk_instance(start=False)
    bare_host.postwrap("install")
    told = bare_host.run(
        *("unshare", "--mount", "sh", "-euc"),
        "mkdir /run/out; mount -t tmpfs none /var; mount -o remount,ro /var\n"
        'mount -o remount,bind,ro /; ! touch /etc/x 2>/dev/null; "$@" /run/out',
        *("sh", *shell, GENERATOR),
    )
    assert (told.stdout, told.stderr) == ("", "")
    written = bare_host.read("/run/out/postfix-instances.target")
    assert "Wants=postfix-instance@out.service\n" in written


def test_generator_has_no_words_on_a_host_without_postfix(bare_host: Host) -> None:
    bare_host.postwrap("install")
    bare_host.run("mv", "/etc/postfix", "/etc/mail-away")
    bare_host.run("mkdir", "/run/out")
    assert bare_host.run("sh", GENERATOR, "/run/out").stderr == ""
    assert "Wants" not in bare_host.read("/run/out/postfix-instances.target")


def test_jail_where_no_distribution_fills_it(bare_host: Host) -> None:
    bare_host.remove("/usr/lib/postfix/configure-instance.sh")
    made = bare_host.talk_instance(start=False)
    bare_host.postconf("smtp_tls_CApath=/etc/ssl/own", directory=made.config_directory)
    bare_host.write("/etc/ssl/own/0123abcd.0", "a certificate\n")
    bare_host.postwrap("install")
    environment = {"MAIL_CONFIG": made.config_directory}
    bare_host.run(JAIL, env=environment)
    jail = made.queue_directory
    for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/services", "/etc/ssl/own/0123abcd.0"):
        assert bare_host.read_bytes(jail + path) == bare_host.read_bytes(path)
    assert bare_host.sh(f"ls {jail}/lib/*/libnss_dns.so* {jail}/lib/*/libresolv.so*").stdout
    bare_host.write("/etc/hosts", bare_host.read("/etc/hosts") + "192.0.2.7 new.example\n")
    bare_host.run(JAIL, env=environment)
    assert "new.example" in bare_host.read(f"{jail}/etc/hosts")
    assert not list(bare_host.path(f"{jail}/etc").glob("*.postwrap"))


def test_no_jail_where_nothing_is_chrooted(bare_host: Host) -> None:
    bare_host.remove("/usr/lib/postfix/configure-instance.sh")
    made = bare_host.talk_instance(start=False)
    bare_host.run("postconf", "-c", made.config_directory, "-F", "*/*/chroot=n")
    bare_host.postwrap("install")
    bare_host.run(JAIL, env={"MAIL_CONFIG": made.config_directory})
    assert not bare_host.exists(f"{made.queue_directory}/etc")


def test_an_ordinary_user_is_told_the_same_units(bare_host: Host) -> None:
    bare_host.talk_instance(start=False)
    bare_host.postwrap("install")
    told = [bare_host.run("sh", GENERATOR, "--list", user=user).stdout for user in (None, "alice")]
    assert told[0] == told[1]
    assert "/etc/postfix-out\tpostfix-instance@out.service\tyes\t\n" in told[0]
