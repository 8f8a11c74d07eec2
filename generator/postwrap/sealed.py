"""Files that postwrap keeps for itself: JSON with a schema number and a check sum. Pure.

The sum is SHA-256 of all else in the document, as JSON without blanks and with sorted keys. A file
that a power cut has torn, or in which a bit has changed, does not match it and tells nothing. This
stays as it is in every version, so that an older postwrap knows a newer one's file from a torn one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from postwrap.errors import RefusedError

_SUM = "sum"


def seal(document: Mapping[str, Any]) -> bytes:
    """Return the file that keeps ``document``, which has its number under ``schema``."""
    sealed = {"schema": document["schema"], _SUM: _sum_of(document), **document}
    return (json.dumps(sealed, indent=1) + "\n").encode("ascii")


def unseal(text: str, path: str, newest: int, unsealed: frozenset[int]) -> dict[str, Any]:
    """Return the document that the file ``path`` with this ``text`` keeps, without its sum.

    ``newest`` is the schema that this postwrap writes, ``unsealed`` are those of old that have no
    sum. Raises ValueError for what is torn, RefusedError for what a newer postwrap wrote.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError(path) from None
    if not isinstance(document, dict):
        raise ValueError(path)
    schema, told = document.get("schema"), document.pop(_SUM, None)
    if type(schema) is not int:
        raise ValueError(path)
    if told is None and schema in unsealed:
        return document
    if told != _sum_of(document):
        raise ValueError(path)
    if not 0 < schema <= newest:
        raise RefusedError(f"{path}: was written by a newer postwrap", "upgrade postwrap")
    return document


def _sum_of(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
