"""The Markdown report: what a reviewer reads in a step summary or in a comment on a merge request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..result import Finding, Result, Severity, Status
from .escape import code, prose
from .text import format_value, name_of

if TYPE_CHECKING:
    from ..checks.subject import Subject
    from .account import Account

LONGEST = 60_000
"""Bytes. GitHub takes a comment of 65,536 characters; a step summary may have 1 MiB, GitLab's comments 1,000,000."""

_MARKS = {Status.PASSED: "✅", Status.FAILED: "❌", Status.SKIPPED: "➖", Status.ERROR: "❌"}
_ATTENTION = {Status.FAILED: 0, Status.ERROR: 1}


class _Detail(NamedTuple):
    """How much is told of one image: findings below each check, findings of each severity, rows of each table."""

    each: int
    findings: int
    rows: int


_DETAILS = (_Detail(8, 25, 150), _Detail(3, 10, 60), _Detail(1, 3, 15), _Detail(0, 0, 0))


def text(account: Account) -> str:
    """The report, at most LONGEST bytes: with many images or findings less is told of each, and the rest counted."""
    if account.error is not None:
        return f"## ❌ Media image: nothing was judged\n\nWhy: {prose(str(account.error), longest=4000, lines=40)}\n"
    for detail in _DETAILS:
        parts, all_of_it = _fitting(_parts(account, detail), LONGEST)
        if all_of_it:
            return "\n\n".join(parts) + "\n"
    kept, _ = _fitting(_parts(account, _DETAILS[-1]), LONGEST - 100)
    return "\n\n".join([*kept, f"… and {len(account.subjects) - len(kept)} more images"]) + "\n"


def _parts(account: Account, detail: _Detail) -> Iterator[str]:
    for subject in account.subjects:
        yield "\n".join(_image(subject, account.results_of(subject), account.lacking(subject), detail))
    if account.policy_notes:
        yield "\n".join(_policy(account.policy_notes, detail.findings))


def _fitting(parts: Iterator[str], room: int) -> tuple[list[str], bool]:
    """The first parts, as many as `room` bytes hold, and whether these are all; no more are made than one too many."""
    kept: list[str] = []
    for part in parts:
        room -= len(part.encode()) + 2
        if room <= 0:
            return kept, False
        kept.append(part)
    return kept, True


def _image(subject: Subject, results: Sequence[Result], lacking: str, detail: _Detail) -> Iterator[str]:
    counts = {status: sum(result.status is status for result in results) for status in Status}
    yield f"## {_verdict(counts, lacking)} {code(subject.label)} ({prose(str(subject.platform))})"
    yield ""
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    yield f"{code(str(subject.image.digest))}: {told or 'no check was run'}"
    ordered = sorted(results, key=lambda result: _ATTENTION.get(result.status, 2))
    open_rows = [result for result in ordered if result.status in _ATTENTION or _has(result, Severity.WARNING)]
    yield from _table(open_rows, detail.rows)
    yield from _failures([result for result in ordered if result.status in _ATTENTION], detail)
    yield from _listed(results, Severity.WARNING, detail)
    notes = sum(finding.severity is Severity.NOTE for result in results for finding in result.findings)
    yield from _folded("note", notes, lambda: _listed(results, Severity.NOTE, detail))
    skipped = [result for result in results if result.status is Status.SKIPPED]
    yield from _folded("skipped check", len(skipped), lambda: _skips(skipped, detail.rows))
    passed = [result for result in results if result.status is Status.PASSED and result not in open_rows]
    yield from _folded("passed check", len(passed), lambda: _table(passed, detail.rows))


def _verdict(counts: dict[Status, int], lacking: str) -> str:
    why = f" ({lacking})" if lacking else ""
    if counts[Status.FAILED]:
        return f"❌ Not fit to ship{why}:"
    if counts[Status.ERROR]:
        return f"❌ Not judged in full{why}:"
    return f"⚠️ Not judged in full{why}:" if lacking else "✅ Fit to ship:"


def _has(result: Result, severity: Severity) -> bool:
    return any(finding.severity is severity for finding in result.findings)


def _table(results: Sequence[Result], rows: int) -> Iterator[str]:
    """Each check's measured value against its budget."""
    if not results or not rows:
        return
    yield from ("", "| | check | measured | budget |", "|---|---|---|---|")
    for result in results[:rows]:
        mark = "⚠️" if result.status is Status.PASSED and _has(result, Severity.WARNING) else _MARKS[result.status]
        measured, budget = (
            prose(format_value(value, result.unit), longest=120) for value in (result.measured, result.budget)
        )
        yield f"| {mark} | {_name(result)} | {measured} | {budget} |"
    if len(results) > rows:
        yield f"| | and {len(results) - rows} more | | |"


def _name(result: Result) -> str:
    return prose(name_of(result))


def _failures(results: Sequence[Result], detail: _Detail) -> Iterator[str]:
    """What each failed check found, or why it couldn't be carried out."""
    left = detail.findings
    told = 0
    for result in results:
        if left <= 0:
            break
        told += 1
        if result.status is Status.ERROR:
            blame = "the machine failed" if result.environment else "broke"
            yield from ("", f"**{_name(result)}** {blame}: {prose(result.reason)}")
            left -= 1
            continue
        errors = result.errors()
        shown = errors[: min(detail.each, left)]
        left -= len(shown)
        yield from ("", f"**{_name(result)}**", "")
        for finding in shown:
            yield from _finding(finding)
        if len(errors) > len(shown):
            yield f"- {_more(len(errors) - len(shown))}"
    if len(results) > told:
        yield from ("", f"and {len(results) - told} more failures")


def _listed(results: Sequence[Result], severity: Severity, detail: _Detail) -> Iterator[str]:
    found = [[(result, finding) for finding in result.findings if finding.severity is severity] for result in results]
    # One check's thousand must not hide the others' few.
    shown = [pair for pairs in found for pair in pairs[: detail.each]][: detail.findings]
    left = sum(map(len, found)) - len(shown)
    if shown:
        yield from ("", "Warnings:" if severity is Severity.WARNING else "Notes:", "")
    for result, finding in shown:
        yield from _finding(finding, before=f"**{_name(result)}**: ")
    if left:
        yield from ([] if shown else [""])
        yield f"- {_more(left, f'{severity}s')}"


def _more(count: int, what: str = "") -> str:
    return f"and {' '.join((str(count), 'more', what)).rstrip()} (`--media-report json:PATH` lists all)"


def _finding(finding: Finding, before: str = "") -> Iterator[str]:
    known = " (known)" if finding.known else ""
    yield f"- {before}{prose(finding.message)}{known}"
    if finding.file and finding.file not in finding.message:
        yield f"  - file {code(finding.file)}"
    if finding.created_by:
        yield f"  - added by {code(finding.created_by)}"
    if finding.fix:
        yield f"  - to do: {prose(finding.fix)}"


def _policy(notes: Sequence[Finding], most: int) -> Iterator[str]:
    """What there is to do in the policy itself."""
    yield from ("## Policy", "")
    for note in notes[:most]:
        yield from _finding(note)
    if len(notes) > most:
        yield f"- and {len(notes) - most} more notes"


def _skips(results: Sequence[Result], rows: int) -> Iterator[str]:
    yield ""
    for result in results[:rows]:
        required = " (**the policy requires it**)" if result.required else ""
        yield f"- **{_name(result)}**: {prose(result.reason)}{required}"
    if len(results) > rows:
        yield f"- and {len(results) - rows} more"


def _folded(what: str, count: int, lines: Callable[[], Iterator[str]]) -> Iterator[str]:
    if count:
        yield from ("", f"<details><summary>{count} {what}{'s' if count > 1 else ''}</summary>")
        yield from lines()
        yield from ("", "</details>")
