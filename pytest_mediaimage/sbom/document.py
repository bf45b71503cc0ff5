"""What any SBOM says, whatever its format: the packages it lists, and the digests of what it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import MediaImageError
from ..result import encodable

LONGEST = 64 << 20
"""Bytes of a document that are read; an SBOM that lists every file of a large image has tens of megabytes."""
MOST_VALUES = 5_000_000
"""Values in a document, which take up to 60 bytes of memory each where the document has three for them."""
MOST_OBJECTS = 500_000
"""Objects of one kind (packages, relationships, files) that are looked at."""
LONGEST_TEXT = 64 << 10
"""Characters of one text that is looked at."""

_DIGEST = re.compile(r"(sha(?:256|384|512))(?::|%3[Aa])([0-9a-f]{64,128})(?![0-9a-f])")


class InvalidSbom(MediaImageError):
    """A document that can't be read as an SBOM; the message says where in it, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package, library, program or file that an SBOM lists.

    `type` is CycloneDX's (`library`, `application`, `file`, `operating-system`, ...), empty where the document tells
    none. `licenses` are SPDX expressions, ids or names as they stand there, without NOASSERTION and NONE. `checksums`
    are (algorithm, hex) pairs, the algorithm in OCI's spelling (`sha256`). `locations` are paths in the image.
    """

    name: str
    version: str | None = None
    purl: str | None = None
    type: str = ""
    licenses: tuple[str, ...] = ()
    checksums: tuple[tuple[str, str], ...] = ()
    cpe: str | None = None
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """An SBOM. `format` is `CycloneDX` or `SPDX`, `spec_version` as it says (`1.6`, `2.3`, `3.0.1`).

    `packages` are in the document's order, without what the document is about. `subject_digests` (`sha256:...`) are
    the digests that it gives of its subject: an image's manifest, index or configuration; empty where it gives none.
    """

    format: str
    spec_version: str
    packages: tuple[Package, ...]
    subject_digests: frozenset[str]


def load_json(data: bytes | str) -> Any:
    """JSON from a stranger. Raises InvalidSbom for what is too long, too deep, or no JSON in UTF-8."""
    if len(data) > LONGEST:
        raise InvalidSbom(f"the document has {len(data)} bytes; at most {LONGEST} are read")
    commas, arrays, objects = (",", "[", "{") if isinstance(data, str) else (b",", b"[", b"{")
    if data.count(commas) + data.count(arrays) + data.count(objects) > MOST_VALUES:  # type: ignore[arg-type]
        raise InvalidSbom(f"the document has more than {MOST_VALUES} values")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise InvalidSbom("the document is nested too deeply") from error
    except ValueError as error:  # also an encoding, and numbers of thousands of digits
        raise InvalidSbom(f"the document is no JSON: {str(error)[:200]}") from error


def digests_in(text: str | None) -> Iterator[str]:
    """Every digest in a text (`repo@sha256:...`, a purl with `sha256%3A...`), in OCI's spelling."""
    for match in _DIGEST.finditer(text or ""):
        if len(match[2]) == int(match[1][3:]) // 4:
            yield f"{match[1]}:{match[2]}"


def checksum(algorithm: str, value: str) -> tuple[str, str] | None:
    """An (algorithm, hex) pair from CycloneDX's `SHA-256`, SPDX 2's `SHA256` or SPDX 3's `sha256`; None for others'."""
    name = re.sub(r"^sha-?(?=\d{3}$|1$)", "sha", algorithm.lower())
    value = value.lower()
    return (name, value) if re.fullmatch(r"[\w-]{1,20}", name) and re.fullmatch(r"[0-9a-f]{8,128}", value) else None


class Fields:
    """An object of a document, by typed fields. What has another type than its specification says is an InvalidSbom."""

    __slots__ = ("_values", "_where")

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidSbom(f"{where or 'the document'} isn't an object")
        self._values = value
        self._where = where

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    @property
    def where(self) -> str:
        return self._where

    def path(self, key: str) -> str:
        return f"{self._where}/{key}" if self._where else key

    def raw(self, key: str) -> Any:
        return self._values.get(key)

    def text(self, key: str) -> str | None:
        """A text, None where it is missing or empty."""
        return text(self._values.get(key), self.path(key))

    def required(self, key: str) -> str:
        """A text that must be there; syft leaves the name of a layout empty."""
        if key not in self:
            raise InvalidSbom(f"{self.path(key)} is missing")
        return self.text(key) or ""

    def fields(self, key: str) -> Fields | None:
        value = self._values.get(key)
        return None if value is None else Fields(value, self.path(key))

    def array(self, key: str) -> list[Any]:
        """An array, empty where it is missing."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InvalidSbom(f"{self.path(key)} isn't an array")
        if len(value) > MOST_OBJECTS:
            raise InvalidSbom(f"{self.path(key)} has {len(value)} entries; at most {MOST_OBJECTS} are read")
        return value

    def objects(self, key: str) -> Iterator[Fields]:
        for index, item in enumerate(self.array(key)):
            yield Fields(item, f"{self.path(key)}/{index}")

    def texts(self, key: str) -> list[str]:
        found = (text(item, f"{self.path(key)}/{index}") for index, item in enumerate(self.array(key)))
        return [item for item in found if item is not None]


def text(value: Any, where: str) -> str | None:
    """A text that may be told, None for a missing or empty one."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidSbom(f"{where} isn't a text")
    if len(value) > LONGEST_TEXT:
        raise InvalidSbom(f"{where} has {len(value)} characters; at most {LONGEST_TEXT} are read")
    return value if value.isascii() else encodable(value)
