"""Bundled clips by name, verified before use."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import EnvironmentFault, UsageError

SUMS = "SHA256SUMS"


class SampleDamaged(EnvironmentFault):
    """A bundled clip is missing or isn't what its checksum says: the installation is at fault, not the image."""


def directory() -> Path:
    """Where the clips lie: inside the installed package, or beside it in a checkout.

    Raises SampleDamaged where there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "sample_media", package.parent / "sample_media"):
        if (candidate / SUMS).is_file():
            return candidate
    raise SampleDamaged("the bundled sample clips are missing", remedy="Reinstall pytest-mediaimage.")


def checksums(folder: Path | None = None) -> dict[str, str]:
    """sha256 (hex) by file name, from SHA256SUMS. Raises SampleDamaged where it can't be read."""
    path = (folder or directory()) / SUMS
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
        return {name.removeprefix("*"): digest for digest, name in pairs}
    except (OSError, ValueError) as error:
        raise SampleDamaged(f"{path} can't be read: {error}", remedy="Reinstall pytest-mediaimage.") from error


def sample(name: str, *, folder: Path | None = None) -> Path:
    """The clip `name` (file name, with or without its suffix), its sha256 verified; `folder` overrides where to look.

    Raises UsageError for an unknown name, SampleDamaged where the file isn't what SHA256SUMS says.
    """
    where = folder or directory()
    known = checksums(where)
    file = next((entry for entry in known if name in (entry, Path(entry).stem)), None)
    if file is None:
        raise UsageError(
            f"there is no sample {name!r}",
            remedy=f"Known samples: {', '.join(sorted(known))}. Name a file of your own by its whole path: "
            'Path(__file__).parent / "clip.mp4".',
        )
    path = where / file
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SampleDamaged(f"{path} can't be read: {error}", remedy="Reinstall pytest-mediaimage.") from error
    if digest != known[file]:
        raise SampleDamaged(
            f"{path} has sha256 {digest}, {SUMS} says {known[file]}",
            remedy="Reinstall pytest-mediaimage, or in a checkout run `git checkout sample_media`.",
        )
    return path


def find(name: str) -> Path:
    """A file by its absolute path, or else a bundled clip as `sample` gives it. Raises what `sample` raises."""
    path = Path(name)
    return path if path.is_absolute() and path.is_file() else sample(name)


def sample_sha256(name: str) -> str:
    """The sha256 (hex) of the clip `name`, as verified. Raises what `sample` raises."""
    return checksums()[sample(name).name]
