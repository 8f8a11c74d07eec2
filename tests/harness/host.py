"""Private hosts: a Debian with Postfix and two users, its own network, gone when closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness.mail import ADDRESS, SECOND_ADDRESS, MailMachine, SecondInstance
from tests.harness.namespaces import Namespaces, elsewhere
from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

__all__ = ["ADDRESS", "SECOND_ADDRESS", "Host", "SecondInstance"]

STOCK = Path(__file__).with_name("stock.sh")


class Host(MailMachine):
    """A private host; `with Host() as host:` or close() it. `base` is a root directory.

    `network=True` keeps the machine's network, for pip and apt (tests.harness.network); such a
    host has none of the talk's addresses. `stock=False` leaves the root as it is. `packages` is a
    directory of Python packages for a root whose own are too old for postwrap.
    """

    def __init__(
        self,
        base: Path = Path("/"),
        *,
        network: bool = False,
        stock: bool = True,
        cgroups: bool = False,
        packages: Sequence[Path] = (),
    ) -> None:
        here = base == Path("/")
        self.shown = [CHECKOUT, *packages, *(elsewhere() if here else [])]
        self._namespaces = Namespaces(base, network=network, cgroups=cgroups, show=self.shown)
        python = sys.executable if here else "/usr/bin/python3"
        super().__init__(self._namespaces.pid, [python, *map(str, packages)])
        try:
            self._open_way(
                *self.shown, *((Path(sys.prefix), Path(sys.base_prefix)) if here else ())
            )
            if not network:
                self._ip("link", "set", "lo", "up")
                self.add_address(ADDRESS, SECOND_ADDRESS)
                # Nobody answers there, so every look-up fails at once instead of after a while.
                self.remove("/etc/resolv.conf")
                self.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
            if stock:
                self.run("sh", "-s", input=STOCK.read_text())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End everything in the host."""
        super().close()
        self._namespaces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_way(self, *directories: Path) -> None:
        """Let the host's users reach these directories, which may be under /root."""
        for directory in directories:
            for parent in self.path(directory, follow=True).parents:
                if parent == self.root:
                    break
                mode = parent.stat().st_mode
                if not mode & 0o001:
                    parent.chmod((mode & 0o7777) | 0o011)

    def add_address(self, *addresses: str, device: str = "lo") -> None:
        """Give the host more addresses, of either family."""
        for address in addresses:
            bits = "128" if ":" in address else "32"
            self._ip("address", "add", f"{address}/{bits}", "dev", device)

    def _ip(self, *words: str) -> None:
        """Run the machine's own ip(8) in the host's network: a fresh root has none."""
        enter = [find_tool("nsenter") or "nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]
        subprocess.run([*enter, find_tool("ip") or "ip", *words], check=True)

    def start_default(self) -> None:
        """Start the default instance as the distribution's unit does."""
        # Debian 12 fills the chroot jail from the unit, Debian 13 from `postfix start` itself.
        self.sh(
            "filler=/usr/lib/postfix/configure-instance.sh\n"
            'if [ -x /etc/postfix/postfix-script ] && [ -x "$filler" ]; then "$filler" -; fi\n'
            "postfix start"
        )

    def talk_instance(
        self,
        name: str = "out",
        address: str = SECOND_ADDRESS,
        *,
        settings: Mapping[str, str] | None = None,
        start: bool = True,
    ) -> SecondInstance:
        """Make a second instance by hand, as the talk does; `settings` go into its main.cf."""
        made = SecondInstance(
            name=name,
            config_directory=f"/etc/postfix-{name}",
            queue_directory=f"/var/spool/postfix-{name}",
            data_directory=f"/var/lib/postfix-{name}",
            address=address,
        )
        self.sh(_TALK, name, address, made.config_directory)
        pairs = [f"{key}={value}" for key, value in (settings or {}).items()]
        self.postconf(*pairs, directory=made.config_directory)
        self.age()
        self.run("postfix", "-c", made.config_directory, "check")
        if start:
            self.run("postfix", "-c", made.config_directory, "start")
        return made


_TALK = """
name=$1 address=$2 directory=$3
cp -a /etc/postfix "$directory"
postconf -c "$directory" -e "queue_directory = /var/spool/postfix-$name" \
    "data_directory = /var/lib/postfix-$name" "syslog_name = postfix-$name"
known=$(postconf -hx alternate_config_directories)
postconf -e "alternate_config_directories = ${known:+$known, }$directory"
# The copy knows no other instance.
postconf -c "$directory" -X alternate_config_directories multi_instance_directories
sed -i "s/^smtp  *inet/$address:smtp inet/" "$directory/master.cf"
# Debian's relay service carries a syslog_name of its own.
postconf -c "$directory" -PX relay/unix/syslog_name 2>/dev/null || :
mkdir "/var/spool/postfix-$name"
install -d -o postfix -g postfix -m 700 "/var/lib/postfix-$name"
"""
