"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

from ..result import Finding, Result, Severity, Status
from .pages import page
from .text import LISTED, format_value, more, name_of

_COLOURS = {Status.PASSED: "green", Status.FAILED: "red", Status.ERROR: "red"}
_WIDEST = 72
_NOTES_LISTED = 4
_KNOWN_LISTED = 5
_NAMED = 6
"""Checks that are named in a line."""
_SHARED_LISTED = 3


class Terminal(Protocol):
    """The part of pytest's terminal reporter that is used here."""

    def write_sep(self, sep: str, title: str | None = None, **markup: bool) -> None: ...
    def write_line(self, line: str, **markup: bool) -> None: ...


def write_summary(
    terminal: Terminal,
    ordered: Sequence[Result],
    golden_lines: Sequence[str],
    reports: Sequence[tuple[str, Path]],
    policy_notes: Sequence[Finding] = (),
    known_lines: Sequence[str] = (),
) -> None:
    """A table for each image of what was judged, warnings and notes below it, and counts with every skip's reason.

    `policy_notes` are about the policy's own entries, `known_lines` say what --media-update-known wrote.
    """
    for (image, platform), group in groupby(ordered, key=lambda r: (r.image, r.platform)):
        results = list(group)
        terminal.write_sep("=", f"media image {image} ({platform})")
        _write_table(terminal, [result for result in results if result.status is not Status.SKIPPED])
        _write_findings(terminal, results, reports)
        for line in _shared(results):
            terminal.write_line(line)
        terminal.write_line(_counts(results))
    if where := next((path for result in ordered if result.findings and (path := page(result.check))), None):
        terminal.write_line(f"more on each check: {where.parent / 'CHECK.md'}")
    if golden_lines:
        terminal.write_sep("=", "golden values")
        for line in golden_lines:
            terminal.write_line(line)
    if policy_notes:
        terminal.write_sep("=", "policy")
        for note in policy_notes:
            _write_finding(terminal, str(note.severity), note)
    if known_lines:
        terminal.write_sep("=", "known findings")
        for line in known_lines:
            terminal.write_line(line)
    for kind, path in reports:
        terminal.write_line(f"{kind} report: {path}")


def _write_table(terminal: Terminal, results: Sequence[Result]) -> None:
    if not results:
        return
    rows = [("check", "measured", "budget", "verdict")]
    markups: list[Mapping[str, bool]] = [{"bold": True}]
    for result in results:
        rows.append(
            (
                name_of(result),
                format_value(result.measured, result.unit),
                format_value(result.budget, result.unit),
                _verdict(result),
            )
        )
        warns = result.status is Status.PASSED and _has_warning(result)
        markups.append({"yellow" if warns else _COLOURS[result.status]: True})
    widths = [min(max(len(row[column]) for row in rows), _WIDEST) for column in range(3)]
    for row, markup in zip(rows, markups, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        terminal.write_line("  ".join((*cells, row[3])), **markup)


def _verdict(result: Result) -> str:
    counts = [
        f"{count} {severity}{'s' if count > 1 else ''}"
        for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)
        if (count := sum(finding.severity is severity and not finding.known for finding in result.findings))
    ]
    if known := sum(finding.known for finding in result.findings):
        counts.append(f"{known} known")
    word = "warned" if result.status is Status.PASSED and _has_warning(result) else str(result.status)
    return word + (f" ({', '.join(counts)})" if counts else "")


def _has_warning(result: Result) -> bool:
    return any(finding.severity is Severity.WARNING and not finding.known for finding in result.findings)


def _write_findings(terminal: Terminal, results: Iterable[Result], reports: Sequence[tuple[str, Path]]) -> None:
    """Errors stand in the failures above; here is what passes and should be known."""
    for result in results:
        for severity in (Severity.WARNING, Severity.NOTE):
            found = [finding for finding in result.findings if finding.severity is severity and not finding.known]
            shown = LISTED if severity is Severity.WARNING else _NOTES_LISTED
            for finding in found[:shown]:
                _write_finding(terminal, f"{severity}: {result.check}", finding)
            if len(found) > shown:
                terminal.write_line(f"{severity}: {result.check}: {more(len(found) - shown, reports)}")
        known = [finding for finding in result.findings if finding.known]
        for finding in known[:_KNOWN_LISTED]:
            terminal.write_line(f"known: {result.check}: {finding.message}")
        if len(known) > _KNOWN_LISTED:
            terminal.write_line(f"known: {result.check}: {more(len(known) - _KNOWN_LISTED, reports)}")


def _write_finding(terminal: Terminal, head: str, finding: Finding) -> None:
    colour = {"yellow": True} if finding.severity is Severity.WARNING else {}
    # Of a note the reports tell the rest: a dozen of them shouldn't push what fails off the screen.
    message = finding.message.partition("\n")[0] if finding.severity is Severity.NOTE else finding.message
    terminal.write_line(f"{head}: {message}", **colour)
    if finding.fix:
        terminal.write_line(f"    {finding.fix}")


def _counts(results: Sequence[Result]) -> str:
    counts = [f"{count} {status}" for status in Status if (count := sum(result.status is status for result in results))]
    known = sum(finding.known for result in results for finding in result.findings)
    tolerated = f"; {known} known finding{'s' if known > 1 else ''} tolerated" if known else ""
    checks = "1 check" if len(results) == 1 else f"{len(results)} checks"
    return f"{checks}: {', '.join(counts)}{tolerated}{''.join(_skips(results))}"


def _skips(results: Sequence[Result]) -> Iterator[str]:
    """A line for each reason, with the checks that skip for it."""
    checks: dict[str, list[str]] = {}
    for result in results:
        if result.status is Status.SKIPPED:
            reason = f"{result.reason}{' (the policy requires it)' if result.required else ''}"
            checks.setdefault(reason, []).append(name_of(result))
    for reason, names in checks.items():
        yield f"\n  skipped: {_named(names)}: {reason}"


def _named(checks: Iterable[str]) -> str:
    names = list(dict.fromkeys(checks))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _shared(results: Iterable[Result]) -> Iterator[str]:
    """What makes most checks fail: often one cause."""
    checks: dict[str, list[str]] = {}
    for result in results:
        for message in {finding.message.partition("\n")[0] for finding in result.errors() if not finding.known}:
            checks.setdefault(message, []).append(name_of(result))
    shared = sorted(checks.items(), key=lambda item: -len(item[1]))[:_SHARED_LISTED]
    for message, names in shared:
        if len(names) > 1:
            yield f"{len(names)} checks fail with the same message: {message} ({_named(names)})"
