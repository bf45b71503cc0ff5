"""Values out of a JSON document that may hold anything: each mistake is told with its place in the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 500
"""Characters of a text that are kept; the longest ids and versions are a fifth of it."""


class WrongReport(ValueError):
    """The document isn't what it should be; the text begins with the place."""


class Fields:
    """An object in the document, and where it stands: `matches[3].artifact`."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise WrongReport(f"{place or 'the document'} is {_kind(value)}, and must be an object")
        self._value: Mapping[str, Any] = value
        self._place = place

    def text(self, key: str, *, needed: bool = False) -> str:
        """A text, printable and cut; empty where there is none or null. Raises WrongReport for other values."""
        value = self._value.get(key)
        if value is None or value == "":
            if needed:
                raise WrongReport(f"{self._at(key)} is missing")
            return ""
        if not isinstance(value, str):
            raise WrongReport(f"{self._at(key)} is {_kind(value)}, and must be a text")
        return printable(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list; empty where there is none or null."""
        place = self._at(key)
        found = []
        for number, item in enumerate(self._list(key)):
            if not isinstance(item, str):
                raise WrongReport(f"{place}[{number}] is {_kind(item)}, and must be a text")
            found.append(printable(item))
        return tuple(found)

    def object(self, key: str, *, needed: bool = False) -> Fields:
        """An object; an empty one where there is none or null."""
        value = self._value.get(key)
        if value is None and not needed:
            value = {}
        return Fields(value, self._at(key))

    def objects(self, key: str) -> Iterator[Fields]:
        """The objects of a list; none where there is no list or null."""
        for number, item in enumerate(self._list(key)):
            yield Fields(item, f"{self._at(key)}[{number}]")

    def __contains__(self, key: str) -> bool:
        return key in self._value

    def raw(self, key: str) -> Any:
        return self._value.get(key)

    def _list(self, key: str) -> list[Any]:
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise WrongReport(f"{self._at(key)} is {_kind(value)}, and must be a list")
        return value

    def _at(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key


def printable(text: str) -> str:
    """Nothing in it moves a terminal's cursor or breaks a line."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST])


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")
