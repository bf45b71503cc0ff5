"""What failed transcodes made, kept for looking at: --media-keep."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ...errors import CommandTimeout, UsageError
from ...removal import remove_tree
from ...result import Finding, Severity
from ..context import Context
from .running import Transcoded, TranscodeFailed

MOST_BYTES = 500_000_000
"""What the whole folder may hold."""


@dataclass(frozen=True, slots=True)
class Keep:
    """A folder that holds a subfolder for each failed check and image."""

    folder: Path

    @classmethod
    def open(cls, folder: Path | None) -> Keep | None:
        """Make the folder. Raises UsageError where nothing can be written there."""
        if folder is None:
            return None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return cls(folder.resolve())
        except OSError as error:
            raise UsageError(
                f"--media-keep: {folder} can't be written: {error.strerror}", remedy="Name a directory of yours."
            ) from error

    def place(self, context: Context, name: str) -> Path:
        """Of one check on one image."""
        path = f"-{context.hardware_path}" if context.hardware_path else ""
        return self.folder / name / re.sub(r"[^\w.-]+", "_", f"{context.subject.id}{path}")[-150:].lstrip(".-")

    def take(self, made: Path, place: Path) -> str:
        """Copy the files below `made`, in place of an earlier run's; links and what is no file are passed over.

        Gives what isn't there for want of room, or why, as an end of a sentence.
        """
        left: list[str] = []
        try:
            remove_tree(place)
            room = MOST_BYTES - sum(length for _, length in _files(self.folder))
            for file, length in sorted(_files(made), key=lambda found: found[1]):  # logs and commands come first
                if length > room:
                    left.append(file.name)
                    continue
                room -= length
                target = place / file.relative_to(made)
                target.parent.mkdir(parents=True, exist_ok=True)
                with _opened(file) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
        except OSError as error:
            return f"; not all of it: {error.strerror}"
        return f"; {', '.join(left)} left out: {self.folder} may hold {MOST_BYTES // 10**6} MB" if left else ""


def _opened(file: Path) -> BinaryIO:
    return os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """The regular files below a folder, with their lengths."""
    for directory, _, names in os.walk(folder):
        for name in names:
            status = (Path(directory) / name).lstat()
            if stat.S_ISREG(status.st_mode):
                yield Path(directory) / name, status.st_size


def noted(context: Context, place: Path, run: Callable[[Path], Transcoded]) -> Transcoded:
    """Run a transcode whose outputs go to `place`; what was run, and what it printed, beside it if that may be kept."""
    if context.subject.bench.keep is None:
        return run(place)
    try:
        result = run(place)
    except TranscodeFailed as error:
        _note(place, error.command.argv, error.command.exit_code, error.command.stdout, error.command.stderr)
        raise
    except CommandTimeout as error:
        _note(place, error.argv, None, "", error.message)
        raise
    command = result.command
    _note(place, command.argv, command.exit_code, command.stdout, command.stderr)
    return result


def _note(place: Path, argv: Sequence[str], exit_code: int | None, stdout: str, stderr: str) -> None:
    ended = "it was killed" if exit_code is None else f"exit code {exit_code}"
    words = f"$ {shlex.join(argv)}\n{ended}\n\n{stderr}\n{stdout}"
    place.with_name(f"{place.name}.log").write_text(words, encoding="utf-8", errors="backslashreplace")


def keeping(context: Context, name: str, made: Path, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings; where one of them is an error, what lies in `made` is kept, and the first says where."""
    keep = context.subject.bench.keep
    if keep is None:
        yield from findings
        return
    found = list(findings)
    first = next((n for n, finding in enumerate(found) if finding.severity in (None, Severity.ERROR)), None)
    if first is not None:
        place = keep.place(context, f"transcode.{name}")
        left = keep.take(made, place)
        fix = f"{found[first].fix} What it made lies in {place}{left}.".lstrip()
        found[first] = replace(found[first], fix=fix)
    yield from found
