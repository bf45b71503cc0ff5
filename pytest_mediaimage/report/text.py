"""How values, findings and failures read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..result import Finding, Result, Severity, format_bytes
from .pages import page

if TYPE_CHECKING:
    from ..checks.registry import Check


LISTED = 20
"""Findings of one check that are shown in one place; a check may have a thousand."""
_CONSEQUENCES_LISTED = 5
"""The same where they name no files: of a wrong output most are consequences of the first."""


def format_value(value: float | int | str | None, unit: str) -> str:
    """A measured value or a budget for people; `-` for none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if unit == "bytes":
        return format_bytes(value)
    if unit == "percent":
        return f"{value:g} %"
    one = f"{unit[:-3]}y" if unit.endswith("ies") else unit.removesuffix("s")
    return f"{value:g} {one if value == 1 else unit}".rstrip()


def name_of(result: Result) -> str:
    """A check, with the hardware path that it was run on."""
    path = result.hardware_path
    return result.check + (f" [{path}]" if path and result.check != f"hardware.{path}" else "")


def failure_text(check: Check, result: Result, layers: Sequence[str] = ()) -> str:
    """What went wrong, for each error: what, where, which instruction, why it matters, what to do, where to read on.

    pytest's short summary shows the first line. `layers` are the image's diffIDs in order: people count layers.
    """
    # What fails stands first, and of it what isn't known.
    ordered = sorted(result.findings, key=lambda finding: (-(finding.severity or Severity.ERROR), finding.known))
    count = sum(not finding.known for finding in result.errors())
    headline, *rest = ordered[0].message.splitlines()
    lines = [headline + (f" (and {count - 1} more)" if count > 1 else ""), *rest]
    if result.measured is not None:
        budget = f", budget {format_value(result.budget, result.unit)}" if result.budget is not None else ""
        lines.append(f"  measured:    {format_value(result.measured, result.unit)}{budget}")
    shown = ordered[: LISTED if ordered[0].file else _CONSEQUENCES_LISTED]
    for finding, following in zip(shown, [*shown[1:], None], strict=True):
        if finding is not shown[0]:
            lines.append(f"{finding.severity or Severity.ERROR}: {finding.message}")
        lines += place_lines(finding, layers)
        if following is None or following.fix != finding.fix:  # one remedy may mend several
            lines += [*remedy_lines(finding), ""]
    if len(ordered) > len(shown):
        lines += [more(len(ordered) - len(shown)), ""]
    lines += [f"why it matters: {check.why}", f"this check fails on {check.fails}."]
    if path := page(check.id):
        lines.append(f"more: {path}")
    return "\n".join(lines)


def more(count: int, reports: Sequence[tuple[str, Path]] = ()) -> str:
    """How many findings aren't shown, and where all are: in a JSON report of this run, or of the next."""
    path = next((path for kind, path in reports if kind == "json"), None)
    return f"and {count} more; " + (f"all are in {path}" if path else "--media-report json:PATH lists them all")


def place_lines(finding: Finding, layers: Sequence[str] = ()) -> Iterator[str]:
    """Where a finding is, as indented lines."""
    if finding.file:
        yield f"  file:        {finding.file}"
    if finding.layer:
        place = f"{layers.index(finding.layer) + 1} of {len(layers)}, " if finding.layer in layers else ""
        yield f"  layer:       {place}{finding.layer}"
    if finding.created_by:
        yield f"  created by:  {finding.created_by}"


def remedy_lines(finding: Finding) -> Iterator[str]:
    if finding.fix:
        yield f"  to do:       {finding.fix}"
