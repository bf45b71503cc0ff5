"""How values, findings and failures read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..result import Finding, Result, Severity, format_bytes
from .pages import page

if TYPE_CHECKING:
    from ..checks import Check


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
    return f"{value:g} {unit.removesuffix('s') if value == 1 else unit}".rstrip()


def failure_text(check: Check, result: Result) -> str:
    """What went wrong, for each error: what, where, which instruction, why it matters, what to do, where to read on."""
    lines = [f"{check.id} fails on {check.fails}."]
    if result.measured is not None:
        budget = f", budget {format_value(result.budget, result.unit)}" if result.budget is not None else ""
        lines.append(f"measured: {format_value(result.measured, result.unit)}{budget}")
    for finding in result.findings:
        lines += ["", *finding_lines(finding)]
    lines += ["", f"why it matters: {check.why}"]
    if path := page(check.id):
        lines.append(f"more: {path}")
    return "\n".join(lines)


def finding_lines(finding: Finding) -> Iterator[str]:
    """A finding as indented lines."""
    yield f"{finding.severity or Severity.ERROR}: {finding.message}"
    if finding.file:
        yield f"  file:        {finding.file}"
    if finding.layer:
        yield f"  layer:       {finding.layer}"
    if finding.created_by:
        yield f"  created by:  {finding.created_by}"
    if finding.fix:
        yield f"  to do:       {finding.fix}"
