"""A directory of an ordinary user's that runs his code in whoever trusts it, and leaves marks."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harness.machine import Machine

DIRECTORY = "/home/alice/trap"
MARKS = "/run/marks"

# Modules that Python, pip, postwrap or what it needs import, some before any line of a script.
MODULES = (
    *(
        "sitecustomize",
        "usercustomize",
        "re",
        "json",
        "typing",
        "enum",
        "dataclasses",
        "hashlib",
        "ssl",
        "subprocess",
        "tempfile",
    ),
    *("shutil", "pathlib", "logging", "random", "urllib", "socket", "signal", "gettext"),
    *("typer", "click", "jinja2", "markupsafe", "platformdirs", "rich", "shellingham"),
    *("pip", "venv", "ensurepip", "compileall", "setuptools", "hatchling", "tomllib"),
)
FUNCTIONS = ("printf", "read", "readlink", "test", "exec", "mkdir", "sed", "id", "env", "find")

# Of the programs on the host's search path, and of many that it may lack.
_COMMANDS = """
mkdir -p {marks} {directory}/lib
chmod 1777 {marks}
cd {directory}
for program in /usr/sbin/* /usr/bin/* /sbin/* /bin/* systemctl journalctl rpmbuild openssl nmcli \\
	networkctl postmulti ip pkg-config update-rc.d chkconfig rc-update python3 python zcat tail; do
	ln -sf .program "${{program##*/}}"
done
"""
# It then does what the real one does, so that who was fooled goes on.
_PROGRAM = """\
#!/bin/dash
: >{marks}/program-${{0##*/}}-$$
for place in /usr/sbin /usr/bin /sbin /bin; do
	[ ! -x "$place/${{0##*/}}" ] || exec "$place/${{0##*/}}" "$@"
done
exit 1
"""
_MODULE = """\
import os
open(f"{marks}/module-{{__name__}}-{{os.getpid()}}", "w").close()
"""
# The dynamic linker tells of each process that got its variables what that process is.
_LINKER = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": f"{MARKS}/linker"}

# The caller's environment reaches these before postwrap can refuse it; true is what SHELL names,
# and with `postwrap shell` the caller's own shell gets his own environment.
LAUNCHER = frozenset(("env", "sh", "bash", "dash", "readlink", "python", "true"))
INSTALLER = frozenset(("env", "sh", "bash", "dash", "id", "sed"))


@dataclass
class Trap:
    """The trap, laid on a machine."""

    machine: Machine
    environment: dict[str, str] = field(default_factory=dict)

    def lay(self) -> None:
        """Fill DIRECTORY; what is in it belongs to alice."""
        machine = self.machine
        here = {"marks": MARKS, "directory": DIRECTORY}
        machine.sh(_COMMANDS.format(**here))
        machine.write(f"{DIRECTORY}/.program", _PROGRAM.format(**here), 0o755)
        for name in MODULES:
            machine.write(f"{DIRECTORY}/{name}.py", _MODULE.format(**here))
        for name in ("__init__", "__main__", "cli", "launch"):
            machine.write(f"{DIRECTORY}/postwrap/{name}.py", _MODULE.format(**here))
        # What would be read as the settings of root without --user.
        machine.write(f"{DIRECTORY}/postwrap/postwrap.toml", 'hostile = "yes"\n')
        machine.write(f"{DIRECTORY}/rc", f": >{MARKS}/start-file-$$\n")
        machine.write(f"{DIRECTORY}/openssl.cnf", _OPENSSL)
        machine.write(f"{DIRECTORY}/tree/etc/postfix-foreign/main.cf", "")
        machine.write(f"{DIRECTORY}/tree/etc/postfix-foreign/master.cf", "")
        machine.run("chown", "-hR", "alice:alice", DIRECTORY)
        self.environment = dict(_environment())

    def marks(self, launching: frozenset[str] = LAUNCHER) -> list[str]:
        """What was run, and which programs but those of `launching` had the linker's variables."""
        found = []
        for path in sorted(self.machine.path(MARKS).iterdir()):
            if path.name.startswith("linker."):
                told = path.read_text(errors="replace")
                found += [f"{path.name}: {line}" for line in _strange(told, launching)]
            else:
                found.append(path.name)
            path.unlink()
        return found


_OPENSSL = f"""\
openssl_conf = start
[start]
providers = those
[those]
alien = section
[section]
module = {DIRECTORY}/alien-provider.so
activate = 1
"""


def _strange(told: str, launching: frozenset[str]) -> list[str]:
    """Lines of the linker's that tell of another program than those, or of alien code."""
    lines = [line for line in told.splitlines() if "initialize program: " in line]
    programs = [line.rpartition(" ")[2] for line in lines]
    found = [p for p in programs if p.rpartition("/")[2].rstrip("0123456789.") not in launching]
    return found + [line for line in told.splitlines() if "alien-provider" in line]


def _environment() -> Mapping[str, str]:
    here = DIRECTORY
    plain = {
        "PATH": f"{here}:.::/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": here,
        **{f"XDG_{kind}_HOME": here for kind in ("CONFIG", "DATA", "STATE", "CACHE")},
        "XDG_RUNTIME_DIR": here,
        "PYTHONPATH": here,
        "PYTHONUSERBASE": here,
        "PYTHONSTARTUP": f"{here}/typer.py",
        "PYTHONINSPECT": "1",
        "PYTHONSAFEPATH": "",
        "BASH_ENV": f"{here}/rc",
        "ENV": f"{here}/rc",
        "LD_LIBRARY_PATH": f"{here}/lib",
        "OPENSSL_CONF": f"{here}/openssl.cnf",
        "OPENSSL_MODULES": here,
        "GCONV_PATH": here,
        "TMPDIR": here,
        "TZ": f":{here}/rc",
        "MAIL_CONFIG": f"{here}/tree/etc/postfix-foreign",
        "POSTWRAP_ROOT": f"{here}/tree",
        "POSTWRAP_PREFIX": here,
        "POSTWRAP_PYTHON": f"{here}/python3",
        "SHELL": "/bin/true",
    }
    functions = {
        f"BASH_FUNC_{name}%%": f"() {{ : >{shlex.quote(MARKS)}/function-{name}; }}"
        for name in FUNCTIONS
    }
    return {**plain, **functions, **_LINKER}
