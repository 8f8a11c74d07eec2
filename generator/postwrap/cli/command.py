"""The Typer program: its group of verbs and their commands, with help and errors of our own.

Nothing here hangs on which Typer it is: what Typer formats by itself has changed with its versions.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from postwrap import __version__
from postwrap.cli import output
from postwrap.cli.headings import ORDER
from postwrap.cli.misuse import TyperUsageError, in_our_words
from postwrap.errors import FailedError, Status, UsageError
from postwrap.suggest import did_you_mean

SUMMARY = (
    "Create, check and remove Postfix instances on one host, and give each its own commands, "
    "completions, manual page and place in the boot."
)


class VerbCommand(TyperCommand):
    """A verb."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the command line; raise our UsageError for Typer's."""
        with _in_our_words(self, f"postwrap {self.name}"):
            return super().make_context(*args, **kwargs)

    def get_help(self, ctx: Any) -> str:
        """Return the help of the verb."""
        from postwrap.cli.help import help_of_verb
        from postwrap.cli.program import verb_of

        return help_of_verb(verb_of(self))


class CommandVerb(VerbCommand):
    """A verb that takes the command line of another program behind ``--``.

    The context of the verb has it as ``args``.
    """

    def make_context(self, info_name: Any, args: list[str], *more: Any, **kwargs: Any) -> Any:
        """Parse what comes before ``--``; what comes after it is for the other program."""
        end = args.index("--") if "--" in args else len(args)
        context = super().make_context(info_name, args[:end], *more, **kwargs)
        context.args = args[end + 1 :]
        return context


class Verbs(TyperGroup):
    """The group of all verbs."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the verbs in the order of their headings."""
        return [name for name in ORDER if name in self.commands]

    def get_help(self, ctx: Any) -> str:
        """Return the help of the program."""
        from postwrap.cli.help import help_of_program
        from postwrap.cli.program import program

        return help_of_program(program())

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse what comes before the verb; raise our UsageError for Typer's."""
        with _in_our_words(self, "postwrap"), _until_the_reader_has_gone():
            return super().make_context(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what comes before the verb; without anything, print help as an error."""
        if not args:
            output.note(self.get_help(ctx))
            raise typer.Exit(Status.USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb that is meant; raise UsageError where there is none of that name."""
        name = args[0]
        if name not in self.commands:
            shown = (n for n, command in self.commands.items() if not command.hidden)
            remedy = did_you_mean(name, shown, "postwrap --help lists the verbs")
            raise UsageError(f"{name}: no such verb", remedy)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; for what interrupts it, Typer would take statuses that mean something else.

        Raises FailedError for Control-C, SIGTERM and SIGHUP.
        """
        try:
            with _in_our_words(self, "postwrap"), _until_the_reader_has_gone():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            hint = "run the same command again: it finishes what was begun"
            raise FailedError(str(error) or "interrupted", hint) from None


@contextlib.contextmanager
def _in_our_words(command: Any, path: str) -> Iterator[None]:
    """Raise our UsageError for Typer's of ``command``, which was called as ``path``."""
    try:
        yield
    except TyperUsageError as error:
        raise in_our_words(error, command, path) from None


@contextlib.contextmanager
def _until_the_reader_has_gone() -> Iterator[None]:
    """End without a word where whoever read the output has gone (``postwrap list | head -1``)."""
    try:
        yield
    except BrokenPipeError:
        # Python would complain once more when it flushes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(Status.FAILED) from None


app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def group() -> Any:
    """Return the program as Typer makes it of the verbs that are declared by now."""
    return typer.main.get_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postwrap {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False,
        "--version",
        "-V",
        callback=_print_version,
        is_eager=True,
        help="Print the version",
    ),
) -> None:
    """Take what comes before the verb."""
