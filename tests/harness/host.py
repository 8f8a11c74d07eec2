"""Private hosts: a Debian with Postfix and two users, its own network, gone when closed."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.harness.bytecode import keep_compiled
from tests.harness.mail import ADDRESS, SECOND_ADDRESS, MailMachine, SecondInstance
from tests.harness.namespaces import Namespaces
from tests.harness.need import find_tool
from tests.harness.paths import CHECKOUT
from tests.harness.roots import variant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

__all__ = ["ADDRESS", "SECOND_ADDRESS", "Host", "SecondInstance"]

STOCK = Path(__file__).with_name("stock.sh")


class Host(MailMachine):
    """A private host; `with Host() as host:` or close() it.

    `base` is a root directory of tests.harness.roots, by default a Debian 12 with Postfix.
    `network=True` keeps the machine's network, for pip and apt; such a host has none of the talk's
    addresses. `stock=False` leaves the root as it is. `layer` is what save() has kept of another
    host on the same base: the files are those of that host.
    """

    def __init__(
        self,
        base: Path | None = None,
        *,
        network: bool = False,
        stock: bool = True,
        cgroups: bool = False,
        layer: Path | None = None,
    ) -> None:
        base = base or variant("host", "bookworm")
        self._namespaces = Namespaces(base, network=network, cgroups=cgroups, layer=layer)
        super().__init__(self._namespaces.pid)
        try:
            self._open_way(CHECKOUT)
            keep_compiled(self, base)
            if not network:
                self._ip("link", "set", "lo", "up")
                self.add_address(ADDRESS, SECOND_ADDRESS)
                # Nobody answers there, so every look-up fails at once instead of after a while.
                self.remove("/etc/resolv.conf")
                self.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
            if layer:
                self.run("hostname", self.read("/etc/hostname").strip())
            elif stock:
                self.run("sh", "-s", input=STOCK.read_text())
        except BaseException:
            self.close()
            raise

    def save(self, layer: Path) -> None:
        """Keep the host's files in `layer`, for other hosts; nothing may run in it just then."""
        self._namespaces.save(layer)

    def close(self) -> None:
        """End everything in the host."""
        super().close()
        self._namespaces.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_way(self, directory: Path) -> None:
        """Let the host's users reach this directory, which may be under /root."""
        for parent in self.path(directory, follow=True).parents:
            if parent == self.root:
                break
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod((mode & 0o7777) | 0o011)

    def set_acl(self, entry: str, path: str) -> None:
        """Give a file another entry of its access control list, by the machine's setfacl(1).

        A fresh root has none.
        """
        tool = find_tool("setfacl") or "setfacl"
        subprocess.run([tool, "--modify", entry, str(self.path(path))], check=True)

    def add_address(self, *addresses: str, device: str = "lo") -> None:
        """Give the host more addresses, of either family."""
        for address in addresses:
            # An IPv6 address cannot be used before the kernel has looked for doubles.
            bits, nodad = ("128", ["nodad"]) if ":" in address else ("32", [])
            self._ip("address", "add", f"{address}/{bits}", "dev", device, *nodad)

    def add_route(self, network: str, via: str) -> None:
        """Send what is for ``network`` to the neighbour at ``via``."""
        self._ip("route", "add", network, "via", via)

    def _ip(self, *words: str) -> None:
        """Run the machine's own ip(8) in the host's network: a fresh root has none."""
        enter = [find_tool("nsenter") or "nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]
        subprocess.run([*enter, find_tool("ip") or "ip", *words], check=True)

    @contextmanager
    def aging(self) -> Iterator[None]:
        """Make every main.cf look older all the while, so that nobody waits for it: see age()."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(0.05):
                with suppress(OSError):  # it is just being replaced
                    self.age()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def start_default(self) -> None:
        """Start the default instance as the distribution's unit does."""
        # Debian 12 fills the chroot jail from the unit, Debian 13 from `postfix start` itself.
        self.sh(
            "filler=/usr/lib/postfix/configure-instance.sh\n"
            'if [ -x /etc/postfix/postfix-script ] && [ -x "$filler" ]; then "$filler" -; fi\n'
            "postfix start"
        )

    def start(self, *directories: str) -> None:
        """Start the instances of these configuration directories, whose jails are filled."""
        for directory in directories:
            self.run("postfix", "-c", directory, "start")

    def stop_all(self) -> None:
        """Stop all instances /etc/postfix* that run, and forget what they have logged."""
        self.sh(
            "for main in /etc/postfix*/main.cf; do\n"
            '    if postfix -c "${main%/*}" status 2>/dev/null; then\n'
            '        postfix -c "${main%/*}" stop\n'
            "    fi\n"
            "done\n"
            "rm -f /var/log/maillog"
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
