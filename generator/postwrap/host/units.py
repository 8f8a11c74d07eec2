"""Which systemd units the boot starts, and for which instance.

systemd itself is asked where it runs the host and answers in time; else its unit files and links
are read.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from postwrap import programs
from postwrap.entries import EntryKind
from postwrap.filesystem import Filesystem
from postwrap.host import files
from postwrap.host.init import runs_systemd
from postwrap.host.model import InstanceConfig, Unit

_PATH = (
    *("/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient"),
    *("/run/systemd/generator.early", "/etc/systemd/system", "/run/systemd/system"),
    *("/run/systemd/generator", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"),
    *("/lib/systemd/system", "/run/systemd/generator.late"),
)
"""Where units are, the first of a name counts: systemd.unit(5), unit file load path."""

_BOOT = ("default.target", "graphical.target", "multi-user.target", "basic.target")
_GENERATOR = "postfix-instance-generator"
_SECONDS = 5.0
"""How long systemd may take for an answer."""
_SHOWN = (
    *("Id", "Names", "LoadState", "FragmentPath", "WantedBy", "RequiredBy"),
    *("Environment", "ExecStart"),
)
_STARTING = ("Wants", "Requires", "BindsTo", "Upholds")
"""The dependencies by which one unit starts another: systemd.unit(5)."""
_OWN = ("/etc/systemd/system/", "/run/systemd/system/")
"""Where the administrator's own units are."""
_EXECUTED = re.compile(r"^\s*ExecStart\s*=\s*(?P<line>.*)$", re.MULTILINE)
_ARGV = re.compile(r"argv\[\]=(?P<line>.*?) ; ")
_WANTS = re.compile(r"^\s*(?:Wants|Requires|Upholds)\s*=(?P<units>.*)$", re.MULTILINE)
_MAIL_CONFIG = re.compile(r"^\s*Environment\s*=.*?\bMAIL_CONFIG=(?P<d>[^\s\"']+)", re.MULTILINE)
_BY_NAME = re.compile(r"\bpostmulti\b.*?\s-i\s+(?P<name>\S+)")
_BY_OPTION = re.compile(r"\bpostfix\s+-c\s+(?P<d>\S+)")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_STARTS_POSTFIX = re.compile(r"\b(postfix|postmulti|master)\b")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A service that the boot reaches: what it runs, in which environment (as in a unit file)."""

    name: str
    wanted_by: str
    is_packaged: bool
    environment: str
    commands: tuple[str, ...]


def units(filesystem: Filesystem, instances: Sequence[InstanceConfig]) -> tuple[Unit, ...] | None:
    """Return the units that the boot starts for an instance; None where systemd is not running.

    A unit counts for the directory it is made for, whether there is such an instance or not.
    """
    if not runs_systemd(filesystem):
        return None
    loaded = _asked() if not filesystem.root else None
    services = list(_read(filesystem)) if loaded is None else loaded
    return tuple(
        Unit(service.name, directory, service.wanted_by, service.is_packaged)
        for service in services
        for directory in dict.fromkeys(_directories(service, instances))
    )


def splits_at_blanks(filesystem: Filesystem) -> bool:
    """Whether Debian 12's generator, a loop of sh over multi_instance_directories, is here."""
    places = (f"{place}/systemd/system-generators/{_GENERATOR}" for place in ("/lib", "/usr/lib"))
    return any("multi_instance_directories" in files.text(filesystem, file) for file in places)


def unescape(text: str) -> str:
    r"""Return what systemd-escape(1) made ``text`` of: ``a-b`` for ``a\x2db``."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text.replace("-", "/"))


# Asking systemd.


def _asked() -> list[_Loaded] | None:
    """Return the services that the default target starts, None where systemd does not answer.

    What a unit wants is loaded with it, so the units that are loaded are all that are asked for.
    """
    properties = ",".join((*_SHOWN, *_STARTING))
    # Without --all those that do not run would be left out.
    shown = _systemctl("show", "--all", f"--property={properties}", "--", "*")
    if not shown:
        return None
    units = [_properties(block) for block in shown.split("\n\n")]
    by_name = {name: unit for unit in units for name in unit.get("Names", "").split()}
    found, todo = {}, ["default.target"]
    while todo:
        unit = by_name.get(todo.pop(0), {})
        name = unit.get("Id", "")
        if name not in found and unit.get("LoadState") == "loaded":
            found[name] = unit
            todo += [word for kind in _STARTING for word in unit.get(kind, "").split()]
    return [_loaded(unit) for name, unit in found.items() if name.endswith(".service")]


def _systemctl(*words: str) -> str | None:
    try:
        argv = ("systemctl", "--no-pager", "--no-ask-password", *words)
        done = programs.run(argv, seconds=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout


def _properties(block: str) -> dict[str, str]:
    """Return the properties of one unit; the lines of a property with several come together."""
    found: dict[str, str] = {}
    for line in block.splitlines():
        name, _, value = line.partition("=")
        found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def _loaded(properties: dict[str, str]) -> _Loaded:
    wanting = f"{properties.get('WantedBy', '')} {properties.get('RequiredBy', '')}".split()
    commands = _ARGV.finditer(properties.get("ExecStart", ""))
    return _Loaded(
        name=properties["Id"],
        wanted_by=next(iter(wanting), ""),
        is_packaged=not properties.get("FragmentPath", "").startswith(_OWN),
        environment=f"Environment={properties.get('Environment', '')}",
        commands=tuple(match["line"] for match in commands),
    )


# Reading unit files.


def _read(filesystem: Filesystem) -> Iterator[_Loaded]:
    """Yield the services that the boot's targets want, directly or not."""
    todo = [*_BOOT]
    seen = set(todo)
    while todo:
        wanting = todo.pop(0)
        for name in _wanted(filesystem, wanting):
            if name not in seen and not _is_masked(filesystem, name):
                seen.add(name)
                todo.append(name)
                if name.endswith(".service"):
                    text = _text(filesystem, name)
                    commands = tuple(m["line"] for m in _EXECUTED.finditer(text))
                    packaged = _is_packaged(filesystem, name)
                    yield _Loaded(name, wanting, packaged, text, commands)


def _wanted(filesystem: Filesystem, unit: str) -> Iterator[str]:
    """Yield the units that ``unit`` wants: by links beside it, or in its own text."""
    for base in _PATH:
        for kind in ("wants", "requires", "upholds"):
            yield from files.names(filesystem, f"{base}/{unit}.{kind}")
    if unit.startswith("postfix"):
        for match in _WANTS.finditer(_text(filesystem, unit)):
            yield from match["units"].split()


def _is_masked(filesystem: Filesystem, name: str) -> bool:
    for base in _PATH:
        entry = filesystem.entry(f"{base}/{name}")
        if entry.kind is not EntryKind.MISSING:
            return entry.target == "/dev/null"
    return False


def _template(name: str) -> str:
    stem, at, _ = name.partition("@")
    return f"{stem}@.service" if at else name


def _is_packaged(filesystem: Filesystem, name: str) -> bool:
    """Whether the unit's file is not one that the administrator wrote."""
    places = (f"{base}{unit}" for base in _OWN for unit in (name, _template(name)))
    return not any(filesystem.entry(place).kind is EntryKind.FILE for place in places)


def _text(filesystem: Filesystem, name: str) -> str:
    """Return the unit's file and its drop-ins, "" where there is none."""
    names = dict.fromkeys((name, _template(name)))
    candidates = (f"{base}/{unit}" for unit in names for base in _PATH)
    main = next((file for file in candidates if files.is_file(filesystem, file)), "")
    if not main:
        return ""
    parts = [main]
    for unit in names:
        for base in _PATH:
            drop_ins = files.names(filesystem, f"{base}/{unit}.d")
            parts += [f"{base}/{unit}.d/{d}" for d in drop_ins if d.endswith(".conf")]
    return "\n".join(files.text(filesystem, part) for part in parts)


# Whose they are.


def _directories(service: _Loaded, instances: Sequence[InstanceConfig]) -> Iterator[str]:
    """Yield the configuration directories of the instances that ``service`` starts."""
    started = " ".join(line for line in service.commands if "post" in line)
    if not _STARTS_POSTFIX.search(started):
        return
    default = next((i for i in instances if i.is_default), None)
    if match := _MAIL_CONFIG.search(service.environment) or _BY_OPTION.search(started):
        yield _expand(match["d"], service.name)
    elif match := _BY_NAME.search(started):
        name = _expand(match["name"], service.name)
        if name == "-" and default:
            yield default.directory
        named = [i.directory for i in instances if i.get("multi_instance_name") == name]
        yield from named or ([] if name == "-" else [f"multi_instance_name {name}"])
    elif default:
        yield default.directory
        if default.get("multi_instance_wrapper"):
            yield from (i.directory for i in _enabled(default, instances))


def _enabled(default: InstanceConfig, instances: Iterable[InstanceConfig]) -> list[InstanceConfig]:
    """Return the secondaries that ``postfix start`` of the default instance starts by postmulti."""
    registered = default.words("multi_instance_directories")
    return [
        i
        for i in instances
        if i.directory in registered and i.get("multi_instance_enable") == "yes"
    ]


def _expand(text: str, unit: str) -> str:
    """Return ``text`` with the specifiers of systemd.unit(5) that name the unit's instance."""
    instance = PurePosixPath(unit).name.partition("@")[2].removesuffix(".service")
    plain = unescape(instance)
    values = {"%i": instance, "%I": plain, "%f": f"/{plain}", "%%": "%"}
    return re.sub(r"%[iIf%]", lambda m: values[m[0]], text)
