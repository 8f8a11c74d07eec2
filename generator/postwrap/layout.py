"""Where each kind of file goes, by system and prefix. Staging directories never appear here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

DEFAULT_PREFIX = "/usr/local"

SYSTEM_PREFIX = "/usr"
"""The prefix of the distribution's own packages."""

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
"""Where programs are looked for, whatever PATH sudo, cron or a user's shell have set."""

SYSTEM_COMMAND_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where distributions put commands; a name taken there is never given to a wrapper."""

INIT_SCRIPT = "postfix-instances"
"""The name of our init script."""

HOOK = "postwrap"
"""The name of our hook."""

HOOK_DIRECTORIES = ("/etc/resolvconf/update-libc.d", "/etc/network/if-up.d", "/etc/ppp/ip-up.d")
"""Where Debian and openresolv run scripts when resolv.conf has changed, or may have."""


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
    links: str = ""
    """Where links to the commands of sbin go that ordinary users need, "" for nowhere."""
    lnav: str = ""
    """Holds our format file for lnav(1), "" for nowhere."""
    is_packaged: bool = False
    """Whether a package brings the files, and no postwrap need be on the host."""

    def remake(self, instance: str = "") -> str:
        """Return the command that makes the files of ``instance``, or of all, again."""
        if self.is_packaged:
            return f"postwrap package {self.options}".rstrip()
        return " ".join(filter(None, ("postwrap install", self.options, instance)))

    def holds(self, path: str) -> bool:
        """Whether a file of this installation may be at ``path``.

        /etc/init.d and the hooks' directories are others', and one name in each is ours.
        """
        if path in {f"{self.init}/{INIT_SCRIPT}", *(f"{hook}/{HOOK}" for hook in HOOK_DIRECTORIES)}:
            return bool(self.init)
        return any(path.startswith(f"{place}/") for place in self._directories)

    def may_make(self, directory: str) -> bool:
        """Whether ``directory`` is one of this installation's, in one of them or above one."""
        places = (*self._directories, *filter(None, (self.init,)))
        return self.holds(directory) or any(
            f"{place}/".startswith(f"{directory.rstrip('/')}/") for place in places
        )

    @property
    def _directories(self) -> tuple[str, ...]:
        """Return the directories that hold files of the installation and of others beside them."""
        shells = (self.bash_completion, self.zsh_completion, self.fish_completion)
        boot = (self.systemd_unit, self.systemd_generator)
        found = (self.bin, self.sbin, self.man, *shells, *boot, self.state, self.lnav)
        return tuple(place for place in found if place)

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
    own = "" if prefix == DEFAULT_PREFIX else prefix.replace("/", "-")
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
        # lnav looks for formats nowhere else, in a directory each; one installation has one.
        lnav=f"/etc/lnav/formats/postwrap{own}",
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
        lnav=f"{platformdirs.user_config_dir()}/lnav/formats/postwrap",
    )


def shared_pages(layout: Layout) -> tuple[str, str]:
    """Return the paths of the pages of postwrap itself, postwrap(8) and postwrap.toml(5)."""
    return f"{layout.man}/man8/postwrap.8", f"{layout.man}/man5/postwrap.toml.5"
