"""packaging/release: what it refuses, what it makes, and that it makes the same twice."""

from __future__ import annotations

import hashlib
import json
import tarfile
from typing import TYPE_CHECKING

from tests.harness.need import campaign
from tests.harness.released import MAINTAINER, ONE_BUILD, OUTPUT, PIP, SOURCES, BuildHost, released

from postwrap import __version__

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = ONE_BUILD

MADE = {
    *(f"postwrap_{__version__}{rest}" for rest in ("-1_all.deb", "+bundled_all.deb")),
    *(f"postwrap_{__version__}{rest}" for rest in ("-1.dsc", "-1.debian.tar.xz", ".orig.tar.gz")),
    *(f"postwrap-{__version__}-{rest}.noarch.rpm" for rest in ("1", "1.bundled")),
    *(f"postwrap-{__version__}-{rest}" for rest in ("1-any.pkg.tar.xz", "r0.apk")),
    *(f"postwrap-{__version__}{rest}.tar.gz" for rest in ("", "-bundled", "-recipes")),
    *(f"postwrap-{__version__}{rest}" for rest in ("-py3-none-any.whl", ".cdx.json")),
}


def sums(directory: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in directory.iterdir()}


def test_it_makes_all_that_a_release_has() -> None:
    """With their sums; the archive for install.sh carries what its bill of materials names."""
    made = released()
    found = sums(made)
    listed = (line.split() for line in (made / "SHA256SUMS").read_text().splitlines())
    assert {name: digest for digest, name in listed} == {
        name: digest for name, digest in found.items() if name != "SHA256SUMS"
    }
    assert found.keys() == {*MADE, "SHA256SUMS"}
    bill = json.loads((made / f"postwrap-{__version__}.cdx.json").read_text())
    with tarfile.open(made / f"postwrap-{__version__}-bundled.tar.gz") as archive:
        names = archive.getnames()
    carried = {name.split("/")[2] for name in names if name.count("/") == 2 and "/vendor/" in name}
    distributions = {name for name in carried if name.endswith(".dist-info")}
    assert {name.replace("_", "-").lower() for name in distributions} == {
        f"{part['name']}-{part['version']}.dist-info" for part in bill["components"]
    }


def test_it_refuses_what_is_no_release() -> None:
    """Before anything is built or written: each fault by its message, with a remedy."""
    with BuildHost() as host:
        for breaks, mends, word in (
            ("touch more", "rm more", "changes that are not committed"),
            ("git tag -d v$1", "git tag v$1", f"does not have the tag v{__version__}"),
            (
                "git mv LICENSE COPYING; git commit -qm more",
                "git reset -q --hard HEAD~",
                f"does not have the tag v{__version__}",
            ),
            (
                "sed -i 's/^## .* (/&2/' CHANGELOG.md; git commit -qam more; git tag -f v$1",
                "git reset -q --hard HEAD~; git tag -f v$1",
                "does not begin with the entry",
            ),
            (f"mkdir -p {OUTPUT}; touch {OUTPUT}/x", f"rm -r {OUTPUT}", "is not empty"),
            ("mv /usr/bin/rpmbuild /root", "mv /root/rpmbuild /usr/bin", "rpmbuild is not on"),
        ):
            host.sh(f"cd {SOURCES}; {breaks}", __version__)
            done = host.release(check=False)
            assert done.returncode == 3, breaks
            assert word in done.stderr, breaks
            assert "\n  remedy: " in done.stderr
            host.sh(f"cd {SOURCES}; {mends}", __version__)
            assert not host.exists(OUTPUT) or not list(host.path(OUTPUT).iterdir())


@campaign("takes minutes")
def test_two_builds_are_the_same_byte_for_byte(tmp_path: Path) -> None:
    """The second elsewhere, later, with another umask, time zone and name, and its unit tests."""
    with BuildHost() as host:
        host.sh(f"umask 007; mv {SOURCES} /home/other; hostname elsewhere; date")
        host.run(
            *(
                "sh",
                "-c",
                'umask 007; exec /home/other/packaging/release --no-docs "$1"',
                "sh",
                "/home/out",
            ),
            env={
                **PIP,
                "MAINTAINER": MAINTAINER,
                "TZ": "Asia/Tokyo",
                "LANG": "C",
            },
            timeout=1800,
        )
        host.take("/home/out", tmp_path)
    assert sums(tmp_path) == sums(released())
