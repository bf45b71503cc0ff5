"""Every key that a policy may hold: what its value must be, and which check it governs."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UsageError
from ..result import Severity
from .model import Ignore, Policy
from .units import LARGEST, parse_bytes, parse_percent, shown


@dataclass(frozen=True, slots=True)
class Key:
    """A setting. `argument` is its name in `media_image.check(check, argument=...)`.

    A `budget` that a policy sets itself counts with the check's own severity, not with a milder one that an
    extended preset chose for its own, wider budget.
    """

    parse: Callable[[Any], Any]
    check: str = ""
    argument: str = ""
    budget: bool = False


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is neither true nor false")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        raise ValueError(f"{shown(value)} is no count; write a whole number above 0")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is no text")
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{shown(value)} is no list; write [one, two]")
    return tuple(_text(item) for item in value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{shown(value)} is none of {', '.join(words)}")
        return str(value)

    return parse


def _severities(value: Any) -> dict[str, Severity]:
    return {check: parse_severity(word) for check, word in _mapping(value).items()}


def parse_severity(word: Any) -> Severity:
    if word not in ("error", "warning", "note"):
        raise ValueError(f"{shown(word)} is no severity; write error, warning or note")
    return Severity.parse(word)


def _paths(value: Any) -> dict[str, str]:
    parse = _one_of("required", "if-present")
    return {path: parse(word) for path, word in _mapping(value).items()}


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{shown(value)} is no mapping; write {{name: value}}")
    return value


def parse_ignore(value: Any) -> Ignore:
    """One entry of `ignore`. Raises ValueError."""
    entry = _mapping(value)
    unknown = sorted(set(entry) - {"check", "path", "reason", "until"})
    if unknown:
        raise ValueError(f"unknown key {shown(unknown[0])}; an entry has check, path, reason and until")
    for key in ("check", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ValueError(f"an entry needs {key!r}")
    until = entry.get("until")
    if until is not None and (not isinstance(until, datetime.date) or isinstance(until, datetime.datetime)):
        raise ValueError(f"until: {shown(until)} is no date; write 2027-01-31")
    path = entry.get("path", "")
    return Ignore(entry["check"], entry["reason"].strip(), _text(path) if path else "", until)


def _ignores(value: Any) -> tuple[Ignore, ...]:
    if not isinstance(value, list):
        raise ValueError("write a list of entries: [{check: ..., reason: ...}]")
    return tuple(parse_ignore(item) for item in value)


KEYS: Mapping[str, Key] = {
    "image.pinned": Key(_boolean, "reference.pinned", "pinned", budget=True),
    "size.compressed": Key(parse_bytes, "size.compressed", "max", budget=True),
    "size.unpacked": Key(parse_bytes, "size.unpacked", "max", budget=True),
    "size.layer": Key(parse_bytes, "size.layer", "max", budget=True),
    "layers.count": Key(_count, "layers.count", "max", budget=True),
    "layers.waste": Key(parse_percent, "layers.waste", "max", budget=True),
    "contents.allow": Key(_names, "contents.media", "allow"),
    "ffmpeg.encoders": Key(_names, "ffmpeg.capabilities", "encoders"),
    "ffmpeg.decoders": Key(_names, "ffmpeg.capabilities", "decoders"),
    "ffmpeg.filters": Key(_names, "ffmpeg.capabilities", "filters"),
    "ffmpeg.protocols": Key(_names, "ffmpeg.capabilities", "protocols"),
    "license.max": Key(_text, "license.ffmpeg", "max", budget=True),
    "license.nonfree": Key(_one_of("deny", "allow"), "license.ffmpeg", "nonfree"),
    "transcode.cases": Key(_names),
    "transcode.paths": Key(_paths),
    "required": Key(_names),
    "severity": Key(_severities),
    "ignore": Key(_ignores),
}
"""Dotted key to what it means. The Policy field is the key with `_` for the dot."""

SECTIONS = frozenset(key.partition(".")[0] for key in KEYS if "." in key)


def override(policy: Policy, check: str, arguments: Mapping[str, Any]) -> Policy:
    """The policy with a check's settings replaced, as `media_image.check` does. Raises UsageError."""
    known = {key.argument: name for name, key in KEYS.items() if key.check == check}
    changed: dict[str, Any] = {}
    for argument, value in arguments.items():
        if argument not in known:
            takes = ", ".join(known) or "no settings"
            raise UsageError(f"the check {check} has no setting {argument!r}", remedy=f"It takes: {takes}.")
        name = known[argument]
        try:
            changed[name.replace(".", "_")] = KEYS[name].parse(list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            raise UsageError(f"{check}: {argument}: {error}") from error
    severity = {name: level for name, level in policy.severity.items() if name != check}
    return replace(policy, severity=severity, **changed)
