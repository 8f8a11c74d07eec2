"""Options and operands of a command, and the kinds of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The kind of a value, which determines what completion offers for it."""

    NOTHING = "nothing"
    """Free text, numbers and addresses: nothing is offered."""
    WORD = "word"
    """One of a fixed list."""
    WORDS = "words"
    """Several of a fixed list, with commas between them."""
    FILE = "file"
    DIRECTORY = "directory"
    COMMAND = "command"
    """A command and its arguments."""
    QUEUE_ID = "queue-id"
    """A message of the instance, in the queues that ``Value.of`` names."""
    QUEUE_IDS = "queue-ids"
    """The same, or ALL, or - for standard input."""
    PARAMETER = "parameter"
    """A main.cf parameter; with -e, or once a = is typed, its value too."""
    SET_PARAMETER = "set-parameter"
    """A parameter that this main.cf sets."""
    SETTING = "setting"
    """name=value"""
    SERVICE = "service"
    """A master.cf entry, service/type."""
    FIELD = "field"
    """service/type/field"""
    SERVICE_PARAMETER = "service-parameter"
    """service/type/parameter, from the -o options in master.cf"""
    ENDPOINT = "endpoint"
    """A service of master.cf with a local endpoint of the class named before it."""
    MAP = "map"
    """type:file"""
    ALIASES = "aliases"
    """type:file, the instance's alias databases first"""
    SITE = "site"
    """A domain that the fast flush service knows."""
    LOCK_STYLE = "lock-style"
    LOG_TAG = "log-tag"
    INSTANCE = "instance"
    """The name of an instance, for postwrap itself."""
    SECONDARY = "secondary"
    """The same, but for the default instance."""
    WRAPPER = "wrapper"
    """A command of an instance, for postwrap itself."""
    CODE = "code"
    """The code of a finding of postwrap check."""


@dataclass(frozen=True, slots=True)
class Value:
    """The value of an option or operand.

    ``name`` is what the manual calls it; ``of`` narrows the kind: the words to choose from, the
    queues of a message. An ``attached`` value follows its option without a space.
    """

    name: str
    kind: Kind = Kind.NOTHING
    of: tuple[str, ...] = ()
    attached: bool = False


END = Value("")
"""Nothing follows."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its flag as typed, what it does, its value, and the first Postfix to have it.

    ``since`` is given where Postfix 3.7, the oldest that postwrap is made for, does not have it.
    """

    flag: str
    summary: str
    value: Value | None = None
    since: str = ""


DASHES = "="
"""What counts as a one-letter option where ``--`` was given: no option is called so."""


@dataclass(frozen=True, slots=True)
class Operands:
    """What follows the options; the last value may come again and again.

    A rule holds where one of the one-letter options ``given`` was typed, and where the first
    operand is ``first``; either may be empty, for always. The first rule that holds counts.
    """

    values: tuple[Value, ...]
    given: str = ""
    first: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """The options and operands of one command; ``meanings`` explains words among its values."""

    options: tuple[Option, ...] = ()
    operands: tuple[Operands, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
