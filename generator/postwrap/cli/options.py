"""The options and operands that several verbs have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from postwrap.catalog.usage import Kind
from postwrap.cli.declare import Metavar, flag, operand, option
from postwrap.cli.program import program
from postwrap.installation import Installation, Where

DIRECTORY = Metavar("DIR", Kind.DIRECTORY)
FILE = Metavar("FILE", Kind.FILE)
INSTANCE = Metavar("NAME", Kind.INSTANCE)
SECONDARY = Metavar("NAME", Kind.SECONDARY)

Names = Annotated[
    list[str] | None,
    operand(INSTANCE, "Instances: out, postfix-out or /etc/postfix-out; all where none is named"),
]
OneOrMore = Annotated[
    list[str], operand(INSTANCE, "Instances: out, postfix-out or /etc/postfix-out")
]
Name = Annotated[str, operand(INSTANCE, "Instance: out, postfix-out or /etc/postfix-out")]
Json = Annotated[bool, flag("--json", help="Print JSON; postwrap(8) describes it")]
Watch = Annotated[bool, flag("--watch", help="Draw it again every 2 seconds, until q")]
DryRun = Annotated[bool, flag("--dry-run", help="Show what would be done and change nothing")]
Root = Annotated[
    str,
    option(metavar=DIRECTORY, help="Operate on another root file system, mounted on DIR"),
]


@dataclass(frozen=True, slots=True)
class InstallationOptions:
    """Which installation of postwrap is meant."""

    prefix: Annotated[
        str, option(metavar=DIRECTORY, help="Prefix of the installation (default: /usr/local)")
    ] = ""
    user: Annotated[
        bool, flag("--user", help="The installation in the home directory of the caller")
    ] = False

    def where(self) -> Where:
        """Return the host that the options mean, for a verb that changes nothing."""
        return Where(self.prefix, user=self.user, looks=True)

    def host(self) -> Installation:
        """Return the host that the options mean."""
        return Installation(self.where(), program)


@dataclass(frozen=True, slots=True)
class TreeOptions(InstallationOptions):
    """The same, on this host or on another root file system."""

    root: Root = ""

    def where(self) -> Where:
        """Return the host that the options mean, for a verb that changes nothing."""
        return Where(self.prefix, root=self.root.rstrip("/"), user=self.user, looks=True)


@dataclass(frozen=True, slots=True)
class StagingOptions(TreeOptions):
    """The same, for the verbs that compare or change the installation."""

    destdir: Annotated[str, option(metavar=DIRECTORY, help="Staging root (DESTDIR)")] = ""

    def where(self) -> Where:
        """Return the host that the options mean, for a verb that compares or changes it."""
        return Where(self.prefix, self.destdir.rstrip("/"), self.root.rstrip("/"), self.user)


def this_host() -> Installation:
    """Return the host for a verb that no option turns to another."""
    return Installation(Where(), program)


def seen_host() -> Installation:
    """Return the same for a verb that only looks: with what an installation by a package knows."""
    return Installation(Where(looks=True), program)
