"""JSON from untrusted bytes, read as Go's encoding/json does it: what the container engines would see.

Where a document is ambiguous there, so that two readers could see two things, it is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from ..errors import CorruptImage
from .limits import MAX_DOCUMENT, MAX_NESTING

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])..|.)", re.DOTALL)
# 64 bits have 19 digits, and a sign.
_MAX_DIGITS = 20


def parse_document(data: bytes, *, blob: str) -> dict[str, Any]:
    """A JSON object from untrusted bytes. Raises CorruptImage where it isn't one."""
    if len(data) > MAX_DOCUMENT:
        raise CorruptImage(f"the document is larger than {MAX_DOCUMENT} bytes", blob=blob)
    try:
        _check_nesting(data)
        document = json.loads(
            _without_lone_surrogates(data.decode()),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise CorruptImage(f"no valid JSON: {error}", blob=blob) from error
    if not isinstance(document, dict):
        raise CorruptImage("the JSON document is no object", blob=blob)
    return document


def fields(value: Any, *names: str) -> dict[str, Any]:
    """The members of a JSON object that have these names, in whatever case; none for null.

    Raises TypeError where it is no object, ValueError where a name stands there in two spellings.
    """
    known = {name.casefold(): name for name in names}
    found: dict[str, Any] = {}
    for key, item in _typed(value, dict, "an object").items():
        name = known.get(key.casefold())
        if name in found:
            raise ValueError(f"{name!r} stands there in two spellings")
        if name is not None:
            found[name] = item
    return found


def string(value: Any) -> str:
    """A string; null is the empty one. Raises TypeError."""
    return str(_typed(value, str, "a string"))


def array(value: Any) -> list[Any]:
    """An array; null is the empty one. Raises TypeError."""
    return list(_typed(value, list, "an array"))


def strings(value: Any) -> tuple[str, ...]:
    """An array of strings. Raises TypeError."""
    return tuple(string(item) for item in array(value))


def mapping(value: Any) -> dict[str, str]:
    """An object whose values are strings. Raises TypeError."""
    return {key: string(item) for key, item in _typed(value, dict, "an object").items()}


def _typed(value: Any, kind: type, name: str) -> Any:
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise TypeError(f"{str(value)[:100]!r} where {name} should be")
    return value


def _check_nesting(data: bytes) -> None:
    """Raises ValueError. The JSON parser recurses, as deep as the process allows."""
    if data.count(b"[") + data.count(b"{") <= MAX_NESTING:
        return
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_NESTING:
            raise ValueError(f"nested more than {MAX_NESTING} deep")


def _without_lone_surrogates(text: str) -> str:
    """Go puts U+FFFD in their place; Python would keep what no file and no terminal takes."""
    if "\\ud" not in text and "\\uD" not in text:
        return text
    return _ESCAPE.sub(lambda match: "\\ufffd" if match[1] else match[0], text)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that stands there twice Python takes the last value; Go merges the two where they are objects."""
    pairs = list(pairs)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")
