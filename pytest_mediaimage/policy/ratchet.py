"""The ratchet: known findings don't fail, new ones do, and what is mended leaves the file for good."""

from __future__ import annotations

import datetime
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import StorageFault
from ..result import Finding, Result, Severity, Status, format_bytes
from ..storage import storage_faults, write_atomically
from .known import Known, KnownFile, read_known, readable
from .known_text import updated_text
from .model import Policy

UNASSIGNED = "nobody yet"
UNJUDGED = "not judged yet"
DAYS = 90
"""How long a new entry holds, unless somebody gives it another day."""
TOLERATED_GROWTH = 0.05
"""A known finding that is heavier than it was by more than this part fails again. The part is that of the budgets that
--media-init writes: a rebuild with newer packages stays within it."""
_SLIGHT = 100_000  # bytes: five per cent of a few kB are soon passed, and nothing to fail for
UPDATE = "--media-update-known"


@dataclass(frozen=True, slots=True)
class KnownOfImage:
    """What is known of one image. While `updating`, what is new is taken for known."""

    entries: Mapping[str, Known] = field(default_factory=dict)
    updating: bool = False

    def judge(self, check: str, finding: Finding, measured: int, today: datetime.date) -> Finding:
        """The finding as it counts. `measured` is the check's own value where it is in bytes, else 0."""
        entry = self.entries.get(finding.fingerprint(check))
        if entry is None or entry.check != check:
            new = self.updating and finding.severity is Severity.ERROR
            return replace(finding, severity=Severity.NOTE, known=True) if new else finding
        if entry.expired(today):
            return replace(finding, message=f"{finding.message} (was known until {entry.until}: {_whose(entry)})")
        if not self.updating and _grown(entry, finding, measured):
            was, now = format_bytes(entry.bytes or 0), format_bytes(finding.bytes or 0)
            return replace(finding, message=f"{finding.message} (known, but grown from {was} to {now})")
        severity = min(finding.severity or Severity.ERROR, Severity.NOTE)
        message = f"{finding.message} (known until {entry.until}: {_whose(entry)})"
        return replace(finding, severity=severity, known=True, message=message)


def _whose(entry: Known) -> str:
    return f"{entry.reason}; {entry.owner}"


def _grown(entry: Known, finding: Finding, measured: int) -> bool:
    if entry.bytes is None or finding.bytes is None:
        return False
    # What is over a budget may be little, and yet move with the whole.
    slack = max(_SLIGHT, TOLERATED_GROWTH * max(entry.bytes, measured))
    return finding.bytes > entry.bytes + slack


@dataclass(slots=True)
class ImageRun:
    """What a run says of one image on all `platforms` of the run.

    `planned` holds for each check the hardware paths that it was planned for.
    """

    results: Sequence[Result]
    platforms: frozenset[str]
    planned: Mapping[str, frozenset[str | None]]
    policy: Policy

    def judged(self, entry: Known) -> bool:
        """Whether the entry's check was carried out wherever its finding had been."""
        return all(self.judged_on(entry.check, platform) for platform in entry.platforms or self.platforms)

    def judged_on(self, check: str, platform: str) -> bool:
        """Whether the check was carried out on the platform, on every hardware path that it was planned for."""
        done = {
            result.hardware_path
            for result in self.results
            if (result.check, result.platform) == (check, platform) and result.status in (Status.PASSED, Status.FAILED)
        }
        return bool(done) and done >= self.planned.get(check, frozenset())

    def found(self) -> dict[str, list[tuple[Result, Finding]]]:
        """The findings by fingerprint; those that the policy ignores are not among them."""
        today = datetime.date.today()
        found: dict[str, list[tuple[Result, Finding]]] = {}
        for result in self.results:
            for finding in result.findings:
                if not self.policy.ignores(result.check, finding.file, today, finding.evidence):
                    found.setdefault(finding.fingerprint(result.check), []).append((result, finding))
        return found


@dataclass(slots=True)
class Ratchet:
    """The known findings of a run, in the process that judges and in the one that reports."""

    file: KnownFile | None
    updating: bool = False

    @classmethod
    def open(cls, path: Path | None, *, updating: bool, known_checks: frozenset[str]) -> Ratchet:
        """`path` may be missing only while updating. Raises PolicyError."""
        if path is None:
            return cls(None)
        if updating and not path.exists():
            return cls(KnownFile(path), updating)
        return cls(read_known(path, known_checks=known_checks), updating)

    def of(self, image: str) -> KnownOfImage:
        return KnownOfImage(self.file.images.get(image, {}) if self.file else {}, self.updating)

    def notes(self, runs: Mapping[str, ImageRun]) -> Iterator[Finding]:
        """What should be known of the file itself: what is mended, what has expired, what is nobody's."""
        if self.file is None or self.updating:
            return
        today = datetime.date.today()
        for image, run in runs.items():
            found, entries = run.found(), self.file.images.get(image, {})
            for entry in sorted(entries.values(), key=lambda e: e.line):
                if entry.fingerprint not in found:
                    if run.judged(entry):
                        yield self._note(entry, "is mended", f"Run once with {UPDATE}: the entry leaves the file.")
                elif entry.expired(today):
                    yield self._note(
                        entry,
                        f"was known until {entry.until} ({entry.owner}) and is still there",
                        "Mend it, or give it another day and a reason that still holds.",
                        Severity.WARNING,
                    )
            unassigned = [e for e in entries.values() if e.owner == UNASSIGNED and e.fingerprint in found]
            if unassigned:
                some = f"{len(unassigned)} known findings have" if len(unassigned) > 1 else "1 known finding has"
                yield Finding(
                    f"{image}: {some} no owner yet; the first ends on {min(e.until for e in unassigned)}",
                    severity=Severity.NOTE,
                    file=str(self.file.path),
                    evidence="no owner",
                    fix="Write owner, reason and until of each into the file.",
                )

    def _note(self, entry: Known, words: str, fix: str, severity: Severity = Severity.NOTE) -> Finding:
        assert self.file is not None
        return Finding(
            f"{self.file.path.name}:{entry.line}: {entry.check}{f' {entry.file}' if entry.file else ''} {words}",
            severity=severity,
            file=str(self.file.path),
            evidence=entry.fingerprint,
            fix=fix,
        )

    def update(self, runs: Mapping[str, ImageRun]) -> list[str]:
        """Write the file, and a line for whatever changed in it. Raises PolicyError, StorageFault.

        The file is read again and locked for it: other runs may be writing what is known of other images.
        """
        if self.file is None or not self.updating:
            return []
        path, today = self.file.path, datetime.date.today()
        try:
            with _locked(path.parent):
                before = read_known(path) if path.exists() else KnownFile(path)
                images = {name: dict(entries) for name, entries in before.images.items()}
                lines: list[str] = []
                for image, run in runs.items():
                    images[image], said = _brought_up_to_date(images.get(image, {}), run, today)
                    lines += [f"{image}: {line}" for line in said]
                text, kept = updated_text(before, images)
                if text != before.text and (before.text or any(images.values())):
                    write_atomically(path, text.encode(), mode=0o644)
        except StorageFault as fault:
            raise StorageFault(fault.message, remedy="Pass --media-known FILE that can be written.") from fault
        if not kept:
            lines.append("it was written in a style of its own: written anew, and its comments are lost")
        return [f"{path}: {line}" for line in lines or ["unchanged"]]


def _brought_up_to_date(
    before: Mapping[str, Known], run: ImageRun, today: datetime.date
) -> tuple[dict[str, Known], list[str]]:
    after: dict[str, Known] = {}
    expired: list[Known] = []
    found = run.found()
    for fingerprint, entry in before.items():
        if fingerprint in found:
            after[fingerprint] = _refreshed(entry, found[fingerprint], run.platforms)
            if entry.expired(today):
                expired.append(entry)
        elif not run.judged(entry):
            after[fingerprint] = entry
    until = today + datetime.timedelta(days=DAYS)
    new = {
        fingerprint: _new(fingerprint, where, until)
        for fingerprint, where in found.items()
        if fingerprint not in before and any(finding.known for _, finding in where)
    }
    lines = [f"+ {_named(entry)}" for entry in sorted(new.values(), key=lambda e: e.order)]
    lines += [f"- {_named(entry)} (mended)" for fp, entry in before.items() if fp not in after]
    lines += [
        f"line {entry.line}: {_named(entry)} was known until {entry.until} and is still there: it fails. "
        "Mend it, or give it another day by hand"
        for entry in expired
    ]
    if new:
        lines.append(f"new entries hold until {until}; give each an owner, a reason and a day")
    return after | new, lines


def _named(entry: Known) -> str:
    return f"{entry.check} {entry.file}".rstrip()


def _new(fingerprint: str, where: Sequence[tuple[Result, Finding]], until: datetime.date) -> Known:
    result, finding = where[0]
    return Known(
        check=result.check,
        fingerprint=fingerprint,
        owner=UNASSIGNED,
        reason=UNJUDGED,
        until=until,
        file=readable(finding.file or ""),
        finding=readable(finding.message.partition("\n")[0].strip()),
        bytes=_heaviest(finding for _, finding in where),
        platforms=_platforms(where),
    )


def _refreshed(entry: Known, where: Sequence[tuple[Result, Finding]], ran: frozenset[str]) -> Known:
    """The entry with where it was found, and with its new weight: a lighter one only where all platforms say so."""
    platforms = tuple(sorted({*entry.platforms, *_platforms(where)})) if entry.platforms else ()
    heaviest = _heaviest(finding for _, finding in where)
    if entry.bytes is not None and heaviest is not None and (heaviest > entry.bytes or set(platforms) <= ran):
        return replace(entry, bytes=heaviest, platforms=platforms)
    return replace(entry, platforms=platforms)


def _platforms(where: Iterable[tuple[Result, Finding]]) -> tuple[str, ...]:
    return tuple(sorted({result.platform for result, _ in where}))


def _heaviest(findings: Iterable[Finding]) -> int | None:
    return max((finding.bytes for finding in findings if finding.bytes is not None), default=None)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer in a folder at a time; the lock is on the folder, so that no file of ours is left there."""
    with storage_faults(folder, any_kind=True):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
