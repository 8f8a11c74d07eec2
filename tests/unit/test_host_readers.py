"""Small readers of the host: interfaces, files, jails, amavisd."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from postwrap.filesystem import Filesystem
from postwrap.host import amavis, files, jails
from postwrap.host.interfaces import host_addresses
from postwrap.host.model import JailFile, JailMethod


def test_the_kernel_tells_the_loopback_address_and_its_interface() -> None:
    found = {a.address: a for a in host_addresses()}
    loopback = found.get(ip_address("127.0.0.1"))
    if loopback:  # a network namespace may have none
        assert (loopback.device, loopback.scope) == ("lo", "loopback")
    assert len(found) == len(host_addresses())


def write(root: Path, path: str, text: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


DEBIAN_12 = "#!/bin/sh\npostmulti -i $1\n"


@pytest.mark.parametrize(
    ("script", "filler"),
    [
        ("", ""),
        (DEBIAN_12, "/usr/lib/postfix/configure-instance.sh"),
        ("#!/bin/sh\n", "check"),
    ],
)
def test_how_a_jail_is_filled(tmp_path: Path, script: str, filler: str) -> None:
    (tmp_path / "queue/lib").mkdir(parents=True)
    for name in ("services", "hosts"):
        write(tmp_path, f"etc/{name}", "")
    if script:
        write(tmp_path, "usr/lib/postfix/configure-instance.sh", script)
    found = jails.jail_method(Filesystem(str(tmp_path)), "/queue")
    assert found == JailMethod(filler, ("/etc/services", "/etc/hosts"), ("/queue/lib",))


def test_how_fresh_a_jail_is(tmp_path: Path) -> None:
    for name in ("hosts", "resolv.conf", "services"):
        write(tmp_path, f"etc/{name}", f"the host's {name}")
    write(tmp_path, "queue/etc/hosts", "the host's hosts")
    write(tmp_path, "queue/etc/resolv.conf", "old")
    assert jails.jail_files(Filesystem(str(tmp_path)), "/queue") == {
        "etc/hosts": JailFile.SAME,
        "etc/resolv.conf": JailFile.STALE,
        "etc/services": JailFile.MISSING,
    }


class Shut(Filesystem):
    """What is below /shut may not be looked at."""

    def real(self, path: str) -> Path:
        if path.startswith("/shut"):
            raise PermissionError(path)
        return super().real(path)


def test_what_may_not_be_looked_at_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, "etc/hosts", "x")
    filesystem = Shut(str(tmp_path))
    assert files.text(filesystem, "/shut/x") == ""
    assert files.names(filesystem, "/shut") == []
    assert not files.is_file(filesystem, "/shut/x")
    assert jails.jail_files(filesystem, "/shut") == {"etc/hosts": JailFile.UNSEEN}
    seen, unseen = files.statuses(filesystem, ["/etc", "/etc/hosts", "/etc/no", "/shut/x"])
    assert unseen == {"/shut/x"}
    assert list(seen) == ["/etc", "/etc/hosts"]
    assert (seen["/etc"].is_directory, seen["/etc/hosts"].is_directory) == (True, False)
    assert (seen["/etc"].uid, seen["/etc/hosts"].mode & 0o600) == (os.geteuid(), 0o600)


def test_what_is_looked_at_of_an_instance() -> None:
    assert files.of_configuration("/etc/postfix-out") == [
        *("/etc", "/", "/etc/postfix-out"),
        *("/etc/postfix-out/main.cf", "/etc/postfix-out/master.cf"),
    ]
    assert files.of_queue("/q", "")[:2] == ["/q", "/q/active"]


def test_where_amavisd_hands_mail_back(tmp_path: Path) -> None:
    filesystem = Filesystem(str(tmp_path))
    assert amavis.returns(filesystem) == ()
    assert amavis.amavis_directory(filesystem) == ""
    write(tmp_path, "etc/amavis/conf.d/20-debian", "1;\n")
    assert [hop.text for hop in amavis.returns(filesystem)] == ["[127.0.0.1]:10025"]
    write(
        tmp_path,
        "etc/amavis/conf.d/50-user",
        "$forward_method = 'smtp:[10.0.0.1]:10025';\n$notify_method = \"smtp:[10.0.0.2]:25\";\n",
    )
    write(tmp_path, "etc/amavisd.conf.bak", "$forward_method = 'smtp:[10.0.0.9]:10025';\n")
    found = [hop.text for hop in amavis.returns(filesystem)]
    assert found == ["[10.0.0.1]:10025", "[10.0.0.2]:25"]
    assert amavis.amavis_directory(filesystem) == "/etc/amavis/conf.d"
