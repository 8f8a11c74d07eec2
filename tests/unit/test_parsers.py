"""What postwrap reads, of any shape: no exception but its own, and nothing touched elsewhere.

The documents that have a check sum get a right one, as from somebody who edits them by hand.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.test_torn import CONFIGURATIONS, MANIFEST, OUT, PARAMETERS, RECORD, SETTINGS

from postwrap.errors import PostwrapError
from postwrap.filesystem import Filesystem
from postwrap.host.answers import ConfigurationCache, ParameterCache
from postwrap.host.mastercf import interfaces, listeners, service_ports, services
from postwrap.install.manifest import load
from postwrap.install.plan import Action, plan
from postwrap.layout import system_layout
from postwrap.provision.engine.journal import ProvisionJournal, record_to_json
from postwrap.render.manpages import inet_services
from postwrap.sealed import seal
from postwrap.settings import parse

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = settings(
    max_examples=int(os.environ.get("POSTWRAP_TEST_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ODD: list[Any] = [
    *(None, True, 0, -1, 1e308, 10**30, "", "x", "/", "//", "..", "../../etc/passwd"),
    *("/etc/passwd", "/etc/passwd\0x", "/usr/local/bin/../../../etc/passwd", "\ud800", "\udcff"),
    *("\u202e\x1b[31m", "a" * 5000, "/" + "a" * 5000, "/x" * 3000, [], {}, [[]], [{}], {"a": 1}),
]


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values within a document."""
    items: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        items = [*document.items()]
    elif isinstance(document, list):
        items = [*enumerate(document)]
    found = [path] if path else []
    for key, value in items:
        found += places(value, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """A document with some values gone, renamed or of another type."""
    document = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 4))):
        ways = places(document)
        if not ways:
            break
        *above, last = draw(st.sampled_from(ways))
        holder = document
        for key in above:
            holder = holder[key]
        kind = draw(st.sampled_from(["odd", "odd", "gone", "renamed"]))
        if kind == "gone":
            del holder[last]
        elif kind == "renamed" and isinstance(holder, dict):
            word = draw(st.sampled_from([o for o in ODD if isinstance(o, str)]))
            holder[word] = holder.pop(last)
        else:
            holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return document


def sealed(document: Any) -> bytes:
    """The document as a file, with the sum that goes with it where it can have one."""
    if isinstance(document, dict) and "schema" in document:
        document = {key: value for key, value in document.items() if key != "sum"}
        return seal(document)
    return json.dumps(document).encode()


def plain(content: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(content)
    return {key: value for key, value in document.items() if key != "sum"}


@pytest.fixture
def filesystem(tmp_path: Path) -> Filesystem:
    (tmp_path / "var/lib/postwrap").mkdir(parents=True)
    return Filesystem(str(tmp_path))


LAYOUT = system_layout("/usr/local")


@EXAMPLES
@given(document=mutated(plain(MANIFEST.artifact("/m.json").content)))
def test_a_manifest_of_any_shape(document: Any, filesystem: Filesystem) -> None:
    filesystem.real("/m.json").write_bytes(sealed(document))
    with contextlib.suppress(PostwrapError):
        manifest = load(filesystem, "/m.json", LAYOUT)
        manifest.instances()
        entries = {path: filesystem.entry(path) for path in manifest.files}
        planned = plan((), manifest, entries)
        for change in planned.changes:
            assert change.action is Action.REMOVE
            assert change.path.startswith("/usr/local/"), change.path
            assert ".." not in change.path
        for directory in manifest.directories:
            assert LAYOUT.may_make(directory)
        manifest.artifact("/m.json")


JOURNAL = ProvisionJournal()


@EXAMPLES
@given(document=mutated(record_to_json(RECORD)))
def test_a_record_of_any_shape(document: Any, filesystem: Filesystem) -> None:
    journal = ProvisionJournal(filesystem)
    filesystem.real(journal.path(OUT)).write_bytes(sealed(document))
    with contextlib.suppress(PostwrapError):
        journal.unsettled("out")
        record = journal.read(OUT)
        assert record is not None
        assert all(operation.shell is not None for operation in record.undoing())
        journal.ownership()
        journal.carry_over()
        journal.write(record)
    [*journal.torn()]
    journal.known(OUT) if not is_newer(document) else None


def is_newer(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") not in [1, 2, 3]


@EXAMPLES
@given(document=mutated(plain(PARAMETERS.artifact("/f.json", [OUT]).content)))
def test_a_cache_of_any_shape(document: Any, filesystem: Filesystem) -> None:
    filesystem.real("/f.json").write_bytes(sealed(document))
    cache = ParameterCache.load(filesystem, "/f.json")
    cache.artifact("/f.json", cache.known)


@EXAMPLES
@given(document=mutated(plain(CONFIGURATIONS.artifact("/f.json", ["", OUT]).content)))
def test_a_cache_of_configurations_of_any_shape(document: Any, filesystem: Filesystem) -> None:
    filesystem.real("/f.json").write_bytes(sealed(document))
    cache = ConfigurationCache.load(filesystem, "/f.json")
    cache.artifact("/f.json", cache.known)


VALUES = [
    *('"x"', "1", "[]", "[[]]", "[{}]", "{}", "true", "1979-05-27", "nan", '["a", 1]', '"\\u0000"'),
    *('["\\u001b[31m"]', '"../.."', '"/\\n"', "[" * 2000, '["postkick", ["x"]]', '"' + "a" * 5000),
    *('"/\\udcff"', '["/\\ud800"]', "9" * 5000, "0x", "inf", "{a = {b = 1}}", '"""', "'x'"),
]
KEYS = [
    "default-suffix",
    "shells",
    "prefix",
    "add",
    "omit",
    "zz",
    "shells.x",
    '""',
    "[add]",
    "[[add]]",
]


@EXAMPLES
@given(
    lines=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=3),
    noise=st.binary(max_size=20),
    at=st.integers(0, len(SETTINGS)),
    structured=st.booleans(),
)
def test_settings_of_any_shape(
    lines: list[tuple[str, str]], noise: bytes, at: int, structured: bool
) -> None:
    text = "".join(f"{key} = {value}\n" for key, value in lines)
    if not structured:
        text = (SETTINGS[:at] + noise + SETTINGS[at:]).decode("utf-8", "surrogateescape")
    with contextlib.suppress(PostwrapError):
        read = parse(text, "/etc/postwrap.toml")
        for path in (read.prefix, *read.add):
            path.encode("utf-8", "surrogateescape")
            assert "\0" not in path


PARTS = st.sampled_from(
    [
        *("smtp", "127.0.0.1:smtp", "[::1]:25", "[::", "]:25", ":", "smtp:", "0:99999999", "unix"),
        *("inet", "fifo", "pass", "-", "y", "n", "1", "60?", "smtpd", "-o", "-osyslog_name=x"),
        *(
            "{",
            "}",
            "{ name = value }",
            "{}",
            "-o {",
            "=",
            "a=b=c",
            "\t",
            "#",
            "-v",
            "\udcff",
            "\0",
        ),
        *("127.0.0.1:\u00b2", "smtp=\u00b2", "smtp=" + "9" * 5000, "x:" + "9" * 5000, "/", "!"),
    ]
)
LINES = st.builds(lambda parts, by: by.join(parts), st.lists(PARTS, max_size=14), PARTS)
SERVICES = st.builds(
    lambda name, kind, rest: f"{name} {kind} - - {rest} - - smtpd", PARTS, PARTS, PARTS
)
PRINTED = st.lists(LINES | SERVICES, max_size=4).map("\n".join)
NAMES = st.sampled_from(
    ["known_tcp_ports", "master_service_disable", "inet_interfaces", "inet_protocols"]
) | st.just("compatibility_level")


@EXAMPLES
@given(
    lines=PRINTED,
    options=st.dictionaries(PARTS, PARTS, max_size=3),
    parameters=st.dictionaries(NAMES, LINES, max_size=4),
    known=PRINTED,
)
def test_master_cf_of_any_shape(
    lines: str, options: dict[str, str], parameters: dict[str, str], known: str
) -> None:
    ports = service_ports(known)
    found = [*services(lines, options, options, parameters, ports)]
    usual = interfaces(parameters, (), lambda _host: ())
    every = [address for addresses in usual.values() for address in addresses]
    for listener in listeners(found, parameters, every, lambda _host: ()):
        assert 0 < listener.endpoint.port <= 65535
    inet_services(lines)
