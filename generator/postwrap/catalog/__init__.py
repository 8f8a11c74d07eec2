"""The one table of the commands that are wrapped.

Wrappers, completions and man pages are all made from it. postmulti must not be added: it refuses a
MAIL_CONFIG other than the default (postfix src/postmulti/postmulti.c).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One of Postfix's commands.

    ``parameter`` is the main.cf parameter with its location: ``command_directory``, or one with the
    path of this program. ``usual`` is its path where postconf cannot be run.
    ``sendmail_flag`` makes Postfix's sendmail(1) act as this command, for the systems whose
    program has a name that sendmail would not recognise (``mailq.postfix``).
    """

    name: str
    summary: str
    section: int = 1
    parameter: str = "command_directory"
    usual: str = ""
    sendmail_flag: str = ""

    @property
    def usual_path(self) -> str:
        """Its path on Debian, Fedora and in Postfix itself, for where postconf cannot be run."""
        return self.usual or f"/usr/sbin/{self.name}"


CATALOG: tuple[Command, ...] = (
    Command("postfix", "start, stop, reload and check the mail system"),
    Command("postconf", "show and edit main.cf and master.cf"),
    Command("postqueue", "list and flush the mail queue"),
    Command("postsuper", "delete, hold, release and requeue queued messages"),
    Command("postcat", "show the contents of queue files"),
    Command("postmap", "build and query lookup tables"),
    Command("postalias", "build and query alias databases"),
    Command("postdrop", "put a message into the maildrop queue"),
    Command("postlog", "write a line to the mail log"),
    Command("postkick", "send a request to a Postfix service"),
    Command("postlock", "lock a mail folder while a command runs"),
    Command("posttls-finger", "probe the TLS of an SMTP or LMTP server"),
    Command("qshape", "show the queue by age and domain"),
    Command("sendmail", "submit a message", parameter="sendmail_path"),
    Command(
        "mailq",
        "list the mail queue",
        parameter="mailq_path",
        usual="/usr/bin/mailq",
        sendmail_flag="-bp",
    ),
    Command(
        "newaliases",
        "build the alias databases",
        parameter="newaliases_path",
        usual="/usr/bin/newaliases",
        sendmail_flag="-bi",
    ),
)

LOCATION_PARAMETERS = tuple(dict.fromkeys(command.parameter for command in CATALOG))
"""The main.cf parameters with the locations of all commands of the catalog."""


def find(name: str) -> Command | None:
    """Return the catalog's command called ``name``, None for any other."""
    return next((command for command in CATALOG if command.name == name), None)
