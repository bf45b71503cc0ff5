"""What a team has signed or accepted on codecs' patents."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from .units import shown

PATENT_USES = ("encode", "decode", "streaming")
EXPOSURES = ("required", "disputed", "unclear", "claimed-free", "expired")
VULNERABILITY_SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")


@dataclass(frozen=True, slots=True)
class PatentCover:
    """Why nothing more is asked for these codecs: an agreement with its id, or a reason that is accepted.

    `scope` are the uses it is for, all where it doesn't say; `by` is the licensor, or who accepted.
    """

    codecs: tuple[str, ...]
    scope: tuple[str, ...]
    until: datetime.date | None
    agreement: str = ""
    reason: str = ""
    by: str = ""

    def covers(self, codec: str, use: str) -> bool:
        return codec in self.codecs and use in self.scope

    def expired(self, today: datetime.date) -> bool:
        return self.until is not None and today > self.until

    def __str__(self) -> str:
        until = f" until {self.until}" if self.until else ""
        if self.agreement:
            return f"agreement {self.agreement}{f' with {self.by}' if self.by else ''}{until}"
        return f"accepted{f' by {self.by}' if self.by else ''}{until}: {self.reason}"


def parse_agreements(value: Any) -> tuple[PatentCover, ...]:
    """A list of {codecs, id} with licensor, scope, until. Raises ValueError."""
    covers = []
    for item in _entries(value, "{codecs: [h264], id: VIA-1234}"):
        entry = _fields(item, needed=("codecs", "id"), others=("licensor", "scope", "until"))
        covers.append(
            PatentCover(
                _codecs(entry),
                _scope(entry),
                _until(entry, needed=False),
                agreement=_text(entry, "id"),
                by=_text(entry, "licensor") if "licensor" in entry else "",
            )
        )
    return tuple(covers)


def parse_accepted_patents(value: Any) -> tuple[PatentCover, ...]:
    """A list of {codecs, reason, until} with scope and by. Raises ValueError."""
    covers = []
    for item in _entries(value, "{codecs: [av1], reason: ..., until: 2027-06-30}"):
        entry = _fields(item, needed=("codecs", "reason", "until"), others=("scope", "by"))
        covers.append(
            PatentCover(
                _codecs(entry),
                _scope(entry),
                _until(entry),
                reason=_text(entry, "reason"),
                by=_text(entry, "by") if "by" in entry else "",
            )
        )
    return tuple(covers)


def _entries(value: Any, example: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"write a list of entries: [{example}]")
    return value


def _fields(value: Any, *, needed: tuple[str, ...], others: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{shown(value)} is no entry; write {{{', '.join(f'{key}: ...' for key in needed)}}}")
    unknown = sorted(str(key) for key in value if key not in (*needed, *others))
    if unknown:
        raise ValueError(f"unknown key {shown(unknown[0])}; an entry has {', '.join((*needed, *others))}")
    for key in needed:
        if key not in value:
            raise ValueError(f"an entry needs {key!r}")
    return value


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: {shown(value)} is no text")
    return value.strip()


def _codecs(entry: dict[str, Any]) -> tuple[str, ...]:
    codecs = entry["codecs"]
    if not isinstance(codecs, list) or not codecs or not all(isinstance(codec, str) for codec in codecs):
        raise ValueError(f"codecs: {shown(codecs)} is no list of codecs; write [h264, hevc]")
    return tuple(codecs)


def _scope(entry: dict[str, Any]) -> tuple[str, ...]:
    scope = entry.get("scope", list(PATENT_USES))
    if not isinstance(scope, list) or not scope or not set(scope) <= set(PATENT_USES):
        raise ValueError(f"scope: {shown(scope)} is no list of {', '.join(PATENT_USES)}")
    return tuple(scope)


def _until(entry: dict[str, Any], *, needed: bool = True) -> datetime.date | None:
    until = entry.get("until")
    if until is None and not needed:
        return None
    if not isinstance(until, datetime.date) or isinstance(until, datetime.datetime):
        raise ValueError(f"until: {shown(until)} is no date; write 2027-01-31")
    return until
