"""A team's own checks: what `pytest_mediaimage_checks` hooks return, looked over and made safe to run."""

from __future__ import annotations

import math
import re
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import MediaImageError, UsageError
from ..result import Finding, Severity, Skip
from .context import Context
from .registry import Check, Function

_ID = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9][a-z0-9-]*")
_TEXTS = ("message", "file", "layer", "created_by", "evidence", "fix")
_SHOWN_FRAMES = 3


class OwnCheckBroken(MediaImageError):
    """An own check raised what no check should, or gave what is no finding: its author's fault, not the image's."""


def own_checks(registered: Iterable[object], built_in: Sequence[Check]) -> tuple[Check, ...]:
    """The checks that hooks returned, ready to run: each of them a Check or a list of them, None for nothing.

    Raises UsageError for what is no check, an id that isn't `family.name`, one in a family of ours, or one given twice.
    """
    families = {check.id.partition(".")[0] for check in built_in}
    found: dict[str, Check] = {}
    for item in _flat(registered):
        if not isinstance(item, Check):
            raise UsageError(
                f"the hook pytest_mediaimage_checks returned {item!r}, which is no check",
                remedy="Return a list of functions decorated with pytest_mediaimage.check.",
            )
        if not isinstance(item.id, str) or not _ID.fullmatch(item.id):
            raise UsageError(
                f"{item.id!r} can't be a check's id", remedy="Write family.name in small letters, as in acme.labels."
            )
        if item.id.partition(".")[0] in families:
            raise UsageError(
                f"the check {item.id!r} lies in a family of pytest-mediaimage's own",
                remedy="Choose another word before the dot, such as your team's name.",
            )
        if item.id in found:
            raise UsageError(f"the check {item.id!r} is registered twice", remedy="Give one of them another id.")
        if not isinstance(item.severity, Severity):
            raise UsageError(
                f"the check {item.id!r} has the severity {item.severity!r}",
                remedy="Write Severity.ERROR, Severity.WARNING or Severity.NOTE.",
            )
        found[item.id] = replace(item, function=_guarded(item.id, item.function))
    return tuple(found.values())


def _flat(registered: Iterable[object]) -> Iterable[object]:
    for item in registered:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        elif item is not None:
            yield item


def _guarded(id: str, function: Function) -> Function:
    """The function with every mistake in it made an error of its own result, so that the run goes on."""

    def run(context: Context) -> list[Finding]:
        try:
            findings = list(function(context))
        except (Skip, MediaImageError):
            raise
        except Exception as error:
            raise OwnCheckBroken(
                f"the check {id} itself broke: {type(error).__name__}: {error}{_frames(error)}", remedy=_remedy(error)
            ) from error
        finally:
            odd = _odd_measurement(context)
        if odd:
            raise OwnCheckBroken(
                f"the check {id} measured {odd}", remedy="Measure a number or a text; the unit is a text."
            )
        for finding in findings:
            _look_over(id, finding)
        return findings

    return run


def _look_over(id: str, finding: object) -> None:
    """What a finding holds travels between processes and into reports: texts and numbers only."""
    if not isinstance(finding, Finding):
        raise OwnCheckBroken(
            f"the check {id} yielded {finding!r}, which is no finding",
            remedy="Yield pytest_mediaimage.Finding, or what context.finding(...) gives.",
        )
    for name in _TEXTS:
        value = getattr(finding, name)
        if not isinstance(value, str) and (value is not None or name in ("message", "evidence", "fix")):
            raise OwnCheckBroken(f"the check {id} yielded a finding with {name}={value!r}", remedy="Give a text.")
    if finding.bytes is not None and type(finding.bytes) is not int:
        raise OwnCheckBroken(f"the check {id} yielded a finding with bytes={finding.bytes!r}", remedy="Give an int.")
    if finding.severity is not None and not isinstance(finding.severity, Severity):
        raise OwnCheckBroken(
            f"the check {id} yielded a finding with severity={finding.severity!r}",
            remedy="Give Severity.ERROR, Severity.WARNING or Severity.NOTE, or leave it out.",
        )


def _odd_measurement(context: Context) -> str:
    """What was measured that is neither number nor text, taken out of the context; empty where all is well."""
    value, budget, unit = context.measurement
    if _is_plain(value) and _is_plain(budget) and isinstance(unit, str):
        return ""
    context.measure(None)
    return f"{value!r}, budget {budget!r}, unit {unit!r}"


def _is_plain(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or type(value) in (bool, int, str)


def _remedy(error: Exception) -> str:
    if isinstance(error, TypeError) and "NoneType" in str(error):
        return "A check yields its findings, or returns a list of them: an empty one where all is well."
    return "Mend the check; nothing is said about the image."


def _frames(error: Exception) -> str:
    """Where it happened, in the author's files: the frames below ours, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[1:][-_SHOWN_FRAMES:]
    return "".join(f"\n  {Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames)
