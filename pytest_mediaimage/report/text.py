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


def failure_text(check: Check, result: Result, layers: Sequence[str] = ()) -> str:
    """What went wrong, for each error: what, where, which instruction, why it matters, what to do, where to read on.

    pytest's short summary shows the first line. `layers` are the image's diffIDs in order: people count layers.
    """
    # What fails stands first, and of it what isn't known.
    ordered = sorted(result.findings, key=lambda finding: (-(finding.severity or Severity.ERROR), finding.known))
    count = sum(not finding.known for finding in result.errors())
    lines = [ordered[0].message.partition("\n")[0] + (f" (and {count - 1} more)" if count > 1 else "")]
    if result.measured is not None:
        budget = f", budget {format_value(result.budget, result.unit)}" if result.budget is not None else ""
        lines.append(f"measured: {format_value(result.measured, result.unit)}{budget}")
    for finding in ordered[:LISTED]:
        lines += ["", *finding_lines(finding, layers)]
    if len(ordered) > LISTED:
        lines += ["", more(len(ordered) - LISTED)]
    lines += ["", f"why it matters: {check.why}", f"this check fails on {check.fails}."]
    if path := page(check.id):
        lines.append(f"more: {path}")
    return "\n".join(lines)


def more(count: int, reports: Sequence[tuple[str, Path]] = ()) -> str:
    """How many findings aren't shown, and where all are: in a JSON report of this run, or of the next."""
    path = next((path for kind, path in reports if kind == "json"), None)
    return f"and {count} more; " + (f"all are in {path}" if path else "--media-report json:PATH lists them all")


def finding_lines(finding: Finding, layers: Sequence[str] = ()) -> Iterator[str]:
    """A finding as indented lines."""
    yield f"{finding.severity or Severity.ERROR}: {finding.message}"
    if finding.file:
        yield f"  file:        {finding.file}"
    if finding.layer:
        place = f"{layers.index(finding.layer) + 1} of {len(layers)}, " if finding.layer in layers else ""
        yield f"  layer:       {place}{finding.layer}"
    if finding.created_by:
        yield f"  created by:  {finding.created_by}"
    if finding.fix:
        yield f"  to do:       {finding.fix}"
