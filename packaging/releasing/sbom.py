"""Write a CycloneDX bill of materials of what postwrap carries, as JSON on standard output.

Arguments: the checkout, and the directory that packaging/vendor made. The names, versions and
licences are those of the modules themselves; the sums are those of packaging/requirements.txt, of
the files that were fetched. The same input gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

_LINE = re.compile(r"^(?P<name>[\w.-]+)==\S+ --hash=sha256:(?P<sum>[0-9a-f]{64})$", re.MULTILINE)
_CONSTANT = re.compile(r'^(__version__|RELEASED) = "?([^"\n]+)"?$', re.MULTILINE)

# What a module's metadata say in other words than SPDX's.
_SPDX = {"BSD License": "BSD-3-Clause", "MIT License": "MIT"}

Document = dict[str, Any]


def document(module: str, requirements: str, metadata: list[Message]) -> Document:
    """Return the bill by the text of postwrap/__init__.py and the metadata of what is carried."""
    constants = dict(_CONSTANT.findall(module))
    version = constants["__version__"]
    sums = {_normal(match["name"]): match["sum"] for match in _LINE.finditer(requirements)}
    carried = sorted((_component(found, sums) for found in metadata), key=lambda c: c["name"])
    root = {"type": "application", "name": "postwrap", "version": version}
    own = f"pkg:pypi/postwrap@{version}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([own, carried]))}",
        "version": 1,
        "metadata": {
            "timestamp": f"{datetime.fromtimestamp(int(constants['RELEASED']), UTC):%FT%TZ}",
            "component": {
                **root,
                "bom-ref": own,
                "purl": own,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": carried,
        "dependencies": [
            {"ref": own, "dependsOn": [component["bom-ref"] for component in carried]},
            *({"ref": component["bom-ref"]} for component in carried),
        ],
    }


def _component(found: Message, sums: dict[str, str]) -> Document:
    name, version = _normal(found["Name"]), found["Version"]
    purl = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": [{"license": _licence(found)}],
        "hashes": [{"alg": "SHA-256", "content": sums[name]}],
    }


def _licence(found: Message) -> dict[str, str]:
    """Return a licence by its SPDX identifier."""
    if expression := found["License-Expression"]:
        return {"id": expression}
    classifiers = found.get_all("Classifier") or []
    words = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License")]
    return {"id": next(_SPDX[word] for word in words if word in _SPDX)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _metadata(vendor: Path) -> Iterator[Message]:
    for path in sorted(vendor.glob("*.dist-info/METADATA")):
        yield Parser().parsestr(path.read_text(encoding="utf-8"), headersonly=True)


def main(top: str, vendor: str) -> None:
    """Print the bill."""
    module, requirements = (
        Path(top, name).read_text(encoding="utf-8")
        for name in ("generator/postwrap/__init__.py", "packaging/requirements.txt")
    )
    made = document(module, requirements, list(_metadata(Path(vendor))))
    sys.stdout.write(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
