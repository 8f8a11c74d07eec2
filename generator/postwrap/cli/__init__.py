"""The command line: parse, call one function, print.

Each module here adds its verbs to ``app``. Nothing else imports this package.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from postwrap import __version__
from postwrap.cli import output
from postwrap.errors import FailedError, PostwrapError, Status

_ORDER = (
    *("list", "which", "map", "log", "trace", "env", "shell"),
    *("create", "role", "check", "remove"),
    *("install", "diff", "uninstall", "package"),
)


class Verbs(TyperGroup):
    """The verbs in the order in which an instance lives, and help lists them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the verbs."""
        return [name for name in _ORDER if name in self.commands]

    def invoke(self, ctx: Any) -> Any:
        """Run a verb; for what cuts it short, Typer would take statuses that mean something else.

        Raises FailedError for Control-C, SystemExit where whoever read the output has gone.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            hint = "run the same command again: it finishes what was begun"
            raise FailedError("interrupted", hint) from None
        except BrokenPipeError:
            # Python would complain once more when it flushes the rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(Status.FAILED) from None


app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"postwrap {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Commands, completions, man pages and a place in the boot for every Postfix instance."""


def main() -> None:
    """Run postwrap: the outermost exception handler and the exit statuses of errors.Status."""
    try:
        app(prog_name="postwrap")
    except PostwrapError as error:
        _leave(error.message, error.hint, error.status)
    except OSError as error:
        message = f"{error.filename or 'postwrap'}: {error.strerror or error}"
        hint = "see the path's owner, mode and file system; sudo may help"
        _leave(message, hint, Status.FAILED)
    except Exception:
        # Python would end with 1, which means that something was found.
        traceback.print_exc()
        _leave("a defect of postwrap itself", "report the lines above", Status.FAILED)


def _leave(message: str, hint: str, status: Status) -> NoReturn:
    # Who pressed Control-C once more is to read how it ended all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output.error(message, hint)
    sys.exit(status)


# Each module adds its verbs to the app above.
from postwrap.cli import bundle, check, entering, listing, logs, mapping, package, provision  # noqa: E402, F401
