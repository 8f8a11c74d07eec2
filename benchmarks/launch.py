"""What a wrapper costs: real commands on one instance, started in six ways.

direct     the real command with MAIL_CONFIG set in its environment
again      the same once more: what differs between the two is noise
native     our native wrapper
wrapper    our shell wrapper
script     the talk's two lines: #!/bin/sh, and the command with its -c or -C
postmulti  postmulti -i INSTANCE -x COMMAND
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.tables import Case, machine, medians, milliseconds, table
from tests.harness.host import Host

INSTANCES = (1, 3, 10)
ROUNDS = 40
OUT = "/etc/postfix-i1"
SCRIPTS = "/opt/talk"
NATIVE = "/opt/native"
MESSAGE = "Subject: benchmark\n\nhello\n"


@dataclass(frozen=True)
class Command:
    """A real command, how its scripts spell the instance, and what it is run with."""

    path: str
    option: str
    wrapper: str
    arguments: tuple[str, ...] = ()
    input: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    def launchers(self) -> Iterator[tuple[str, Case]]:
        """Yield each way to start it on the instance OUT."""
        chosen = {"MAIL_CONFIG": OUT}
        multi = ("/usr/sbin/postmulti", "-i", "postfix-i1", "-x", self.path)
        yield "direct", Case((self.path, *self.arguments), chosen, self.input)
        yield "again", Case((self.path, *self.arguments), chosen, self.input)
        yield "native", Case((f"{NATIVE}{self.wrapper}", *self.arguments), {}, self.input)
        yield "wrapper", Case((self.wrapper, *self.arguments), {}, self.input)
        yield "script", Case((f"{SCRIPTS}/{self.name}", *self.arguments), {}, self.input)
        yield "postmulti", Case((*multi, *self.arguments), {}, self.input)


COMMANDS = (
    Command("/usr/bin/mailq", "-C", "/usr/local/bin/mailq-i1"),
    Command("/usr/sbin/postconf", "-c", "/usr/local/sbin/postconf-i1", ("-h", "queue_directory")),
    Command(
        "/usr/sbin/sendmail",
        "-C",
        "/usr/local/sbin/sendmail-i1",
        ("-f", "app@example.com", "bob@example.net"),
        MESSAGE,
    ),
)


def main() -> None:
    """Print the table of each command."""
    results = {}
    for count in INSTANCES:
        with Host() as host:
            about = machine(host)
            prepare(host, count)
            for command in COMMANDS:
                names, cases = zip(*command.launchers(), strict=True)
                results[command.name, count] = dict(
                    zip(names, medians(host, cases, ROUNDS), strict=True)
                )
    print(f"launch: {about}; medians of {ROUNDS} rounds, in turn, and their ratio to direct\n")
    for command in COMMANDS:
        report(command.name, [results[command.name, count] for count in INSTANCES])


def prepare(host: Host, count: int) -> None:
    """Make ``count`` instances beside the default one, and the first of them run with it."""
    host.start_default()
    for number in range(1, count + 1):
        name = f"i{number}"
        unique = {"multi_instance_name": f"postfix-{name}", "multi_instance_enable": "yes"}
        settings = {**unique, "defer_transports": "smtp, local", "master_service_disable": "inet"}
        host.talk_instance(name, settings=settings, start=number == 1)
    directories = " ".join(f"/etc/postfix-i{number}" for number in range(1, count + 1))
    host.postconf(
        f"multi_instance_directories={directories}",
        "multi_instance_enable=yes",
        "multi_instance_wrapper=${command_directory}/postmulti -p --",
    )
    host.age()
    host.postwrap("install")
    host.postwrap("install", "--native", f"--destdir={NATIVE}")
    for command in COMMANDS:
        line = f'{command.path} {command.option} {OUT} "$@"'
        host.write(f"{SCRIPTS}/{command.name}", f"#!/bin/sh\n{line}\n", mode=0o755)


def report(name: str, results: Sequence[dict[str, float]]) -> None:
    """Print one command's table: a line a launcher, a pair of columns a number of instances."""
    rows = [["", *(cell for count in INSTANCES for cell in (heading(count), ""))]]
    for launcher in results[0]:
        row = [launcher]
        for result in results:
            ratio = result[launcher] / result["direct"]
            row += [milliseconds(result[launcher]), f"x {ratio:.2f}"]
        rows.append(row)
    table(name, rows)


def heading(count: int) -> str:
    """Return the head of a column."""
    return "1 instance" if count == 1 else f"{count} instances"


if __name__ == "__main__":
    main()
