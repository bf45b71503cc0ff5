"""CycloneDX files: what each image of a run is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import MediaImageError
from .files import write_file

if TYPE_CHECKING:
    from ..checks.subject import Subject

VERSIONS = {"cyclonedx": "1.6", "cyclonedx-1.7": "1.7"}
"""The formats, with the version of CycloneDX that each writes."""
_LONGEST = 120  # characters of a file's name that tell the image


class Sbom(Protocol):
    """A CycloneDX BOM, as far as it's written to a file and told of."""

    @property
    def json(self) -> dict[str, Any]: ...
    @property
    def packages(self) -> str | None: ...
    @property
    def packages_missing(self) -> str | None: ...
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SbomFile:
    """A file that was written. `packages` tells what listed the packages (``syft 1.18.1``), None where they lack."""

    path: Path
    spec_version: str
    components: int
    packages: str | None
    packages_missing: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.path),
            "spec_version": self.spec_version,
            "components": self.components,
            "packages": self.packages,
            "packages_missing": self.packages_missing,
        }


def files_of(path: Path, ids: Sequence[str]) -> list[Path]:
    """Where the BOM of each image goes: a BOM has one subject, so several images get a file each.

    One image: `path` itself. Several: the image's id stands before the endings, as in
    ``bom-registry.example.com-team-ffmpeg-7.1-linux-amd64.cdx.json``.
    """
    if len(ids) == 1:
        return [path]
    ending = "".join(path.suffixes[-2:]) if path.name.lower().endswith(".cdx.json") else path.suffix
    stem = path.name.removesuffix(ending)
    names: dict[str, None] = {}
    for text in ids:
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[-_LONGEST:].strip("-.")
        number = 1
        while (name := f"{stem}-{slug}{f'-{number}' if number > 1 else ''}{ending}") in names:
            number += 1
        names[name] = None
    return [path.with_name(name) for name in names]


def write_sboms(
    wanted: Sequence[tuple[str, Path]], subjects: Sequence[Subject], make: Callable[[Subject, str], Sbom]
) -> tuple[Mapping[str, list[SbomFile]], list[MediaImageError]]:
    """Write a BOM of each subject to each destination; what was written, by the subject's id, and what went wrong.

    `make` gives a subject's BOM in a version of CycloneDX. Where an image has none, an older file goes.
    """
    written: dict[str, list[SbomFile]] = {}
    faults: dict[str, MediaImageError] = {}
    for kind, path in wanted:
        for subject, file in zip(subjects, files_of(path, [subject.id for subject in subjects]), strict=True):
            try:
                sbom = make(subject, VERSIONS[kind])
                write_file(kind, file, sbom.text())
            except MediaImageError as error:
                faults[str(error)] = error
                remove_old(file)
                continue
            count = len(sbom.json["components"])
            listed = SbomFile(file, VERSIONS[kind], count, sbom.packages, sbom.packages_missing)
            written.setdefault(subject.id, []).append(listed)
    return written, list(faults.values())


def remove_old(file: Path) -> None:
    """No BOM of an earlier run may be taken for this one's: a file that says it is ours is removed."""
    try:
        with file.open("rb") as opened:
            ours = b'"bomFormat": "CycloneDX"' in opened.read(1000)
        if ours:
            file.unlink()
    except OSError:
        return
