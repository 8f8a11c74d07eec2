"""The walls between the parts of the package: who may import whom (the table in CONTRIBUTING)."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from tests.harness.paths import CHECKOUT

PACKAGE = CHECKOUT / "generator/postwrap"

SYSTEM = frozenset(
    (
        *("ctypes", "fcntl", "glob", "grp", "os", "pwd", "shutil", "smtplib", "socket"),
        *("subprocess", "tempfile", "threading"),
    )
)
"""Modules of Python that look at the host or change it."""

PURE = (
    *("bundle", "catalog", "entries", "errors"),
    *("host.addresses", "host.mastercf", "host.model", "host.naming", "host.nexthops"),
    *("checks", "checks.faults", "checks.model", "checks.picture", "checks.remedies"),
    *("checks.together", "host.queuefile", "host.handback", "host.refused", "host.servers"),
    *("checks.rules", "install.state"),
    *("running.order"),
    *("logs.lines", "logs.events", "logs.tags", "logs.way"),
    *("logs.attempts", "logs.filters", "logs.moments", "logs.story", "logs.telling"),
    *("views.flow", "views.drawing", "views.graphs"),
    *("queues.model", "queues.listing", "queues.reasons", "queues.selection", "queues.tally"),
    *("queues.views", "queues.thresholds", "metrics"),
    *("logs.position", "logs.records", "logs.connections", "logs.fast", "logs.totals"),
    *("sealed", "provision.engine.touched"),
    *("provision.declaration", "provision.declared_steps", "provision.exporting"),
    *("provision.foresight", "provision.moving", "provision.named_files"),
)
"""Packages and modules that compute from data alone."""

KNOWS_NOTHING_OF = {
    "host": ("render", "provision", "install", "checks", "cli", "installation", "assemble"),
    "checks.rules": ("render", "provision", "cli", "installation", "assemble", "filesystem"),
    "provision": ("render", "cli", "running"),
    "running": ("render", "cli", "install"),
    "each": ("host", "render", "provision", "install", "cli", "installation"),
    "install": ("render", "provision", "checks", "cli", "host.survey"),
    "catalog": ("host", "installation", "checks", "provision", "install", "filesystem"),
    "render": ("installation", "checks", "provision", "filesystem", "postfix", "host.survey"),
    "packages": ("install", "host.survey", "provision", "checks"),
    "views": ("render", "provision", "install", "checks", "installation", "logs"),
    "logs": ("checks", "provision", "install", "render", "host.survey"),
    "metrics": ("checks", "provision", "install", "render", "host", "installation", "cli"),
    "queues": ("checks", "provision", "install", "render", "host", "logs", "installation"),
}


@cache
def modules() -> dict[str, Path]:
    """The package's modules by name, without ``postwrap.``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return found


@cache
def imports(name: str) -> frozenset[str]:
    """What ``name`` imports when it is run, of the package and of Python, functions included."""
    tree = ast.parse(modules()[name].read_text())
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def own(name: str) -> set[str]:
    """The package's modules that ``name`` imports, and the packages that they are in."""
    found = {i.removeprefix("postwrap.") for i in imports(name) if i.startswith("postwrap.")}
    packages = {".".join(i.split(".")[:n]) for i in found for n in range(1, i.count(".") + 1)}
    return (found | packages) & modules().keys()


def reached(name: str) -> dict[str, str]:
    """All that ``name`` imports, directly or not, each with the module that imports it."""
    way: dict[str, str] = {}
    todo = [name]
    while todo:
        here = todo.pop()
        for there in own(here) - way.keys() - {name}:
            way[there] = here
            todo.append(there)
    return way


def is_in(name: str, part: str) -> bool:
    """Whether the module ``name`` is ``part``, or in the package ``part``."""
    return name == part or name.startswith(f"{part}.")


def touches_system(name: str) -> set[str]:
    """What of Python ``name`` looks at the host with."""
    roots = {i.split(".")[0] for i in imports(name)} & SYSTEM
    return roots | ({"pathlib.Path"} & imports(name))


PURE_MODULES = [
    name
    for name in modules()
    if any(
        name == part or (part in {"catalog", "checks.rules", "metrics"} and is_in(name, part))
        for part in PURE
    )
]


@pytest.mark.parametrize("name", PURE_MODULES)
def test_what_is_pure_reaches_no_door(name: str) -> None:
    way = reached(name)
    for module in (name, *way):
        touched = touches_system(module)
        assert not touched, f"{name} reaches {module} (by {way.get(module)}): {touched}"


def test_nothing_imports_the_command_line() -> None:
    starters = {"__main__", "launch"}
    outside = [name for name in modules() if not is_in(name, "cli") and name not in starters]
    assert {name for name in outside if any(is_in(i, "cli") for i in own(name))} == set()


def test_a_name_means_one_class() -> None:
    """In the whole package, the classes of tests aside."""
    places: dict[str, list[str]] = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("part", "others"), KNOWS_NOTHING_OF.items(), ids=list(KNOWS_NOTHING_OF))
def test_a_part_does_not_import_what_it_is_to_know_nothing_of(
    part: str, others: tuple[str, ...]
) -> None:
    inside = [name for name in modules() if is_in(name, part)]
    assert inside
    broken = {
        f"{name} imports {i}"
        for name in inside
        for i in own(name)
        if not is_in(i, part)
        for other in others
        if is_in(i, other)
    }
    assert broken == set()
