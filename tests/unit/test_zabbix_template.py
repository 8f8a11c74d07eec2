"""The Zabbix template asks for metrics that there are, by references that lead somewhere.

That Zabbix imports it and fills its items is in tests/faults/test_zabbix.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped, unused-ignore]
from tests.harness.paths import CHECKOUT

from postwrap.metrics.families import FROM_LOGS, FROM_QUEUES
from postwrap.queues.model import QUEUES

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPORT: dict[str, Any] = yaml.safe_load((CHECKOUT / "docs/zabbix-template.yaml").read_text())[
    "zabbix_export"
]
(TEMPLATE,) = EXPORT["templates"]
(RULE,) = TEMPLATE["discovery_rules"]
PROTOTYPES: list[dict[str, Any]] = RULE["item_prototypes"]
LABELS = {family.name: family.labels for family in (*FROM_QUEUES, *FROM_LOGS)}
PATTERN = re.compile(r"(?P<name>\w+)\{(?P<labels>[^}]*(?:\{#NAME\})?[^}]*)\}")


def found(key: str, inside: Any = EXPORT) -> Iterator[Any]:
    """All values of this key, however deep."""
    if isinstance(inside, dict):
        for name, value in inside.items():
            if name == key:
                yield value
            yield from found(key, value)
    elif isinstance(inside, list):
        for value in inside:
            yield from found(key, value)


def test_each_object_has_an_identifier_of_its_own() -> None:
    """Zabbix takes UUIDs of version 4 alone, without hyphens."""
    every = list(found("uuid"))
    assert len(every) == len(set(every)) > len(PROTOTYPES)
    assert [
        u for u in every if not re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", u)
    ] == []


def test_each_metric_is_one_of_ours() -> None:
    """A pattern that stands for one sample names all labels; others are summed up."""
    asked = set()
    for item in PROTOTYPES:
        pattern, how, function = item["preprocessing"][0]["parameters"]
        match = PATTERN.fullmatch(pattern)
        assert match, pattern
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match["labels"]))
        assert labels.pop("name") == "{#NAME}"
        own = LABELS[match["name"]]
        assert labels.keys() <= set(own)
        assert (how, function) == (
            ("value", "") if labels.keys() == set(own) else ("function", "sum")
        )
        asked.add((match["name"], *labels.values()))
    assert len(asked) == len(PROTOTYPES)
    assert {words[1] for words in asked if words[0] == "postfix_showq_queue_depth"} == set(QUEUES)
    assert RULE["preprocessing"] == [{"type": "PROMETHEUS_TO_JSON", "parameters": ["postfix_up"]}]


def test_references_lead_somewhere() -> None:
    (source,) = TEMPLATE["items"]
    assert {m["key"] for m in found("master_item")} == {source["key"]} == {"postfix.metrics"}
    keys = [item["key"] for item in PROTOTYPES]
    assert len(keys) == len(set(keys))
    named = re.findall(r"/([^/]+)/(postfix\.[a-z]+\[[^]]*\])", " ".join(found("expression")))
    assert named
    assert {host for host, _ in named} == {TEMPLATE["template"]}
    assert {key for _, key in named} <= set(keys)
    graphed = [item["item"] for item in found("graph_items") for item in item]
    assert {item["host"] for item in graphed} == {TEMPLATE["template"]}
    assert {item["key"] for item in graphed} <= set(keys)
    macros = {m["macro"] for m in TEMPLATE["macros"]}
    used = re.findall(r"\{\$([A-Z.]+)", " ".join(found("expression")))
    assert {f"{{${name}}}" for name in used} == macros
    assert {v["name"] for v in found("valuemap")} == {v["name"] for v in TEMPLATE["valuemaps"]}
