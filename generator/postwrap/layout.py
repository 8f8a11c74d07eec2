"""Where each kind of file goes, by system and prefix. Staging directories never appear here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

DEFAULT_PREFIX = "/usr/local"

SYSTEM_PREFIX = "/usr"
"""The prefix of the distribution's own packages."""

SYSTEM_COMMAND_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where distributions put commands; a name taken there is never given to a wrapper."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories of one installation; each is absolute."""

    bin: str
    sbin: str
    man: str
    bash_completion: str
    zsh_completion: str
    fish_completion: str
    state: str
    """Holds the manifest."""
    options: str = ""
    """The options of postwrap that choose this layout, for the comments in what it makes."""
    systemd_unit: str = ""
    systemd_generator: str = ""
    init: str = ""
    """Holds init scripts. The three are empty where an installation has no part in the boot."""
    is_packaged: bool = False
    """Whether a package brings the files, and no postwrap need be on the host."""

    def remake(self, instance: str = "") -> str:
        """Return the command that makes the files of ``instance``, or of all, again."""
        if self.is_packaged:
            return f"postwrap package {self.options}".rstrip()
        return " ".join(filter(None, ("postwrap install", self.options, instance)))

    def command_directory(self, real: str) -> str:
        """Return where the wrapper of ``real``, a path, goes: to bin or sbin, as the original."""
        return self.bin if PurePosixPath(real).parent.name == "bin" else self.sbin


def system_layout(
    prefix: str, *, debian: bool = False, completions: Mapping[str, str] | None = None
) -> Layout:
    """Return the layout under ``prefix``, for all users of a host.

    ``debian``: Debian's zsh reads vendor-completions under /usr, where site-functions is the
    administrator's. ``completions`` are the directories, by shell, where this system's packages
    put theirs, and where it is not as usual.
    """
    named = completions or {}
    prefix = prefix.rstrip("/")
    # systemd looks under these two prefixes alone, and where the administrator's own units are.
    systemd = f"{prefix}/lib/systemd" if prefix in {"/usr", "/usr/local"} else "/etc/systemd"
    zsh = "vendor-completions" if debian and prefix == SYSTEM_PREFIX else "site-functions"
    return Layout(
        bin=f"{prefix}/bin",
        sbin=f"{prefix}/sbin",
        man=f"{prefix}/share/man",
        bash_completion=named.get("bash", f"{prefix}/share/bash-completion/completions"),
        zsh_completion=f"{prefix}/share/zsh/{zsh}",
        fish_completion=named.get("fish", _fish(prefix)),
        state=f"{prefix}/lib/postwrap",
        options="" if prefix == DEFAULT_PREFIX else f"--prefix={prefix or '/'}",
        systemd_unit=f"{systemd}/system",
        systemd_generator=f"{systemd}/system-generators",
        init="/etc/init.d",
    )


def _fish(prefix: str) -> str:
    # fish reads /usr/local/share only where XDG_DATA_DIRS names it, which over ssh it does not.
    is_package = prefix == SYSTEM_PREFIX
    return "/usr/share/fish/vendor_completions.d" if is_package else "/etc/fish/completions"


def user_layout() -> Layout:
    """Return the layout in the home directory of whoever runs this.

    The XDG directories come from platformdirs; ``~/.local/bin`` is where the XDG base directory
    specification puts a user's executables.
    """
    import platformdirs

    commands = str(Path.home() / ".local/bin")
    data = platformdirs.user_data_dir()
    return Layout(
        bin=commands,
        sbin=commands,
        man=f"{data}/man",
        bash_completion=f"{data}/bash-completion/completions",
        zsh_completion=f"{data}/zsh/site-functions",
        fish_completion=f"{platformdirs.user_config_dir()}/fish/completions",
        state=platformdirs.user_state_dir("postwrap"),
        options="--user",
    )
