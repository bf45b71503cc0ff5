"""What a policy says of licences: which are accepted, which not, and which under conditions."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .units import nearest, shown

_REF = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Condition:
    """A label that must be set, or a file (a glob of absolute paths) that must be there."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


@dataclass(frozen=True, slots=True)
class AllowIf:
    """Licences (ids or globs) that are accepted where all of `all` hold, and one of `any` where it has any."""

    licenses: tuple[str, ...]
    any: tuple[Condition, ...] = ()
    all: tuple[Condition, ...] = ()


def matches(license: str, patterns: Iterable[str]) -> bool:
    """Whether an SPDX id, with its exception where it has one, is among ids and globs.

    A glob doesn't take an exception in: GPL-* isn't meant for libstdc++, whose exception permits what the GPL doesn't.
    """
    plain = " WITH " not in license
    return any(
        pattern == license
        or (_GLOB.search(pattern) and (plain or " WITH " in pattern) and fnmatch.fnmatchcase(license, pattern))
        for pattern in patterns
    )


def parse_licenses(value: Any) -> tuple[str, ...]:
    """A list of SPDX ids and globs of them, in SPDX's spelling. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no list; write [MIT, GPL-3.0-or-later]")
    return tuple(_license(item) for item in value)


def parse_allow_if(value: Any) -> tuple[AllowIf, ...]:
    """A list of {licenses, requires: {any, all}}. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError("write a list of entries: [{licenses: [GPL-3.0-or-later], requires: {all: [{label: ...}]}}]")
    entries = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {"licenses", "requires"}:
            raise ValueError(f"{shown(item)} is no entry; it has licenses and requires, and nothing else")
        licenses, requires = parse_licenses(item["licenses"]), item["requires"]
        if not licenses:
            raise ValueError("licenses are empty; write [GPL-3.0-or-later]")
        if not isinstance(requires, dict) or not requires or not set(requires) <= {"any", "all"}:
            raise ValueError(f"requires: {shown(requires)} is no mapping of any and all")
        entries.append(AllowIf(licenses, **{key: _conditions(key, listed) for key, listed in requires.items()}))
    return tuple(entries)


def _conditions(key: str, value: Any) -> tuple[Condition, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{key}: {shown(value)} is no list of conditions; write [{{label: NAME}}, {{file: /PATH}}]")
    conditions = []
    for item in value:
        pairs = list(item.items()) if isinstance(item, dict) else []
        if (
            len(pairs) != 1
            or pairs[0][0] not in ("label", "file")
            or not isinstance(pairs[0][1], str)
            or not pairs[0][1]
        ):
            raise ValueError(f"{shown(item)} is no condition; write {{label: NAME}} or {{file: /PATH}}")
        kind, text = pairs[0]
        if kind == "file" and not text.startswith(("/", "*", "?", "[")):
            raise ValueError(f"{shown(text)} matches no path: paths in an image begin with a slash")
        conditions.append(Condition(kind, text))
    return tuple(conditions)


@functools.cache
def _parser() -> tuple[Any, tuple[type[Exception], ...]]:
    """SPDX's licences and what parsing raises. Kept: making them takes 20 ms, and a policy may list thirty licences."""
    from license_expression import ExpressionError, ExpressionParseError, get_spdx_licensing

    errors = (ExpressionError, ExpressionParseError, AssertionError, AttributeError, LookupError, TypeError)
    return get_spdx_licensing(), errors


def _license(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{shown(value)} is no licence; write an SPDX id")
    text = value.strip()
    if _GLOB.search(text):
        return text
    licensing, errors = _parser()
    try:
        tree = licensing.parse(text)
    except errors as error:
        raise ValueError(f"{shown(text)} is no SPDX licence id") from error
    symbols = list(tree.symbols)
    if len(symbols) != 1:
        raise ValueError(f"{shown(text)} names several licences; list each by itself")
    for key in licensing.unknown_license_keys(tree):
        if not _REF.fullmatch(key):
            known = sorted(symbol.key for symbol in licensing.known_symbols.values())
            raise ValueError(f"{shown(key)} is no licence that SPDX lists{nearest(key, known)}")
    return str(tree)
