"""A shell in which Postfix's plain commands mean one instance, and whose prompt says so.

Each shell reads its own start files first: the prompt is theirs, with the instance's name in front,
also where it is made anew each time.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from postwrap import programs
from postwrap.host.naming import Instance
from postwrap.render.quoting import fish, sh

_BASH = """\
[ ! -r ~/.bashrc ] || . ~/.bashrc
export MAIL_CONFIG={directory}
_postwrap_prompt() {{ [[ $PS1 == {mark}* ]] || PS1={mark}$PS1; }}
PROMPT_COMMAND=${{PROMPT_COMMAND:+$PROMPT_COMMAND$'\\n'}}_postwrap_prompt
"""
# zsh has no option for a start file, only for where its own are. It is told this place, and as soon
# as it is here, its own again, which ~/.zshenv may name.
_ZSHENV = """\
{restore}
[[ ! -r {home}/.zshenv ]] || . {home}/.zshenv
[[ -z ${{ZDOTDIR+x}} ]] || _postwrap_own=$ZDOTDIR
ZDOTDIR={made}
"""
_ZSHRC = """\
command rm -f -- {made}/.zshenv {made}/.zshrc
command rmdir -- {made}
unset ZDOTDIR
[[ -z ${{_postwrap_own+x}} ]] || ZDOTDIR=$_postwrap_own
unset _postwrap_own
[[ ! -r ${{ZDOTDIR:-$HOME}}/.zshrc ]] || . "${{ZDOTDIR:-$HOME}}/.zshrc"
export MAIL_CONFIG={directory}
_postwrap_prompt() {{ [[ $PS1 == {mark}* ]] || PS1={mark}$PS1; }}
precmd_functions+=(_postwrap_prompt)
"""
_FISH = """\
set -gx MAIL_CONFIG {directory}
functions -c fish_prompt __postwrap_prompt
function fish_prompt
    echo -n {mark}
    __postwrap_prompt
end
"""


def exports(instance: Instance, *, for_fish: bool = False) -> str:
    """Return the line that makes a shell that evaluates it mean ``instance``."""
    if for_fish:
        return f"set -gx MAIL_CONFIG {fish(instance.directory)}"
    return f"MAIL_CONFIG={sh(instance.directory)}; export MAIL_CONFIG"


def enter(instance: Instance, shell: str, environment: Mapping[str, str]) -> None:
    """Become the interactive ``shell`` (a path) in ``instance``: this process is no more then.

    The shell is the caller's own choice, as is its ``environment``: no other program is started
    like this. Raises OSError where it cannot be started.
    """
    if not shutil.which(shell, path=environment.get("PATH")):
        number = errno.EACCES if Path(shell).exists() else errno.ENOENT
        raise OSError(number, os.strerror(number), shell)
    argv, extra = _command(instance, shell, environment)
    os.execvpe(shell, argv, {**environment, "MAIL_CONFIG": instance.directory, **extra})


def _command(
    instance: Instance, shell: str, environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return how ``shell`` is started, and what it needs in its environment."""
    mark = f"({instance.name}) "
    match PurePosixPath(shell).name:
        case "bash":
            start = _BASH.format(directory=sh(instance.directory), mark=sh(mark))
            return [shell, "--rcfile", _in_memory(start), "-i"], {}
        case "zsh":
            return [shell, "-i"], {"ZDOTDIR": _zsh_directory(instance.directory, mark, environment)}
        case "fish":
            start = _FISH.format(directory=fish(instance.directory), mark=fish(mark))
            return [shell, "-i", "-C", start], {}
    return [shell, "-i"], {"PS1": f"{mark}{'#' if os.geteuid() == 0 else '$'} "}


def _in_memory(text: str) -> str:
    """Return the path of a file that lives as long as who has it open, and what becomes of this."""
    descriptor = os.memfd_create("postwrap", 0)
    os.write(descriptor, text.encode(errors="surrogateescape"))
    return f"/dev/fd/{descriptor}"


def _zsh_directory(directory: str, mark: str, environment: Mapping[str, str]) -> str:
    """Return a directory of start files that zsh removes when it has read them."""
    own = environment.get("ZDOTDIR")
    made = Path(tempfile.mkdtemp(prefix="postwrap-", dir=programs.SCRATCH))
    values = {
        "made": sh(str(made)),
        "home": sh(own or str(Path.home())),
        "restore": "unset ZDOTDIR" if own is None else f"ZDOTDIR={sh(own)}",
        "directory": sh(directory),
        "mark": sh(mark),
    }
    for name, text in ((".zshenv", _ZSHENV), (".zshrc", _ZSHRC)):
        (made / name).write_text(text.format(**values))
    return str(made)
