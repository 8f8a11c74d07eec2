"""Where every run of postwrap begins: its environment first, then everything else.

The launcher (packaging/launcher, and that of packaging/stage for distributions) starts Python with
-I, so no module comes from elsewhere. What is left in the environment could still reach libraries:
OpenSSL loads what OPENSSL_CONF names, the C library what GCONV_PATH names, Typer runs a shell for
_POSTWRAP_COMPLETE. So all variables go but those that postwrap is documented to obey.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import sys
from types import ModuleType

_KEPT = frozenset(
    (
        *("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),  # of --user alone
        *("COLUMNS", "LINES", "TERM", "NO_COLOR"),  # the terminal
        *("LANG", "LANGUAGE", "TZ"),  # and LC_*
        *("SHELL", "SOURCE_DATE_EPOCH"),  # of the verbs shell and package
    )
)


def main() -> None:
    """Run postwrap; ``shell`` alone gets to know the caller's environment."""
    # Nearly all that is made lives until the end: looking for garbage takes a twentieth of a run.
    gc.set_threshold(50_000)
    caller = dict(os.environ)
    for name in caller:
        if name not in _KEPT and not name.startswith("LC_"):
            del os.environ[name]
    _hold(sys.prefix)
    _without_rich()
    try:
        from postwrap.cli import main as run
    except Exception as error:
        # Python would end with 1, which means that something was found.
        reason = f"Typer and what else it runs on cannot be used: {type(error).__name__}: {error}"
        sys.stderr.write(f"postwrap: {reason}\n  remedy: install the package of postwrap again\n")
        sys.exit(4)
    run(caller)


def _without_rich() -> None:
    """Keep Typer from importing rich, which takes as long as all the rest of Typer.

    It would format help and errors, which postwrap does itself. To Typer it is not installed.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules.setdefault("rich", None)


def _hold(environment: str) -> None:
    """Have install.sh see that somebody runs from ``environment``, as long as this process lives.

    Modules are imported when they are needed, so it must not be removed before. The lock ends with
    the process, and is not passed on to others. Without one (a file system that knows none, no
    descriptor left) postwrap runs as well.
    """
    if not os.path.basename(environment).startswith("venv-"):  # noqa: PTH119 - pathlib takes time
        return  # not made by install.sh
    with contextlib.suppress(OSError):
        fcntl.flock(os.open(environment, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)
    if not os.path.exists(f"{environment}/complete"):  # noqa: PTH110
        message = f"{environment}: another postwrap was installed just now"
        sys.stderr.write(f"postwrap: {message}\n  remedy: run the same command again\n")
        sys.exit(3)
