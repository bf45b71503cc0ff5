"""Sprite sheets: right ones pass, and each fault is made for real and named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from case_runs import problems, run

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clip import fresh_clip

CASE = CASES["sprites"]
_SCALE = "scale=128:72:flags=bicubic"


def test_good_sheets_pass(any_ffmpeg: str, tmp_path: Path) -> None:
    made = run(CASE, any_ffmpeg, tmp_path)
    assert problems(CASE, made) == ""
    assert float(made.metrics["tile_ssim"]) > 0.97


FAULTS = {
    "too few": (["-frames:v", "2", "-vf", f"fps=4,{_SCALE},trim=end_frame=19,tile=4x3"], "there are 19 tiles, 20 were"),
    "too many": (["-vf", f"fps=4.2,{_SCALE},tile=4x3"], "there are 21 tiles, 20 were"),
    "other frames": (
        ["-vf", f"select='not(mod(n\\,6))',{_SCALE},tile=4x3"],
        "tile 0 shows frame 0, frame 3 was expected",
    ),
    "the wrong way": (["-vf", f"reverse,fps=4,{_SCALE},tile=4x3"], "tile 0 shows frame 121, frame 3 was expected"),
    "other grid": (["-vf", f"fps=4,{_SCALE},tile=3x4"], "4x3 tiles of 128x72 make 512x216"),
    "stretched": (["-vf", "fps=4,crop=216:216,scale=128:72,tile=4x3"], "carries no readable number"),
    "grey": (["-vf", f"fps=4,{_SCALE},lutyuv=u=128:v=128,tile=4x3"], "plane U of a tile is shifted by"),
    "brighter": (["-vf", f"fps=4,{_SCALE},lutyuv=y=val+2,tile=4x3"], "plane Y of a tile is shifted by +2"),
    "poor": (["-q:v", "25"], "isn't like the source scaled down"),
    "blurred": (["-vf", "fps=4,scale=64:36,scale=128:72,tile=4x3"], "isn't like the source scaled down"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault: str, static_ffmpeg: str, tmp_path: Path) -> None:
    options, message = FAULTS[fault]
    assert message in problems(CASE, run(CASE, static_ffmpeg, tmp_path, *options))


def test_sheets_of_another_clip(static_ffmpeg: str, tmp_path: Path) -> None:
    clip = tmp_path / "other.mp4"
    fresh_clip(clip, frames=125)
    made = run(CASE, static_ffmpeg, tmp_path, source=clip)
    other = replace(made, source=samples.sample(CASE.sample))
    assert "tile 0 is of another clip (19 more)" in problems(CASE, other)


def test_a_missing_and_a_broken_sheet(static_ffmpeg: str, tmp_path: Path) -> None:
    made = run(CASE, static_ffmpeg, tmp_path)
    made.path("sprites-2.jpg").write_bytes(b"")
    assert "sprites-2.jpg can't be read" in problems(CASE, made)
