"""From what the user wrote to subjects: one for each image and platform."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PlatformNotFound, UsageError
from ..image.digest import Platform
from ..image.reference import Reference
from ..image.sources import platforms_of
from .subject import Subject
from .workbench import Workbench


def open_subjects(
    bench: Workbench, images: Sequence[str], platforms: Sequence[str], baseline: str = ""
) -> list[Subject]:
    """Open every image for every platform asked for.

    `platforms` empty means the host's; `all` every platform of the image. `baseline`, where it isn't empty, is the
    previous release, which must have each of these platforms. Raises UsageError, CorruptImage or EnvironmentFault.
    """
    compared = _baseline_reference(baseline)
    subjects: list[Subject] = []
    for text in dict.fromkeys(images):
        reference = Reference.parse(text)
        wanted = [Platform(name) for name in platforms if name != "all"] or [Platform.host()]
        if "all" in platforms:
            wanted = list(platforms_of(reference, bench.opening))
        for platform in dict.fromkeys(wanted):
            subject = Subject(bench, reference, platform, compared)
            # Opened here, so that an image that can't be is told before anything is collected.
            bench.prefer_docker |= subject.image.source == "docker"
            subjects.append(subject)
    for subject in subjects:
        _open_baseline(subject)
    return subjects


def _baseline_reference(text: str) -> Reference | None:
    try:
        return Reference.parse(text) if text else None
    except UsageError as error:
        raise UsageError(f"--media-baseline: {error.message}", remedy=error.remedy) from error


def _open_baseline(subject: Subject) -> None:
    """Open what the subject is compared with, for the same reason as the subject itself."""
    try:
        _ = subject.baseline
    except PlatformNotFound as error:
        raise UsageError(
            f"--media-baseline: {error.message}; {subject.label} is tested for {subject.platform}",
            remedy="Name a release that has this platform, or test only those that it has, with --media-platform.",
        ) from error
    except UsageError as error:
        raise UsageError(f"--media-baseline: {error.message}", remedy=error.remedy) from error
