"""What can go wrong, and whose fault it is.

::

    MediaImageError                   base; `remedy` says what to do
    ├── EnvironmentFault              the machine failed, not the image (exit code 10: retry)
    │   ├── EngineUnavailable         no container engine answers, or it refuses us
    │   ├── RegistryUnavailable       a registry, or a server that it sends us to, can't be reached or breaks off
    │   │   └── RegistryDenied        it asks for credentials that we lack, or refuses those we have
    │   ├── SandboxUnavailable        bubblewrap or user namespaces are missing or forbidden
    │   ├── ToolUnavailable           a program we call (syft, grype, trivy) is missing or broke
    │   ├── StorageFault              no space, or a directory that can't be written
    │   ├── runtime.base.DevicesRefused    a device of this machine can't be given to a container
    │   └── media.samples.SampleDamaged   a bundled clip isn't what its checksum says
    ├── UsageError                    what was asked for can't be done as it was asked (exit code 4)
    │   ├── InvalidReference          a reference, digest or platform that can't be parsed
    │   ├── PolicyError               the policy file is wrong: file and line
    │   ├── ImageNotFound             no source holds the image; lists every source tried
    │   └── PlatformNotFound          the image has no such platform; lists those it has
    ├── CorruptImage                  the image can't be read as one: names blob or layer, and byte
    │   └── ElfError                  a program or library in it that can't be read as one
    ├── CommandTimeout                a command in the container ran past its limit and was killed
    └── JudgeError                    a media file that the judge can't open or decode

An environment fault is never a failure of the image and never a pass. Every class takes the message
first and the remedy by keyword, and prints as ``message. remedy``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

# How far ffmpeg is, again and again (print_report in fftools/ffmpeg.c); the first of a log's tail may be cut.
_PROGRESS = re.compile(r"^frame= *\d+ |\bfps= *[\d.]+ q=|\btime=\S+ +bitrate= *\S+")


def without_progress(lines: Iterable[str]) -> list[str]:
    """What a command said, without ffmpeg's lines on how far it is."""
    return [line for line in lines if not _PROGRESS.search(line)]


class MediaImageError(Exception):
    """Base of every error that this package raises on purpose."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        if not self.remedy:
            return self.message
        if "\n" in self.message:  # a list of reasons: the remedy stands below it
            return f"{self.message.rstrip()}\n{self.remedy}"
        return f"{self.message.rstrip('.')}. {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[MediaImageError], args: tuple[object, ...], state: dict[str, object]) -> MediaImageError:
    """Errors with a constructor of their own cross process borders (xdist, pools) by their state."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class EnvironmentFault(MediaImageError):
    """The machine failed, not the image."""


class EngineUnavailable(EnvironmentFault):
    """No container engine answers, or it refuses us."""


class RegistryUnavailable(EnvironmentFault):
    """A registry, or a server that it sends us to, can't be reached, stalls, or answers with nonsense."""


class RegistryDenied(RegistryUnavailable):
    """A registry asks for credentials that we lack, or refuses those that we have."""


class SandboxUnavailable(EnvironmentFault):
    """bubblewrap or unprivileged user namespaces are missing or forbidden."""


class ToolUnavailable(EnvironmentFault):
    """A program that we call is missing, or broke."""


class StorageFault(EnvironmentFault):
    """No space left, or a directory that can't be written."""


class UsageError(MediaImageError):
    """What was asked for can't be done as it was asked."""


class InvalidReference(UsageError):
    """A reference, digest or platform that can't be parsed."""


_MISTAKES_TOLD = 10


class PolicyError(UsageError):
    """The policy is wrong; the message begins with ``file:line:`` where a line is known."""

    def __init__(self, message: str, *, file: Path | str, line: int | None = None, remedy: str = "") -> None:
        where = f"{file}:{line}" if line is not None else str(file)
        super().__init__(f"{where}: {message}", remedy=remedy)
        self.file = file
        self.line = line

    @classmethod
    def together(cls, mistakes: Sequence[PolicyError]) -> PolicyError:
        """One error that tells of all of them, at most ten, in the order of their lines."""
        ordered = sorted(mistakes, key=lambda mistake: mistake.line or 0)
        first = ordered[0]
        if len(ordered) == 1:
            return first
        told = [str(mistake) for mistake in ordered[:_MISTAKES_TOLD]]
        if len(ordered) > _MISTAKES_TOLD:
            told.append(f"and {len(ordered) - _MISTAKES_TOLD} more mistakes")
        one = cls("", file=first.file, line=first.line)
        one.message = "\n".join(told)
        return one


class ImageNotFound(UsageError):
    """No source holds the image, or `what` is kept as one. `tried` holds (source, reason) pairs."""

    def __init__(
        self, reference: str, tried: Sequence[tuple[str, str]], *, what: str = "image", remedy: str = ""
    ) -> None:
        reasons = "".join(f"\n  - {source}: {reason}" for source, reason in tried)
        super().__init__(f"{what} {reference!r} was not found; tried:{reasons}", remedy=remedy)
        self.tried = tuple(tried)


class PlatformNotFound(UsageError):
    """The image has no such platform."""

    def __init__(self, reference: str, wanted: str, available: Sequence[str]) -> None:
        listed = ", ".join(available) or "none"
        super().__init__(
            f"{reference} has no image for {wanted}; it has: {listed}",
            remedy=f"Pass --media-platform {available[0]}." if available else "",
        )
        self.available = tuple(available)


class CorruptImage(MediaImageError):
    """The image can't be read as one. `blob` is a digest or member name, `offset` a byte in it."""

    def __init__(self, message: str, *, blob: str = "", offset: int | None = None, remedy: str = "") -> None:
        where = f"{blob} at byte {offset}: " if blob and offset is not None else f"{blob}: " if blob else ""
        super().__init__(where + message, remedy=remedy)
        self.blob = blob
        self.offset = offset


class ElfError(CorruptImage):
    """A program or library that can't be read as one: not ELF, truncated, or against the format."""


class CommandTimeout(MediaImageError):
    """A command in the container ran past its limit and was killed, with all it had started."""

    def __init__(self, argv: Sequence[str], seconds: float, *, stderr_tail: str = "") -> None:
        words = "\n".join(without_progress(stderr_tail.splitlines())).strip()[-400:]
        tail = f"; its last words: {words}" if words else ""
        super().__init__(f"{argv[0]!r} did not end within {seconds:g} s and was killed{tail}")
        self.argv = tuple(argv)
        self.seconds = seconds


class JudgeError(MediaImageError):
    """A media file that the judge can't open or decode."""
