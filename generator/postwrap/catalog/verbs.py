"""The verbs of postwrap itself: what its completions and its man page say of them.

The command line is the Typer program in postwrap.cli; this table stands in for it where no Python
may be started. tests/unit/test_catalog.py holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

from postwrap.catalog.usage import END, Kind, Operands, Option, Usage, Value


@dataclass(frozen=True, slots=True)
class Verb:
    """One of postwrap's verbs."""

    name: str
    summary: str
    usage: Usage


ROLES = {
    "fallback-relay": "takes what the default instance could not deliver at once",
    "content-filter": "takes back what a content filter has seen",
    "outbound": "sends what the default instance does not deliver here",
    "backup-mx": "keeps mail for domains that live elsewhere, and longer",
}
"""What an instance may be for, with what it then does."""

ROLE = Value("ROLE", Kind.WORD, tuple(ROLES))
FORMATS = {
    "deb": "Debian, Ubuntu",
    "rpm": "Fedora, RHEL, openSUSE",
    "pacman": "Arch Linux",
    "apk": "Alpine Linux",
    "tar": "an archive to unpack at /",
}
"""The kinds of package, with where they belong."""

FORMAT = Value("FORMAT", Kind.WORD, tuple(FORMATS))
_NAME = Value("NAME", Kind.INSTANCE)
_NAMES = Value("[NAME]...", Kind.INSTANCE)
_WHAT = Value("WHAT")
_HELP = Option("--help", "Show this message and exit.")
_PREFIX = Option(
    "--prefix", "The installation is under DIR. [default: /usr/local]", Value("DIR", Kind.DIRECTORY)
)
_DESTDIR = Option(
    "--destdir", "Write below DIR, for packages; no file names it.", Value("DIR", Kind.DIRECTORY)
)
_ROOT = Option(
    "--root", "Look at the tree DIR and its etc/postfix*, not here.", Value("DIR", Kind.DIRECTORY)
)
_USER = Option("--user", "The installation is in your home directory.")
_DRY_RUN = Option("--dry-run", "Show what would be done, do nothing.")
_JSON = Option("--json", "Print JSON.")
_SETTINGS = (
    Option("--hostname", "Its myhostname.", Value("HOST")),
    Option("--helo-name", "What it calls itself to servers.", Value("HOST")),
    Option("--mynetworks", "Who may send through it.", Value("NETS")),
    Option("--same-source-address", "Send from the address that receives."),
    Option("--queue-lifetime", "How long mail may wait in its queue: 20d", Value("TIME")),
    Option("--tls-cert", "Its own certificate, PEM.", Value("FILE", Kind.FILE)),
    Option("--tls-key", "The certificate's key, PEM.", Value("FILE", Kind.FILE)),
    Option("--header-checks", "Its own header_checks.", Value("[TYPE:]FILE", Kind.FILE)),
    Option("--body-checks", "Its own body_checks.", Value("[TYPE:]FILE", Kind.FILE)),
    Option("--filter", "The content filter. [127.0.0.1:10024]", Value("HOST:PORT")),
    Option(
        "--next-hop",
        "How the default instance names it: domain, host, host:port, [host]:port, "
        "[address] or [address]:port.",
        Value("HOP"),
    ),
    Option("--set", "Any setting; may be given again.", Value("PARAM=VALUE", Kind.SETTING)),
)
"""What create and role set."""

_CHANGE = (
    Option("--dry-run", "Print the shell lines that do it, do nothing."),
    Option("--yes", "Do not ask."),
    Option("-y", "Do not ask."),
    _JSON,
    _HELP,
)
"""What all verbs have that change an instance."""

VERBS: tuple[Verb, ...] = (
    Verb(
        "install",
        "Install the commands of every instance, or of those named.",
        Usage(
            options=(
                _PREFIX,
                _DESTDIR,
                _ROOT,
                _USER,
                _DRY_RUN,
                Option("--force", "Put foreign files in the way aside, with a backup."),
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
        ),
    ),
    Verb(
        "uninstall",
        "Remove what install wrote, for every instance or those named.",
        Usage(
            options=(
                _PREFIX,
                _DESTDIR,
                _ROOT,
                _USER,
                _DRY_RUN,
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
        ),
    ),
    Verb(
        "diff",
        "Show what install would change; exit 1 if anything.",
        Usage(
            options=(
                _PREFIX,
                _DESTDIR,
                _ROOT,
                _USER,
                Option("--quiet", "Print nothing; the status tells."),
                Option("-q", "Print nothing; the status tells."),
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
        ),
    ),
    Verb(
        "package",
        "Pack the commands of every instance, or of those named.",
        Usage(
            options=(
                Option("--format", "What to make. [default: as this system's]", FORMAT),
                Option("--name", "The package's name.", Value("NAME")),
                Option("--release", "The package's release: one more each time.", Value("N")),
                Option(
                    "--output",
                    "Write there, a file or directory. [default: .]",
                    Value("FILE", Kind.FILE),
                ),
                Option(
                    "-o", "Write there, a file or directory. [default: .]", Value("FILE", Kind.FILE)
                ),
                Option(
                    "--prefix",
                    "It installs under DIR. [default: /usr]",
                    Value("DIR", Kind.DIRECTORY),
                ),
                _ROOT,
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
            meanings=FORMATS,
        ),
    ),
    Verb(
        "check",
        "Look for what is wrong with the instances; exit 1 if anything.",
        Usage(
            options=(
                Option(
                    "--ignore",
                    "Pass over findings of this code; repeatable.",
                    Value("CODE", Kind.CODE),
                ),
                _PREFIX,
                _USER,
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
        ),
    ),
    Verb(
        "list",
        "List the instances: running or not, commands installed or not.",
        Usage(
            options=(
                _PREFIX,
                _ROOT,
                _USER,
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
        ),
    ),
    Verb(
        "which",
        "Tell what a command stands for: mailq-out, say.",
        Usage(
            options=(
                _PREFIX,
                _ROOT,
                _USER,
                _JSON,
                _HELP,
            ),
            operands=(Operands((Value("COMMAND", Kind.WRAPPER), END)),),
        ),
    ),
    Verb(
        "map",
        "Show where each instance listens, and whom it hands mail to.",
        Usage(options=(_JSON, _HELP), operands=(Operands((_NAMES,)),)),
    ),
    Verb(
        "log",
        "Show what the instances log, or those named.",
        Usage(
            options=(
                Option("--lines", "The last N lines; 0: all of them.", Value("N")),
                Option("-n", "The last N lines; 0: all of them.", Value("N")),
                Option("--follow", "Go on with what is logged next."),
                Option("-f", "Go on with what is logged next."),
                _JSON,
                _HELP,
            ),
            operands=(Operands((_NAMES,)),),
        ),
    ),
    Verb(
        "trace",
        "Show a message's way through all instances.",
        Usage(options=(_JSON, _HELP), operands=(Operands((_WHAT, END)),)),
    ),
    Verb(
        "env",
        "Print the line that makes plain commands mean one instance.",
        Usage(
            options=(Option("--fish", "For fish, not for sh, bash, zsh."), _HELP),
            operands=(Operands((_NAME, END)),),
        ),
    ),
    Verb(
        "shell",
        "Start a shell in which plain commands mean one instance.",
        Usage(options=(_HELP,), operands=(Operands((_NAME, END)),)),
    ),
    Verb(
        "create",
        "Make an instance from a copy of the running configuration.",
        Usage(
            options=(
                Option("--address", "Listen there; may be given again.", Value("ADDR[:PORT]")),
                Option(
                    "--add-address",
                    "Give the addresses to DEV where the host lacks them.",
                    Value("DEV"),
                ),
                Option("--role", "What it is for.", ROLE),
                Option("--from", "Copy this configuration.", Value("DIR", Kind.DIRECTORY)),
                Option("--queue-directory", "Its queue_directory.", Value("DIR", Kind.DIRECTORY)),
                Option("--data-directory", "Its data_directory.", Value("DIR", Kind.DIRECTORY)),
                Option("--syslog-name", "Its tag in the mail log.", Value("TAG")),
                Option("--group", "Its multi_instance_group.", Value("GROUP")),
                Option("--no-postmulti", "Register it in alternate_config_directories alone."),
                Option("--no-start", "Make it, and do not start it."),
                *_SETTINGS,
                *_CHANGE,
            ),
            operands=(Operands((Value("NAME"), END)),),
            meanings=ROLES,
        ),
    ),
    Verb(
        "role",
        "Give an instance a role, or new settings.",
        Usage(
            options=(
                *_SETTINGS,
                *_CHANGE,
            ),
            operands=(Operands((_NAME, ROLE, END)),),
            meanings=ROLES,
        ),
    ),
    Verb(
        "remove",
        "Remove an instance without mail, keeping its directories.",
        Usage(
            options=(
                Option("--purge", "Keep nothing of it."),
                Option(
                    "--requeue-to",
                    "Hand its mail to this instance: default",
                    Value("NAME", Kind.INSTANCE),
                ),
                *_CHANGE,
            ),
            operands=(Operands((_NAME, END)),),
        ),
    ),
)

POSTWRAP = Usage(
    options=(Option("--version", "Print the version."), _HELP),
    operands=(Operands((Value("verb", Kind.WORD, tuple(verb.name for verb in VERBS)),)),),
    meanings={verb.name: verb.summary for verb in VERBS},
)
"""What comes before the verb."""
