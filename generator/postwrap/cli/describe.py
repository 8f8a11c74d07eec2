"""What a ``--json`` document holds, read from the TypedDict that declares it."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, NotRequired, get_args, get_origin, get_type_hints

from postwrap.catalog.program import DocumentKey

_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    dict: "object",
}


def keys(document: type) -> tuple[DocumentKey, ...]:
    """Return the keys of ``document`` in their order, those of what they hold behind them."""
    return tuple(_keys(document, ""))


def _keys(document: Any, path: str) -> Iterator[DocumentKey]:
    for name, hint in get_type_hints(document, include_extras=True).items():
        occasional = get_origin(hint) is NotRequired
        plain, meaning = get_args(get_args(hint)[0] if occasional else hint)
        own = f"{path}.{name}"
        yield DocumentKey(own, type_name(plain), meaning, occasional)
        for inner, suffix in _documents(plain):
            yield from _keys(inner, own + suffix)


def type_name(hint: Any) -> str:
    """Return JSON's name of what ``hint`` means: ``string or null``, ``array of objects``."""
    if isinstance(hint, UnionType):
        return " or ".join(map(type_name, get_args(hint)))
    if get_origin(hint) is list:
        return f"array of {type_name(get_args(hint)[0])}s"
    return _NAMES.get(get_origin(hint) or hint, "object")


def _documents(hint: Any) -> Iterator[tuple[Any, str]]:
    """Yield the documents inside ``hint``, with what their path gets."""
    if get_origin(hint) is list:
        for inner, suffix in _documents(get_args(hint)[0]):
            yield inner, f"[]{suffix}"
    elif isinstance(hint, UnionType):
        for part in get_args(hint):
            yield from _documents(part)
    elif hasattr(hint, "__required_keys__"):
        yield hint, ""
