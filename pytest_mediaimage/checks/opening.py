"""From what the user wrote to subjects: one for each image and platform."""

from __future__ import annotations

from collections.abc import Sequence

from ..image.digest import Platform
from ..image.reference import Reference
from ..image.sources import platforms_of
from .subject import Subject
from .workbench import Workbench


def open_subjects(bench: Workbench, images: Sequence[str], platforms: Sequence[str]) -> list[Subject]:
    """Open every image for every platform asked for.

    `platforms` empty means the host's; `all` every platform of the image. Raises UsageError, CorruptImage or
    EnvironmentFault.
    """
    subjects: list[Subject] = []
    for text in dict.fromkeys(images):
        reference = Reference.parse(text)
        wanted = [Platform(name) for name in platforms if name != "all"] or [Platform.host()]
        if "all" in platforms:
            wanted = list(platforms_of(reference, bench.opening))
        for platform in dict.fromkeys(wanted):
            subject = Subject(bench, reference, platform)
            # Opened here, so that an image that can't be is told before anything is collected.
            bench.prefer_docker |= subject.image.source == "docker"
            subjects.append(subject)
    return subjects
