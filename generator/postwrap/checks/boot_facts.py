"""Which systemd units the boot starts, and for which instance: read from unit files and links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from postwrap.checks import looking
from postwrap.checks.facts import InstanceFacts, Unit
from postwrap.filesystem import Filesystem, Kind

_PATH = (
    *("/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient"),
    *("/run/systemd/generator.early", "/etc/systemd/system", "/run/systemd/system"),
    *("/run/systemd/generator", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"),
    *("/lib/systemd/system", "/run/systemd/generator.late"),
)
"""Where units are, the first of a name counts: systemd.unit(5), unit file load path."""

_BOOT = ("default.target", "graphical.target", "multi-user.target", "basic.target")
_EXECUTED = re.compile(r"^\s*ExecStart\s*=\s*(?P<line>.*)$", re.MULTILINE)
_WANTS = re.compile(r"^\s*(?:Wants|Requires|Upholds)\s*=(?P<units>.*)$", re.MULTILINE)
_MAIL_CONFIG = re.compile(r"^\s*Environment\s*=.*?\bMAIL_CONFIG=(?P<d>[^\s\"']+)", re.MULTILINE)
_BY_NAME = re.compile(r"\bpostmulti\b.*?\s-i\s+(?P<name>\S+)")
_BY_OPTION = re.compile(r"\bpostfix\s+-c\s+(?P<d>\S+)")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def units(filesystem: Filesystem, instances: Sequence[InstanceFacts]) -> tuple[Unit, ...] | None:
    """Return the units that the boot starts for an instance; None where systemd is not running.

    A unit counts for the directory it is made for, whether there is such an instance or not.
    """
    if not filesystem.is_directory("/run/systemd/system"):
        return None
    found: list[Unit] = []
    for name, wanted_by in _reached(filesystem):
        text = _text(filesystem, name)
        is_packaged = _is_packaged(filesystem, name)
        directories = dict.fromkeys(_directories(name, text, instances))
        found += [Unit(name, directory, wanted_by, is_packaged) for directory in directories]
    return tuple(found)


def unescape(text: str) -> str:
    r"""Return what systemd-escape(1) made ``text`` of: ``a-b`` for ``a\x2db``."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text.replace("-", "/"))


def _reached(filesystem: Filesystem) -> Iterator[tuple[str, str]]:
    """Yield the services that the boot's targets want, directly or not, and who wants them."""
    todo = [*_BOOT]
    seen = set(todo)
    while todo:
        wanting = todo.pop(0)
        for name in _wanted(filesystem, wanting):
            if name not in seen and not _is_masked(filesystem, name):
                seen.add(name)
                todo.append(name)
                if name.endswith(".service"):
                    yield name, wanting


def _wanted(filesystem: Filesystem, unit: str) -> Iterator[str]:
    """Yield the units that ``unit`` wants: by links beside it, or in its own text."""
    for base in _PATH:
        for kind in ("wants", "requires", "upholds"):
            yield from looking.names(filesystem, f"{base}/{unit}.{kind}")
    if unit.startswith("postfix"):
        for match in _WANTS.finditer(_text(filesystem, unit)):
            yield from match["units"].split()


def _is_masked(filesystem: Filesystem, name: str) -> bool:
    for base in _PATH:
        entry = filesystem.entry(f"{base}/{name}")
        if entry.kind is not Kind.MISSING:
            return entry.target == "/dev/null"
    return False


def _template(name: str) -> str:
    stem, at, _ = name.partition("@")
    return f"{stem}@.service" if at else name


def _is_packaged(filesystem: Filesystem, name: str) -> bool:
    """Whether the unit's file is not one that the administrator wrote."""
    own = ("/etc/systemd/system", "/run/systemd/system")
    places = (f"{base}/{unit}" for base in own for unit in (name, _template(name)))
    return not any(filesystem.entry(place).kind is Kind.FILE for place in places)


def _text(filesystem: Filesystem, name: str) -> str:
    """Return the unit's file and its drop-ins, "" where there is none."""
    names = dict.fromkeys((name, _template(name)))
    files = (f"{base}/{unit}" for unit in names for base in _PATH)
    main = next((file for file in files if looking.is_file(filesystem, file)), "")
    if not main:
        return ""
    parts = [main]
    for unit in names:
        for base in _PATH:
            drop_ins = looking.names(filesystem, f"{base}/{unit}.d")
            parts += [f"{base}/{unit}.d/{d}" for d in drop_ins if d.endswith(".conf")]
    return "\n".join(looking.text(filesystem, part) for part in parts)


def _directories(unit: str, text: str, instances: Sequence[InstanceFacts]) -> Iterator[str]:
    """Yield the configuration directories of the instances that ``unit`` starts."""
    lines = [m["line"] for m in _EXECUTED.finditer(text)]
    started = " ".join(lines[i] for i in range(len(lines)) if "post" in lines[i])
    if not re.search(r"\b(postfix|postmulti|master)\b", started):
        return
    default = next((i for i in instances if i.instance.is_default), None)
    if match := _MAIL_CONFIG.search(text) or _BY_OPTION.search(started):
        yield _expand(match["d"], unit)
    elif match := _BY_NAME.search(started):
        name = _expand(match["name"], unit)
        if name == "-" and default:
            yield default.directory
        named = [i.directory for i in instances if i.get("multi_instance_name") == name]
        yield from named or ([] if name == "-" else [f"multi_instance_name {name}"])
    elif default:
        yield default.directory
        if default.get("multi_instance_wrapper"):
            yield from (i.directory for i in _enabled(default, instances))


def _enabled(default: InstanceFacts, instances: Sequence[InstanceFacts]) -> list[InstanceFacts]:
    """Return the secondaries that ``postfix start`` of the default instance starts by postmulti."""
    registered = default.words("multi_instance_directories")
    return [
        i
        for i in instances
        if i.directory in registered and i.get("multi_instance_enable") == "yes"
    ]


def _expand(text: str, unit: str) -> str:
    instance = PurePosixPath(unit).name.partition("@")[2].removesuffix(".service")
    plain = unescape(instance)
    values = {"%i": instance, "%I": plain, "%f": f"/{plain}", "%%": "%"}
    return re.sub(r"%[iIf%]", lambda m: values[m[0]], text)
