"""What a policy's ignores have come to: those that expired, and those that nothing needs any more."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable, Iterator

from ..result import Finding, Severity
from .model import Ignore, Policy
from .ratchet import ImageRun


def ignore_notes(policy: Policy, file: str, runs: Iterable[ImageRun]) -> Iterator[Finding]:
    """A finding for each entry of `ignore` that is past its day, or that no finding of the run needs.

    The latter only for entries of `file` itself, not for those that it extends, which others may need; and only where
    every check that the entry names was carried out.
    """
    today = datetime.date.today()
    runs = list(runs)
    for entry in policy.ignore:
        where = f"{entry.file}:{entry.line}: " if entry.file else ""
        what = " ".join(filter(None, (f"ignore of {entry.check}", entry.path, entry.evidence)))
        if entry.expired(today):
            yield Finding(
                f"{where}{what} ended on {entry.until} ({entry.reason})",
                severity=Severity.WARNING,
                file=entry.file or None,
                evidence=f"expired {entry.check} {entry.path} {entry.evidence}".rstrip(),
                fix="Take the entry out, or give it another day and a reason that still holds.",
            )
        elif entry.file == file and _judged(entry, runs) and not _needed(entry, runs):
            yield Finding(
                f"{where}{what} matched nothing in this run ({entry.reason})",
                severity=Severity.NOTE,
                file=entry.file or None,
                evidence=f"unused {entry.check} {entry.path} {entry.evidence}".rstrip(),
                fix="Take the entry out; where other images need it, put it in a policy that these extend.",
            )


def _judged(entry: Ignore, runs: Iterable[ImageRun]) -> bool:
    """Whether every check that the entry names was carried out on every image and platform."""
    return all(
        run.judged_on(check, platform)
        for run in runs
        for check in run.planned
        if fnmatch.fnmatchcase(check, entry.check)
        for platform in run.platforms
    )


def _needed(entry: Ignore, runs: Iterable[ImageRun]) -> bool:
    return any(
        entry.covers(result.check, finding.file, finding.evidence)
        for run in runs
        for result in run.results
        for finding in result.findings
    )
