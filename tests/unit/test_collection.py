"""The Ansible collection agrees with postwrap: options, documents, version, licence."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]
from tests.harness.paths import CHECKOUT

from postwrap import __version__
from postwrap.cli import documents
from postwrap.provision.declaration import DeclaredState
from postwrap.provision.declared_file import KEYS
from postwrap.provision.roles import Role

COLLECTION = CHECKOUT / "packaging" / "ansible"
MODULES = sorted((COLLECTION / "plugins" / "modules").glob("*.py"))
OWN = {"name", "overwrite_edits"}
"""Options of the module instance that are not keys of a declaration."""


def constants(module: Path) -> dict[str, Any]:
    """What a module assigns on its top level and is plain data."""
    made = {}
    for statement in ast.parse(module.read_text()).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            made[statement.targets[0].id] = ast.literal_eval(statement.value)
    return made


def documented(name: str, block: str) -> dict[str, Any]:
    text = constants(COLLECTION / "plugins" / "modules" / f"{name}.py")[block]
    made: dict[str, Any] = yaml.safe_load(text)
    return made


def test_the_options_of_an_instance_are_the_keys_of_a_declaration() -> None:
    stated = constants(COLLECTION / "plugins" / "modules" / "instance.py")
    assert {key.replace("-", "_") for key in KEYS} == stated["KEYS"].keys()
    assert stated["OTHERS"].keys() == OWN
    options = documented("instance", "DOCUMENTATION")["options"]
    taken = {**stated["KEYS"], **stated["OTHERS"]}
    assert options.keys() == taken.keys()
    for name, option in options.items():
        told = {key: value for key, value in option.items() if key != "description"}
        assert told == {key: value for key, value in taken[name].items() if key != "no_log"}
    assert set(options["role"]["choices"]) == {str(role) for role in Role}
    assert set(options["state"]["choices"]) == {str(state) for state in DeclaredState}


def agree(told: dict[str, Any], document: Any, where: str) -> None:
    """What RETURN has beside a document of postwrap, whose keys are all there."""
    hints = get_type_hints(document)
    assert told.keys() == hints.keys(), where
    for key, hint in hints.items():
        inner = [hint, *get_args(hint), *(b for a in get_args(hint) for b in get_args(a))]
        below = next((a for a in inner if isinstance(a, type) and hasattr(a, "__total__")), None)
        if below and "contains" in told[key]:
            agree(told[key]["contains"], below, f"{where}.{key}")
        is_list = get_origin(hint) is list
        assert (told[key]["type"] == "list") == is_list, f"{where}.{key}"


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("instance_info", documents.ListDocument),
        ("check_info", documents.CheckDocument),
        ("queue_info", documents.QueueDocument),
    ],
)
def test_what_a_module_returns_is_the_document_of_the_verb(name: str, document: Any) -> None:
    told = documented(name, "RETURN")
    assert told.pop("schema")["sample"] == documents.SCHEMA
    told.setdefault("ids", {"type": "list"} if name == "queue_info" else None)
    agree({key: value for key, value in told.items() if value}, document, name)
    assert all("contains" in told[key] for key in {"instances", "findings"} & told.keys())


def test_what_the_module_instance_returns() -> None:
    told = documented("instance", "RETURN")
    agree(told["instance"]["contains"], documents.AppliedInstance, "instance")
    agree(told["drift"]["contains"], documents.EditedSetting, "drift")
    agree(told["steps"]["contains"], documents.TranscriptStep, "steps")


def test_version_and_licence() -> None:
    galaxy = yaml.safe_load((COLLECTION / "galaxy.yml").read_text())
    assert galaxy["version"] == __version__
    assert f"\n## {__version__} " in (COLLECTION / "CHANGELOG.md").read_text()
    assert "Version 3, 29 June 2007" in (COLLECTION / galaxy["license_file"]).read_text()
    for module in (*MODULES, *(COLLECTION / "plugins" / "module_utils").glob("*.py")):
        head = module.read_text().splitlines()[:6]
        assert "# SPDX-License-Identifier: GPL-3.0-or-later" in head, module


def test_the_variables_of_the_role_are_described() -> None:
    role = COLLECTION / "roles" / "postwrap"
    usual = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    described = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options = described["argument_specs"]["main"]["options"]
    assert {name: option["default"] for name, option in options.items()} == usual
    told = (COLLECTION / "README.md").read_text()
    assert all(f"`{name}`" in told for name in usual)
    assert all(f"`{module.stem}`" in told for module in MODULES)
