"""A bundle as a package: tar, deb, rpm, pacman, apk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from postwrap.packages import apk, deb, pacman, rpm, tar
from postwrap.packages.package import Package


class Format(StrEnum):
    """The kinds of package."""

    DEB = "deb"
    RPM = "rpm"
    PACMAN = "pacman"
    APK = "apk"
    TAR = "tar"


@dataclass(frozen=True, slots=True)
class Writer:
    """How a kind of package is called and made, and the command that installs the file.

    ``systems`` are those that it belongs on.
    """

    file_name: Callable[[Package], str]
    build: Callable[[Package], bytes]
    installing: str
    systems: str


WRITERS: Mapping[Format, Writer] = {
    Format.DEB: Writer(deb.file_name, deb.build, "dpkg -i {}", "Debian, Ubuntu"),
    Format.RPM: Writer(rpm.file_name, rpm.build, "rpm -U {}", "Fedora, RHEL, openSUSE"),
    Format.PACMAN: Writer(pacman.file_name, pacman.build, "pacman -U {}", "Arch Linux"),
    Format.APK: Writer(apk.file_name, apk.build, "apk add --allow-untrusted {}", "Alpine Linux"),
    Format.TAR: Writer(tar.file_name, tar.build, "tar -C / -xf {}", "an archive to unpack at /"),
}

_FAMILIES = {
    "debian": Format.DEB,
    "ubuntu": Format.DEB,
    "fedora": Format.RPM,
    "rhel": Format.RPM,
    "suse": Format.RPM,
    "opensuse": Format.RPM,
    "arch": Format.PACMAN,
    "alpine": Format.APK,
}


def format_of(os_release: str) -> Format:
    """Return the kind of package of a distribution by its os-release(5), TAR for an unknown one."""
    lines = (line.partition("=") for line in os_release.splitlines())
    values = {key: value.strip("\"'") for key, _, value in lines}
    families = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}"
    return next((_FAMILIES[word] for word in families.split() if word in _FAMILIES), Format.TAR)
