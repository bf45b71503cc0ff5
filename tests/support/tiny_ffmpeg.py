"""The two tiny FFmpeg builds of ffmpeg/tiny_builds/build.sh, built once and kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import debs

BUILDS = ("lgpl-fdk-aac", "gpl-nonfree")
_SCRIPT = Path(__file__).parents[1] / "ffmpeg" / "tiny_builds" / "build.sh"


def build() -> dict[str, Path]:
    """The tools by name; a minute or two where they aren't there. Raises debs.CannotFetch without a compiler etc."""

    def make(folder: Path) -> None:
        work = folder / "work"
        debs.run(["sh", str(_SCRIPT), str(work)], folder)
        for name in BUILDS:
            (work / name / "ffmpeg").rename(folder / name)
        shutil.rmtree(work)

    folder = debs.kept("tiny-ffmpeg", make)
    return {name: folder / name for name in BUILDS}
