"""The command line: parse, call one function, print.

Each module here adds its verbs to ``app``. Nothing else imports this package.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from postwrap import __version__
from postwrap.cli import output
from postwrap.errors import FailedError, PostwrapError, Status

_ORDER = (
    *("list", "which", "create", "role", "check", "remove"),
    *("install", "diff", "uninstall", "package"),
)


class Verbs(TyperGroup):
    """The verbs in the order in which an instance lives, and help lists them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the verbs."""
        return [name for name in _ORDER if name in self.commands]


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
        output.error(error.message, error.hint)
        sys.exit(error.status)
    except KeyboardInterrupt:
        output.error("interrupted", "run the same command again: it finishes what was begun")
        sys.exit(Status.FAILED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us has gone; nobody is there to be told
        sys.exit(Status.FAILED)
    except OSError as error:
        failed = FailedError(f"{error.filename or 'postwrap'}: {error.strerror or error}")
        output.error(failed.message, "see the path's owner, mode and file system; sudo may help")
        sys.exit(Status.FAILED)
    except Exception:
        # Python would end with 1, which means that something was found.
        traceback.print_exc()
        output.error("a defect of postwrap itself", "report the lines above")
        sys.exit(Status.FAILED)


# Each module adds its verbs to the app above.
from postwrap.cli import bundle, check, listing, package, provision  # noqa: E402, F401
