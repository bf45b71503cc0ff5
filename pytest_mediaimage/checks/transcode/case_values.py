"""Values in a team's own cases: what a setting takes, by the type of the field that it is."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from ...policy.units import nearest, shown

_IN_CODE = ("view", "others")  # of rules: no YAML can say them
_WANTED = {
    float: "no number",
    int: "no whole number",
    bool: "neither true nor false",
}
# What people call a codec that FFmpeg has under another name; its encoders it knows itself.
_ALIASES = {"h265": "hevc", "x265": "hevc", "avc": "h264", "x264": "h264", "h.264": "h264", "h.265": "hevc"}


def hints(record: type[Any]) -> dict[str, Any]:
    """The types of a dataclass' fields, of those that a file may give."""
    found = typing.get_type_hints(record)
    return {field.name: found[field.name] for field in dataclasses.fields(record) if field.name not in _IN_CODE}


def metrics_of(record: type[Any]) -> Mapping[str, tuple[str, ...]]:
    """What may be limited, by the field that holds the limits: a limit on anything else would hold nothing."""
    return getattr(record, "METRICS", {})


def typed(raw: Any, wanted: Any, metrics: tuple[str, ...] = ()) -> Any:
    """The value as the type that is wanted; of limits by name, those on `metrics`. Raises ValueError for another."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        if raw is None and type(None) in arguments:
            return None
        return typed(raw, next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        if not isinstance(raw, list):
            raise ValueError(f"{shown(raw)} is no list; write [one, two]")
        if arguments[-1] is not Ellipsis and len(raw) != len(arguments):
            raise ValueError(f"{len(arguments)} values are wanted, {len(raw)} are there")
        return tuple(typed(item, arguments[0]) for item in raw)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(raw, dict):
            raise ValueError(f"{shown(raw)} is no mapping; write {{key: value}}")
        for key in raw if _is_threshold(arguments[1]) else ():
            if key not in metrics:
                raise ValueError(f"unknown limit {shown(key)}{nearest(str(key), sorted(metrics))}")
        return {_key(key, arguments[0]): typed(item, arguments[1], metrics) for key, item in raw.items()}
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return threshold(raw) if _is_threshold(wanted) else _record(raw, wanted)
    if wanted is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if wanted is float and isinstance(raw, float) and not math.isfinite(raw):
        raise ValueError(f"{shown(raw)} is no number to compare with")
    if wanted is str and isinstance(raw, dict) and list(raw.values()) == [None]:
        raise ValueError(f'braces that aren\'t quoted make a mapping; write "{{{next(iter(raw))}}}"')
    if not isinstance(raw, wanted) or (isinstance(raw, bool) and wanted is not bool):
        told = _WANTED.get(wanted, "no text")
        if wanted is str and isinstance(raw, bool | int | float):
            told = f'no text; put it in quotes: "{str(raw).lower()}"'
        raise ValueError(f"{shown(raw)} is {told}")
    return raw


def _is_threshold(wanted: Any) -> bool:
    from ...media.case import Threshold

    return wanted is Threshold


def threshold(raw: Any) -> Any:
    from ...media.case import Threshold

    limit = typed(raw, float)
    if limit < 0:
        raise ValueError(f"{shown(raw)} is no limit: it can't be below 0")
    return Threshold(limit, "the team's own")


def _record(raw: Any, wanted: type[Any]) -> Any:
    known, metrics = hints(wanted), metrics_of(wanted)
    values = typed(raw, Mapping[str, object])
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"unknown key {shown(unknown[0])}{nearest(unknown[0], sorted(known))}")
    given = {key: typed(value, known[key], metrics.get(key, ())) for key, value in values.items()}
    if lacking := lacking_of(wanted, given):
        raise ValueError(lacking)
    return wanted(**given)


def _key(key: Any, wanted: Any) -> Any:
    """A word; or a picture's width and height, `384x216`."""
    if wanted is str:
        return typed(key, str)
    width, _, height = str(key).partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise ValueError(f"{shown(key)} is no size of a picture; write 384x216")
    return int(width), int(height)


def lacking_of(record: type[Any], given: Iterable[str]) -> str:
    """What must be said of it and isn't, as a message; "" where all is there."""
    lacking = [
        field.name
        for field in dataclasses.fields(record)
        if field.name not in (*_IN_CODE, "thresholds", *given)
        and field.default is field.default_factory is dataclasses.MISSING
    ]
    return f"it needs {' and '.join(lacking)}" if lacking else ""


def codec(raw: Any) -> str:
    """A codec's name, as FFmpeg has it. Raises ValueError for what no stream is ever called."""
    import av
    from av.codec import Codec, codecs_available

    name: str = typed(raw, str)
    meant = _ALIASES.get(name.lower(), "")
    for mode in ("r", "w"):
        try:
            found = Codec(name, mode).canonical_name
        except (av.error.FFmpegError, ValueError):
            continue
        if found == name:
            return name
        meant = found
    told = f"; did you mean {meant!r}?" if meant else nearest(name, sorted(codecs_available))
    raise ValueError(f"FFmpeg knows no codec {shown(name)}{told}")
