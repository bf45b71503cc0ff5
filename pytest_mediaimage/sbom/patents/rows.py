"""Reads rows of patent data; a row or statement without a source is none."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from .model import CONFIDENCES, USES, Codec, Kind, PatentData, Statement

BUILT_IN = "built in"
"""The `source` of the data that comes with the package."""

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_ADDRESS = re.compile(r"https?://[^\s<>\"]{4,500}")
_ROW = {"name", "names", "statements"}
_STATEMENT = {"by", "programme", "kind", "scope", "says", "source", "confidence", "as-of"}
_LONGEST = 1000


@functools.cache
def built_in() -> PatentData:
    """The data that comes with the package."""
    import yaml

    text = (resources.files(__package__) / "codecs.yaml").read_bytes()
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    as_of = parse_day(document["as-of"])
    codecs = {name: parse_codec(name, row, as_of) for name, row in document["codecs"].items()}
    return PatentData(as_of, BUILT_IN, codecs)


def parse_codec(name: str, row: Any, as_of: datetime.date) -> Codec:
    """A row of the file; its statements are of `as_of` where they don't say. Raises ValueError."""
    if not _ID.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no id of a codec; write small letters and digits")
    fields = _mapping(row, _ROW, "a codec")
    statements = fields.get("statements")
    if not isinstance(statements, list) or not statements:
        raise ValueError("a codec needs statements, each with a source")
    return Codec(
        id=name,
        name=_text(fields, "name"),
        statements=tuple(_statement(one, as_of) for one in statements),
        names=tuple(_texts(fields.get("names", []), "names")),
    )


def parse_day(value: Any) -> datetime.date:
    """A date as YAML reads it. Raises ValueError."""
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise ValueError("as-of is no date; write 2026-11-24")
    return value


def _statement(value: Any, as_of: datetime.date) -> Statement:
    fields = _mapping(value, _STATEMENT, "a statement")
    source = _text(fields, "source")
    if not _ADDRESS.fullmatch(source):
        raise ValueError(f"source: {source[:60]!r} is no address; write https://...")
    uses = _texts(fields.get("scope"), "scope")
    if not uses:
        raise ValueError(f"scope is empty; write some of {', '.join(USES)}")
    for use in uses:
        _one_of(use, USES, "scope")
    return Statement(
        by=_text(fields, "by"),
        programme=_text(fields, "programme") if "programme" in fields else "",
        kind=Kind(_one_of(_text(fields, "kind"), tuple(Kind), "kind")),
        scope=tuple(use for use in USES if use in uses),
        says=_text(fields, "says"),
        source=source,
        confidence=_one_of(_text(fields, "confidence"), CONFIDENCES, "confidence"),
        as_of=parse_day(fields["as-of"]) if "as-of" in fields else as_of,
    )


def _mapping(value: Any, known: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a mapping with {', '.join(sorted(known))}")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise ValueError(f"{what} has no {unknown[0][:40]!r}; known: {', '.join(sorted(known))}")
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is missing")
    if len(value) > _LONGEST:
        raise ValueError(f"{name} is longer than {_LONGEST} characters")
    return value.strip()


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError(f"{name} must be a list: [one, two]")
    return value


def _one_of(value: str, words: tuple[str, ...], name: str) -> str:
    if value not in words:
        raise ValueError(f"{name}: {value[:40]!r} is none of {', '.join(words)}")
    return value
