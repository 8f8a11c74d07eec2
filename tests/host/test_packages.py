"""`postwrap package`, and what the real package managers make of it.

There is no apk(8) for Debian: such a package is read here by apk-v2(5), and was never installed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.harness.snapshot import tree

from postwrap import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import CompletedProcess

    from tests.harness.host import Host
    from tests.harness.snapshot import Tree

NAME = "postwrap-commands"
MANIFEST = "lib/postwrap/manifest.json"
PAPERS = ("share/doc/", "share/licenses/", "share/lintian/")
"""Where each manager's packages have what the others' have elsewhere, or not at all."""


@dataclass(frozen=True)
class Manager:
    """A package manager: how it installs a file, verifies and removes what it installed.

    Neither rpm nor pacman has the host's Postfix in its own database.
    """

    format: str
    install: Sequence[str]
    verify: Sequence[str]
    remove: Sequence[str]


MANAGERS = (
    Manager("deb", ("dpkg", "-i"), ("dpkg", "--verify", NAME), ("dpkg", "-P", NAME)),
    Manager(
        "rpm",
        ("rpm", "-U", "--nodeps"),
        ("rpm", "-V", "--nodeps", NAME),
        ("rpm", "-e", NAME),
    ),
    Manager(
        "pacman",
        ("pacman", "-U", "-dd", "--noconfirm"),
        ("pacman", "-Qkk", NAME),
        ("pacman", "-R", "--noconfirm", NAME),
    ),
)
by_manager = pytest.mark.parametrize("manager", MANAGERS, ids=lambda manager: manager.format)


def package(host: Host, kind: str, *options: str, check: bool = True) -> CompletedProcess[str]:
    return host.postwrap("package", "--format", kind, *options, check=check)


def files(found: Tree) -> Tree:
    """What is no directory, and none of the papers."""
    return {
        path: facts
        for path, facts in found.items()
        if facts[0] >> 12 != 0o04 and not path.startswith(PAPERS)
    }


def packed(host: Host, kind: str = "deb") -> Tree:
    """What a package holds below /usr, as dpkg-deb(1) unpacks it; Arch has no sbin."""
    path = package(host, "deb", "-o", "/srv/packed.deb").stdout.strip()
    host.run("dpkg-deb", "-x", path, "/packed")
    found = files(tree(host, "/packed/usr"))
    if kind != "pacman":
        return found
    return {path.replace("sbin/", "bin/", 1): facts for path, facts in found.items()}


def plain(found: Tree) -> Tree:
    """The same with manual pages as they were before they were compressed."""
    return {path.removesuffix(".gz"): (*f[:-1], unpacked(path, f[-1])) for path, f in found.items()}


def unpacked(path: str, content: bytes) -> bytes:
    """A page's text; what a link leads to without the ending."""
    if not path.endswith(".gz"):
        return content
    is_page = content.startswith(b"\x1f\x8b")
    return gzip.decompress(content) if is_page else content.removesuffix(b".gz")


def usr(host: Host) -> dict[str, str]:
    """What is in /usr by path, with mode, size and time."""
    find = ("find", "/usr", "-xdev", "!", "-type", "d", "-printf", "%P\\t%m %s %T@\\n")
    lines = (line.split("\t") for line in host.run(*find).stdout.splitlines())
    return {path: facts for path, facts in lines if not path.startswith("share/info/dir")}


def added(host: Host, before: dict[str, str]) -> set[str]:
    """The files that are in /usr now and were not; the others must be as they were."""
    now = usr(host)
    assert before.items() <= now.items()
    return {path for path in now.keys() - before.keys() if not path.startswith(PAPERS)}


def call(host: Host, words: Sequence[str], *more: str, check: bool = True) -> str:
    """What a package manager prints: Debian 12's rpm wants force, and pacman an mtab."""
    if words[0] == "rpm" and host.run("rpm", "--force-debian", "--version", check=False).stdout:
        words = ("rpm", "--force-debian", *words[1:])
    host.sh("test -e /etc/mtab || ln -s /proc/self/mounts /etc/mtab")
    done = host.run(*words, *more, check=check)
    return done.stdout + done.stderr


def altered(host: Host, manager: Manager) -> bool:
    """Whether the manager finds a file to be another than it installed."""
    return "/mailq-out" in call(host, manager.verify, check=False)


def test_it_holds_what_install_would_write(talk: Host) -> None:
    """But for how it is made again, and for the units that make it again by themselves."""
    found, remade = plain(packed(talk)), re.compile(rb"Regenerate: .*")
    assert json.loads(found.pop(MANIFEST)[3])["package"] == NAME
    talk.postwrap("install", "--prefix=/usr", "--destdir=/stage")
    staged = files(tree(talk, "/stage/usr"))
    del staged[MANIFEST]
    own = ("postwrap-watch.path", "postwrap-metrics.timer")
    for unit in (*own, *(f"{name.partition('.')[0]}.service" for name in own)):
        del staged[f"lib/systemd/system/{unit}"]
    for link in ("bin/sendmail-out", "bin/postqueue-out"):  # sbin may be bin elsewhere
        del staged[link], staged[link.replace("-out", "-default")]
    assert found.keys() == staged.keys()
    for path, (*facts, content) in found.items():
        *wanted, other = staged[path]
        assert (facts, remade.sub(b"", content)) == (wanted, remade.sub(b"", other)), path


@by_manager
def test_the_package_manager_installs_verifies_and_removes_it(talk: Host, manager: Manager) -> None:
    before = usr(talk)
    path = package(talk, manager.format).stdout.strip()
    call(talk, manager.install, path)
    wanted = packed(talk, manager.format)
    assert added(talk, before) == wanted.keys()
    # What names commands of sbin is another text on Arch.
    same = () if manager.format == "pacman" else ("lib/postwrap", "share/man/man1")
    for top in ("bin", "sbin", *same):
        there = files(tree(talk, f"/usr/{top}"))
        inside = {
            p.removeprefix(f"{top}/"): f for p, f in wanted.items() if p.startswith(f"{top}/")
        }
        assert {path: there[path] for path in inside} == inside
    assert not altered(talk, manager)
    assert "Mail queue is empty" in talk.run("mailq-out").stdout
    assert talk.run("postconf-out", "-h", "syslog_name").stdout == "postfix-out\n"
    talk.write("/usr/bin/mailq-out", "#!/bin/sh\n", mode=0o755)
    assert altered(talk, manager)
    call(talk, manager.remove)
    assert added(talk, before) == set()


@by_manager
def test_it_is_upgraded_to_what_the_host_has_by_then(talk: Host, manager: Manager) -> None:
    before = usr(talk)
    call(talk, manager.install, package(talk, manager.format).stdout.strip())
    talk.talk_instance("new", "10.0.0.7", start=False)
    talk.run("rm", "-r", "/etc/postfix-out")
    again = package(talk, manager.format, check=False)
    assert again.returncode == 3
    assert "--release" in again.stderr
    call(talk, manager.install, package(talk, manager.format, "--release=2").stdout.strip())
    there = added(talk, before)
    assert "bin/mailq-new" in there
    assert "bin/mailq-out" not in there
    assert not altered(talk, manager)


@by_manager
def test_where_it_is_installed_postwrap_knows_it_and_leaves_it_alone(
    talk: Host, manager: Manager
) -> None:
    call(talk, manager.install, package(talk, manager.format).stdout.strip())
    listed = json.loads(talk.postwrap("list", "--json").stdout)
    assert {i["commands"] for i in listed["instances"]} == {"installed"}
    assert "/usr/bin/mailq-out" in talk.postwrap("which", "mailq-out").stdout
    assert talk.postwrap("diff", "--prefix=/usr").stdout == ""
    before = usr(talk)
    for verb in ("install", "uninstall"):
        refused = talk.postwrap(verb, "--prefix=/usr", check=False)
        assert refused.returncode == 3
        assert NAME in refused.stderr
    assert usr(talk) == before
    talk.postwrap("install")
    assert talk.exists("/usr/local/bin/mailq-out")
    talk.postwrap("uninstall")
    assert talk.run("mailq-out").returncode == 0


@pytest.mark.bases("bookworm", "trixie")
def test_a_deb_on_both_debians(talk: Host) -> None:
    path = talk.postwrap("package").stdout.strip()
    assert path.endswith(f"/{NAME}_{__version__}-1_all.deb")
    before = usr(talk)
    talk.run("dpkg", "-i", path)
    assert not altered(talk, MANAGERS[0])
    assert "postfix-out" in talk.run("dpkg", "-L", NAME).stdout
    man = talk.run("man", "-P", "cat", "mailq-out", env={"MANWIDTH": "80"}).stdout
    assert "/etc/postfix-out" in man
    talk.run("dpkg", "-P", NAME)
    assert added(talk, before) == set()


def test_completions_and_man_pages_are_in_it(talk: Host) -> None:
    path = package(talk, "deb").stdout.strip()
    listed = talk.run("dpkg-deb", "-c", path).stdout
    for part in (
        "share/bash-completion/completions/mailq-out",
        "share/zsh/vendor-completions/_postwrap",
        "share/fish/vendor_completions.d/mailq-out.fish",
        "share/man/man1/mailq-out.1.gz",
        "share/man/man8/postwrap.8.gz",
        f"share/doc/{NAME}/copyright",
        f"share/doc/{NAME}/changelog.Debian.gz",
    ):
        assert f"./usr/{part}" in listed


@pytest.mark.parametrize("kind", ["deb", "rpm", "pacman", "apk", "tar"])
def test_the_same_bytes_each_time(talk: Host, kind: str) -> None:
    made = []
    for number in range(2):
        path = f"/root/{number}"
        package(talk, kind, "-o", path)
        made.append(talk.path(path).read_bytes())
        talk.run("touch", "/etc/postfix-out/main.cf")
    assert made[0] == made[1]


def test_an_archive_is_what_install_would_write_and_uninstall_removes(talk: Host) -> None:
    before = usr(talk)
    path = package(talk, "tar").stdout.strip()
    talk.postwrap("install", "--prefix=/usr", "--destdir=/stage")
    talk.sh('mkdir /unpacked; tar -C /unpacked -xf "$1"', path)
    found, staged = (json.loads(talk.read(f"/{d}/usr/{MANIFEST}")) for d in ("unpacked", "stage"))
    assert found["files"] == staged["files"]
    assert files(tree(talk, "/unpacked")).keys() == files(tree(talk, "/stage")).keys()
    # No package manager knows of it, so postwrap must.
    talk.run("tar", "-C", "/", "-xf", path)
    assert talk.run("mailq-out").returncode == 0
    assert talk.postwrap("diff", "--prefix=/usr").stdout == ""
    talk.postwrap("uninstall", "--prefix=/usr")
    assert added(talk, before) == set()


def test_an_archive_is_unpacked_over_links_to_directories(talk: Host) -> None:
    """Some systems have their /usr/sbin be a link to bin."""
    path = package(talk, "tar", "--name=ours").stdout.strip()
    assert path.endswith(f"/ours-{__version__}-1.tar.gz")
    talk.sh(
        "mkdir -p /elsewhere/usr/bin; chmod 700 /elsewhere/usr; ln -s bin /elsewhere/usr/sbin\n"
        'tar -C /elsewhere -xf "$1"; test -L /elsewhere/usr/sbin',
        path,
    )
    assert talk.run("stat", "-c", "%a", "/elsewhere/usr").stdout == "700\n"
    assert talk.exists("/elsewhere/usr/bin/postfix-out")


def test_an_apk_is_as_its_manual_says(talk: Host) -> None:
    content = talk.path(package(talk, "apk").stdout.strip()).read_bytes()
    stream = zlib.decompressobj(wbits=31)
    control = stream.decompress(content)
    data = stream.unused_data
    assert len(control) % 512 == 0
    assert control[-512:].strip(b"\0"), "the control section has no end of its own"
    with tarfile.open(fileobj=io.BytesIO(control + gzip.decompress(data))) as tar:
        members = {member.name: member for member in tar}
        information = tar.extractfile(".PKGINFO")
        assert information
        facts = information.read().decode()
        for name, member in members.items():
            if name.startswith("."):
                continue
            assert (member.uid, member.gid) == (0, 0)
            if member.isdir():
                assert member.mode == 0o755
                continue
            file = tar.extractfile(name) if member.isreg() else None
            inside = file.read() if file else member.linkname.encode()
            checksum = hashlib.sha1(inside).hexdigest()
            assert member.pax_headers["APK-TOOLS.checksum.SHA1"] == checksum
    assert f"datahash = {hashlib.sha256(data).hexdigest()}\n" in facts
    assert f"pkgver = {__version__}-r1\n" in facts
    assert {".post-install", ".post-upgrade", ".post-deinstall"} < members.keys()
    installed = {n for n, m in members.items() if not m.isdir() and not n.startswith((".", "etc/"))}
    assert {name.removeprefix("usr/") for name in installed} == packed(talk).keys()


def test_a_package_is_made_of_a_foreign_tree(talk: Host) -> None:
    talk.sh(
        "mkdir -p /tree/etc/postfix /tree/etc/postfix-far; cd /tree/etc\n"
        "for d in postfix postfix-far; do touch $d/main.cf $d/master.cf; done\n"
        "echo 'ID_LIKE=\"rhel fedora\"' >os-release"
    )
    done = talk.postwrap("package", "--root=/tree", "-o", "/root", "--json")
    told = json.loads(done.stdout)
    assert told["format"] == "rpm"
    assert "/usr/bin/mailq-far" in talk.run("rpm", "-qpl", told["file"]).stdout
    assert not talk.exists("/tree/usr")


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--name=Bad Name"], 2, ["Bad Name"]),
        (["--prefix=/opt/my apps"], 2, ["--prefix"]),
        (["--format=zip"], 2, ["zip"]),
        (["--release=0"], 2, ["--release"]),
        (["-o", "/no/where/x.deb"], 4, ["/no/where"]),
        (["nobody"], 3, ["nobody"]),
    ],
)
def test_what_it_refuses(talk: Host, options: list[str], status: int, words: list[str]) -> None:
    done = talk.postwrap("package", *options, check=False)
    assert done.returncode == status, done.stderr
    assert all(word in done.stderr for word in words)
    assert "Traceback" not in done.stderr


def test_without_rpmbuild_it_says_what_to_install(talk: Host) -> None:
    talk.run("rm", "-f", "/usr/bin/rpmbuild")
    done = package(talk, "rpm", check=False)
    assert done.returncode == 3
    assert "rpm-build" in done.stderr


def test_an_instance_that_cannot_be_served_is_named_and_the_others_are_packed(talk: Host) -> None:
    talk.sh("mkdir '/etc/postfix-a b'; cp /etc/postfix/*.cf '/etc/postfix-a b'")
    done = package(talk, "deb", check=False)
    assert done.returncode == 1
    assert "/etc/postfix-a b" in done.stderr
    assert "/usr/bin/mailq-out" in talk.run("dpkg-deb", "-c", done.stdout.strip()).stdout


@by_manager
def test_a_package_for_each_instance_beside_one_for_the_boot(talk: Host, manager: Manager) -> None:
    """They come side by side, are upgraded alone, and the one goes without the other."""
    before, kind = usr(talk), manager.format
    talk.talk_instance("in", "10.0.0.7", start=False)
    made = {}
    for name, options in (
        ("postwrap-boot", ("--boot",)),
        ("acme-out", ("--name=acme-out", "out")),
        ("acme-in", ("--name=acme-in", "in")),
    ):
        made[name] = package(talk, kind, *options).stdout.strip()
        assert f"/{name}" in made[name]
    call(talk, manager.install, *made.values())
    for name in ("out", "in"):
        assert (
            "Mail queue is empty" in talk.run(f"mailq-{name}", check=False).stdout or name == "in"
        )
        assert talk.run(f"postconf-{name}", "-h", "syslog_name").stdout == f"postfix-{name}\n"
    assert not talk.exists("/usr/bin/mailq-default")
    assert talk.exists("/usr/share/man/man1/mailq-out.1.gz")
    assert "/usr/bin/mailq-out" in talk.postwrap("which", "mailq-out").stdout
    refused = talk.postwrap("uninstall", "--prefix=/usr", "out", check=False)
    assert (refused.returncode, "acme-out" in refused.stderr) == (3, True)
    both = added(talk, before)
    again = package(talk, kind, "--name=acme-out", "--release=2", "out").stdout.strip()
    call(talk, manager.install, again)
    assert added(talk, before) == both
    call(talk, manager.remove[:-1], "acme-out")
    left = added(talk, before)
    assert both - left == {path for path in both if path.partition("-out")[1]}
    assert "bin/mailq-in" in left
    call(talk, manager.remove[:-1], "acme-in")
    call(talk, manager.remove[:-1], "postwrap-boot")
    assert added(talk, before) == set()


def test_check_knows_the_commands_of_a_package(talk: Host) -> None:
    talk.make_command()
    talk.run("dpkg", "-i", package(talk, "deb").stdout.strip())
    watch = talk.path("/usr/lib/systemd/system/postwrap-watch.path")
    assert not watch.exists(), "nobody is there to make the commands again"
    assert "Regenerate: postwrap package" in talk.read("/usr/bin/mailq-out")
    assert commands_findings(talk) == []
    talk.write("/usr/bin/mailq-out", "#!/bin/sh\n", mode=0o755)
    # One instance's, and then, since they are this host's own from now on, the other's.
    for _ in ("out", "default"):
        (found,) = commands_findings(talk)
        talk.sh(found["remedy"])
    assert commands_findings(talk) == []
    assert "Mail queue is empty" in talk.run("mailq-out").stdout


def commands_findings(host: Host) -> list[dict[str, str]]:
    """What check finds about commands."""
    told = json.loads(host.postwrap("check", "--json", check=False).stdout)["findings"]
    return [finding for finding in told if finding["code"].startswith("commands-")]
