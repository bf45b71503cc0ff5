"""The judge's own scaling is held against FFmpeg's, and the barcode against the sizes of rungs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.media import barcode, judge
from pytest_mediaimage.media.pictures.compare import compare
from pytest_mediaimage.media.pictures.planes import psnr_of
from pytest_mediaimage.media.pictures.resizing import Resized, resize


@pytest.mark.parametrize("size", [(256, 144), (128, 72), (320, 180), (320, 90)])
def test_it_scales_as_ffmpeg_does(any_ffmpeg: str, source: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    output = tmp_path / "small.mkv"
    flags = f"scale={size[0]}:{size[1]}:flags=bicubic+accurate_rnd+bitexact"
    argv = [any_ffmpeg, "-v", "error", "-i", source, "-vf", flags, "-frames:v", "10", "-c:v", "ffv1", "-an", output]
    subprocess.run(argv, check=True, timeout=60)
    scores = compare(source, output, view=Resized(*size)).scores
    assert len(scores) == 10
    assert min(score.psnr[0] for score in scores) > 65
    assert min(min(score.psnr) for score in scores) > 50


def test_ten_bit(any_ffmpeg: str, tmp_path: Path) -> None:
    big, small = tmp_path / "big.mkv", tmp_path / "small.mkv"
    head = [any_ffmpeg, "-v", "error"]
    graph = "testsrc2=s=320x180:d=0.2,format=yuv420p10le"
    subprocess.run([*head, "-f", "lavfi", "-i", graph, "-c:v", "ffv1", big], check=True, timeout=60)
    scale = "scale=160:90:flags=bicubic+accurate_rnd+bitexact"
    subprocess.run([*head, "-i", big, "-vf", scale, "-c:v", "ffv1", small], check=True, timeout=60)
    scores = compare(big, small, view=Resized(160, 90)).scores
    assert scores and min(min(score.psnr) for score in scores) > 60


@given(st.integers(0, 255), st.integers(8, 60), st.integers(8, 60))
def test_an_even_plane_stays_even(value: int, rows: int, columns: int) -> None:
    plane = np.full((36, 48), value, np.uint8)
    assert (resize(plane, rows, columns, 255) == value).all()


def test_the_same_size_is_left_alone(source: Path) -> None:
    frame = next(judge.frames(source))
    assert Resized(384, 216).source(frame) is frame


def test_a_shift_by_a_pixel_shows(source: Path) -> None:
    frame = next(judge.frames(source))
    small = Resized(128, 72).source(frame).samples(0).astype(np.float64)
    error = float(((small[:, 1:] - small[:, :-1]) ** 2).mean())
    assert psnr_of(error) < 30


@pytest.mark.parametrize("size", [(256, 144), (128, 72), (64, 48)])
def test_the_barcode_survives_small_sizes(source: Path, size: tuple[int, int]) -> None:
    for frame in judge.frames(source):
        mark = barcode.read(Resized(*size).source(frame).samples(0))
        assert mark == (frame.index, 0)
        if frame.index == 20:
            break
