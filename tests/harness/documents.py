"""A JSON document against the TypedDict that describes it."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, NotRequired, get_args, get_origin, get_type_hints

Hints = dict[str, Any]


def mismatches(document: Any, described: type) -> list[str]:
    """What of a verb's output is not as described; its schema is the same everywhere."""
    rest = dict(document)
    wrong = [] if rest.pop("schema", None) == 1 else ["schema: not 1"]
    return [*wrong, *_of_object(rest, described, "")]


def _of_object(value: Any, described: Any, path: str) -> Iterator[str]:
    hints: Hints = get_type_hints(described, include_extras=True)
    yield from (f"{path}.{key}: not described" for key in value if key not in hints)
    for key, hint in hints.items():
        occasional = _origin(hint) is NotRequired
        plain, _ = get_args(get_args(hint)[0] if occasional else hint)
        if key in value:
            yield from _of(value[key], plain, f"{path}.{key}")
        elif not occasional:
            yield f"{path}.{key}: is missing"


def _origin(hint: Any) -> Any:
    return get_origin(hint)


def _of(value: Any, hint: Any, path: str) -> Iterator[str]:
    if isinstance(hint, UnionType):
        if all(list(_of(value, part, path)) for part in get_args(hint)):
            yield f"{path}: {value!r} is not {hint}"
    elif get_origin(hint) is list and isinstance(value, list):
        for item in value:
            yield from _of(item, get_args(hint)[0], f"{path}[]")
    elif hasattr(hint, "__required_keys__") and isinstance(value, dict):
        yield from _of_object(value, hint, path)
    elif not _is(value, get_origin(hint) or hint):
        yield f"{path}: {value!r} is not {hint}"


def _is(value: Any, kind: Any) -> bool:
    if kind is float:
        return type(value) in {int, float}
    if kind in {str, int, bool, dict, NoneType}:
        return type(value) is kind  # True is an int to isinstance
    return False
