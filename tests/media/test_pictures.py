"""Variable rate, odd size, rotated, interlaced: the right outputs pass, and each fault is made for real and named."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from case_runs import problems, run

from pytest_mediaimage.media import barcode, judge, probing, samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clips.pictures import FRAMES, vfr_times
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.pictures import compare
from pytest_mediaimage.media.pictures.orientation import TURNS, turn, upright
from pytest_mediaimage.media.pictures.views import Crop, Field
from pytest_mediaimage.media.rules.geometry import combing
from pytest_mediaimage.media.rules.streams import Streams

NAMES = ("vfr", "odd-size", "rotated", "interlaced", "interlaced-kept")


@pytest.mark.parametrize("name", NAMES)
def test_good_outputs_pass(name: str, any_ffmpeg: str, tmp_path: Path) -> None:
    assert problems(CASES[name], run(CASES[name], any_ffmpeg, tmp_path)) == ""


def test_what_the_samples_are() -> None:
    vfr = [frame.time for frame in judge.frames(samples.sample("vfr-256x144"))]
    assert vfr == pytest.approx([time / 600 for time in vfr_times()], abs=1e-4)
    assert len({round(b - a, 4) for a, b in pairwise(vfr) if a is not None and b is not None}) > 4
    odd = next(judge.frames(samples.sample("odd-321x181")))
    assert [plane.shape for plane in odd.planes] == [(181, 321), (91, 161), (91, 161)]
    rotated = next(judge.frames(samples.sample("rotated-256x384")))
    assert (rotated.width, rotated.height, rotated.matrix) == (384, 256, (0, 65536, -65536, 0))
    interlaced = probing.probe(samples.sample("interlaced-384x216")).video
    assert interlaced is not None
    assert interlaced.field_order == "tt"
    assert next(judge.frames(samples.sample("interlaced-384x216"))).interlaced


FAULTS = {
    "constant rate": ("vfr", ["-fps_mode", "cfr", "-r", "60"], "shown more than once"),
    "constant rate, dropped": ("vfr", ["-fps_mode", "cfr", "-r", "20"], "missing"),
    "evenly spread": ("vfr", ["-vf", "setpts=N/25/TB"], "earlier or later than in the source"),
    "rounded": ("vfr", ["-vf", "setpts='round(PTS*TB*100)/100/TB'"], "ms earlier or later than in the source"),
    "odd, squeezed": ("odd-size", ["-vf", "scale=320:180:flags=bicubic"], "mean PSNR-Y is"),
    "odd, from the other corner": ("odd-size", ["-vf", "crop=320:180:1:1:exact=1"], "mean PSNR-Y is"),
    "odd, padded": ("odd-size", ["-vf", "pad=322:182"], "video width is 322, 320 was expected"),
    "not turned, flag lost": (
        "rotated",
        ["-vf", "transpose=cclock"],
        "the picture is turned by 90 degrees counterclockwise",
    ),
    "turned twice": ("rotated", ["-vf", "transpose=clock"], "the picture is turned by 90 degrees clockwise"),
    "squeezed into the old size": ("rotated", ["-vf", "scale=384:256"], "video width is 384, 256 was expected"),
    "combing left": ("interlaced", ["-vf", "null"], "of the source's combing is left, at most 25%"),
    "combing scaled": ("interlaced", ["-vf", "scale=384:214,scale=384:216"], "of the source's combing is left"),
    "still interlaced": ("interlaced", ["-vf", "null", "-flags:v", "+ildct+ilme"], "still marked as interlaced"),
    "the other field": ("interlaced", ["-vf", "bwdif=mode=send_frame:parity=bff"], "mean PSNR-Y is"),
    "fields, progressive": (
        "interlaced-kept",
        ["-flags:v", "-ildct-ilme"],
        "frames 0-49 of 50 not marked as interlaced",
    ),
    "fields, woven anew": ("interlaced-kept", ["-vf", "bwdif=mode=send_frame"], "bottom field: frame"),
    "fields, the other order": (
        "interlaced-kept",
        ["-vf", "setfield=bff"],
        "frames 0-49 with the bottom field first, the source's begin with the other",
    ),
    "fields, changed places": ("interlaced-kept", ["-vf", "il=ls=1:cs=1"], "top field: frame"),
    "fields, a line lower": ("interlaced-kept", ["-vf", "fieldorder=bff"], "bottom field: frame"),
    "a frame per field": ("interlaced", ["-vf", "bwdif=mode=send_field"], "shown more than once"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault: str, static_ffmpeg: str, tmp_path: Path) -> None:
    name, options, message = FAULTS[fault]
    assert message in problems(CASES[name], run(CASES[name], static_ffmpeg, tmp_path, *options))


def test_a_kept_display_matrix_is_upright_too(static_ffmpeg: str, tmp_path: Path) -> None:
    case, output = CASES["rotated"], tmp_path / "output.mp4"
    source = samples.sample(case.sample)
    subprocess.run([static_ffmpeg, "-v", "error", "-i", source, "-c", "copy", output], check=True, timeout=60)
    kept = tuple(replace(rule, width=384, height=256) if isinstance(rule, Streams) else rule for rule in case.rules)
    assert problems(replace(case, rules=kept), Made.of(source, output)) == ""


def test_turns_and_back() -> None:
    luma = np.random.default_rng(3).integers(0, 256, (120, 160), np.uint8)
    barcode.draw(luma, 7, 0)
    planes = (luma, luma[::2, ::2].copy(), luma[1::2, ::2].copy())
    for a, b, c, d in TURNS.values():
        turned = turn(luma, (a, b, c, d))
        assert not np.array_equal(turned, luma)
        small = tuple(np.ascontiguousarray(turn(plane, (a, b, c, d))) for plane in planes)
        frame = judge.Frame(0, 0.0, turned.shape[1], turned.shape[0], "yuv420p", 8, small, matrix=(a, c, b, d))
        back = upright(frame)
        assert all(np.array_equal(x, y) for x, y in zip(back.planes, planes, strict=True))
        assert (back.width, back.height) == (160, 120)


def test_angles_between_are_left_alone() -> None:
    plane = np.zeros((48, 64), np.uint8)
    frame = judge.Frame(0, 0.0, 64, 48, "gray", 8, (plane,), matrix=(46341, 46341, -46341, 46341))
    assert upright(frame) is frame


def test_views() -> None:
    luma = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8)
    frame = judge.Frame(0, 0.0, 8, 6, "yuv420p", 8, (luma, luma[:3, :4], luma[3:, 4:]))
    cut = Crop(4, 2, left=2, top=2).source(frame)
    assert (cut.width, cut.height) == (4, 2)
    assert np.array_equal(cut.planes[0], luma[2:4, 2:6])
    assert np.array_equal(cut.planes[1], luma[1:2, 1:3])
    assert Crop(100, 100).source(frame).width == 8
    assert np.array_equal(Field(1).source(frame).planes[0], luma[1::2])


def test_combing_is_of_weaves_and_not_of_texture() -> None:
    random = np.random.default_rng(1)
    smooth = np.repeat(random.integers(40, 200, (27, 64), np.uint8), 4, axis=0)
    assert combing(smooth) == 0
    woven = smooth.copy()
    woven[1::2] = np.roll(smooth, 9, axis=1)[1::2]
    assert combing(woven) > 0.02


def test_a_view_compares_what_is_left_of_the_source() -> None:
    source = samples.sample("odd-321x181")
    assert "can't be compared" not in compare.compare(source, source).uncompared
    assert len(list(judge.frames(source))) == FRAMES
