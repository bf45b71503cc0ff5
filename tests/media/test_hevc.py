"""HDR10 kept, and HDR10 brought to SDR: the right outputs pass, and each fault is made for real and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from case_runs import problems, run

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import judge, probing, samples
from pytest_mediaimage.media.case import Case, Needs
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clips.hdr import planes10_of
from pytest_mediaimage.media.clips.writing import Encoding, write
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.pictures.light import Light, Mastering, light_of
from pytest_mediaimage.media.pictures.nearer import nearer
from pytest_mediaimage.media.pictures.tonemap import ToneMapped

HDR10, SDR = CASES["hevc-hdr10"], CASES["hdr-to-sdr"]
_PARAMS = HDR10.recipe.argv[HDR10.recipe.argv.index("-x265-params") + 1]
_LIGHT = _PARAMS.index(":master-display")
_BASE = _PARAMS[:_LIGHT]


def _params(text: str) -> list[str]:
    return ["-x265-params", text]


def test_what_the_sample_carries() -> None:
    video = probing.probe(samples.sample(HDR10.sample)).video
    assert video is not None
    assert (video.profile, video.pix_fmt) == ("Main 10", "yuv420p10le")
    assert (video.color_primaries, video.color_transfer, video.color_matrix, video.color_range) == (
        ("bt2020", "smpte2084", "bt2020nc", "tv")
    )
    assert light_of(samples.sample(HDR10.sample)) == Light(
        Mastering((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329), 0.005, 1000.0), 1000, 400
    )


@pytest.mark.parametrize("case", [HDR10, SDR], ids=lambda case: case.name)
def test_good_outputs_pass(case: Case, any_ffmpeg: str, tmp_path: Path) -> None:
    assert problems(case, run(case, any_ffmpeg, tmp_path)) == ""


HDR10_FAULTS = {
    "8 bit": (["-pix_fmt", "yuv420p"], "pix_fmt is yuv420p, yuv420p10le was expected"),
    "profile": (["-pix_fmt", "yuv420p"], "profile is Main, Main 10 was expected"),
    "8 in 10 bit": (["-vf", "lutyuv=y=bitand(val\\,1020)"], "eight were used"),
    "no metadata": (_params(_BASE), "the mastering display's data is gone"),
    "no light": (_params(_PARAMS.partition(":max-cll")[0]), "MaxCLL is gone, 1000 was expected"),
    "other light": (_params(f"{_PARAMS[:-8]}1000,399"), "MaxFALL is 399, 400 was expected"),
    "other display": (
        _params(_PARAMS.replace("L(10000000,50)", "L(40000000,50)")),
        "mastering display max_luminance is 4000.0, 1000.0 was expected",
    ),
    "primaries in another order": (
        _params(_PARAMS.replace("G(13250,34500)B(7500,3000)", "G(7500,3000)B(13250,34500)")),
        "mastering display green is (0.15, 0.06)",
    ),
    "matrix tag": (["-colorspace", "bt709"], "color_matrix is bt709, bt2020nc was expected"),
    "transfer tag": (["-color_trc", "bt709"], "color_transfer is bt709, smpte2084 was expected"),
    "range tag": (["-color_range", "pc"], "color_range is pc, tv was expected"),
    "range": (["-vf", "scale=in_range=tv:out_range=pc,setparams=range=tv"], "plane Y is shifted by"),
    "brighter by one": (["-vf", "lutyuv=y=val+4"], "plane Y is shifted by +1.0 of 255"),
    "grey": (["-vf", "lutyuv=u=512:v=512"], "mean PSNR-U is"),
    "shifted": (["-vf", "crop=382:216:2:0,pad=384:216"], "mean PSNR-Y is"),
    "open GOP": (_params(f"{_PARAMS}:open-gop=1:keyint=25"), "groups of pictures are open"),
    "half the frames": (["-r", "12.5"], "missing"),
    "lower quality": (["-crf", "23"], "of the usual 52000"),
}


@pytest.mark.parametrize("fault", HDR10_FAULTS)
def test_hdr10_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = HDR10_FAULTS[fault]
    if fault not in ("lower quality", "open GOP"):
        options = ["-preset", "ultrafast", *options]
    assert message in problems(HDR10, run(HDR10, system_ffmpeg, tmp_path, *options))


def test_an_encoder_without_ten_bits(static_ffmpeg: str, tmp_path: Path) -> None:
    """It says nothing, exits 0 and writes 8 bits: the case is skipped for it, and would fail."""
    with pytest.raises(pytest.skip.Exception, match="lacks yuv420p10le"):
        run(HDR10, static_ffmpeg, tmp_path)
    needless = replace(HDR10, needs=Needs())
    assert "pix_fmt is yuv420p, yuv420p10le was expected" in problems(needless, run(needless, static_ffmpeg, tmp_path))


@pytest.mark.parametrize(
    ("shallow", "told"),
    [(lambda a: a, False), (lambda a: a & 0xFFFC, True), (lambda a: (a + 2) & 0xFFFC, True)],
    ids=["all", "cut off", "rounded"],
)
def test_last_bits(shallow: Callable[[Any], Any], told: bool, tmp_path: Path) -> None:
    path = tmp_path / "output.mp4"
    planes = ([shallow(plane) for plane in planes10_of(number)] for number in range(50))
    options = {"crf": "20", "x265-params": "log-level=none:pools=none:frame-threads=1"}
    write(path, planes, range(50), Encoding("libx265", options, pix_fmt="yuv420p10le", color=(9, 16, 9, 1)))
    assert ("eight were used" in problems(HDR10, Made.of(samples.sample(HDR10.sample), path))) is told


def test_a_frame_too_many_is_no_loss_of_depth(system_ffmpeg: str, tmp_path: Path) -> None:
    said = problems(HDR10, run(HDR10, system_ffmpeg, tmp_path, "-preset", "ultrafast", "-vf", "tpad=start=1"))
    assert "of the output carries no readable number" in said
    assert "eight were used" not in said


_TONEMAP = SDR.recipe.argv[SDR.recipe.argv.index("-vf") + 1]
SDR_FAULTS = {
    "not tone-mapped": (["-vf", "format=yuv420p,sidedata=mode=delete"], "mean PSNR-Y is"),
    "left as HDR": (["-vf", "format=yuv420p", "-color_trc", "smpte2084"], "color_transfer is smpte2084, bt709"),
    "too dark": (["-vf", f"{_TONEMAP},lutyuv=y=val*0.8"], "plane Y is shifted by -"),
    "black": (["-vf", f"{_TONEMAP},lutyuv=y=16:u=128:v=128"], "carry no readable number"),
    "green": (["-vf", f"{_TONEMAP},lutyuv=u=0:v=0"], "plane V is shifted by -"),
    "clipped": (["-vf", _TONEMAP.replace("hable", "clip")], "mean PSNR-Y is"),
    "other matrix": (["-vf", _TONEMAP.replace("m=bt709", "m=470bg")], "mean PSNR-Y is"),
    "full range": (["-vf", _TONEMAP.replace("r=tv", "r=pc")], "plane Y is shifted by"),
}


@pytest.mark.parametrize("fault", SDR_FAULTS)
def test_sdr_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = SDR_FAULTS[fault]
    assert message in problems(SDR, run(SDR, system_ffmpeg, tmp_path, *options))


@pytest.mark.parametrize("build", ["system", "newest"])
def test_the_judges_own_tone_mapping_is_zimgs(build: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """But for rounding, where nothing is lost behind it; zimg 3.0.4 mirrors the curve below zero, later ones don't."""
    made = run(SDR, request.getfixturevalue(f"{build}_ffmpeg"), tmp_path, "-crf", "0")
    assert problems(SDR, made) == ""
    assert min(float(made.metrics[f"psnr_{plane}_mean"]) for plane in "yuv") > 70


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_tone_mapping_that_an_output_is_nearest_to(mirrored: bool, tmp_path: Path) -> None:
    """Where nothing can be compared the first counts, and another rule tells why."""
    source, path = samples.sample(SDR.sample), tmp_path / "output.mp4"
    views = (ToneMapped(), ToneMapped(mirrored=True))
    shown = views[mirrored].source(next(judge.frames(source)))
    write(path, [[shown.samples(at) for at in range(3)]], range(1), Encoding("libx264", {"crf": "10"}))
    assert nearer(source, path, views) is views[mirrored]
    assert nearer(source, source, views) is views[0]
    assert nearer(source, samples.sample("part-1-256x144"), views) is views[0]


@pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 47), (66, 49)])
def test_tone_mapping_of_any_size(width: int, height: int) -> None:
    half = (height + 1) // 2, (width + 1) // 2
    planes = [np.full(shape, value, np.uint16) for shape, value in (((height, width), 500), (half, 512), (half, 512))]
    frame = judge.Frame(0, 0.0, width, height, "yuv420p10le", 10, tuple(plane.view(np.uint8) for plane in planes))
    mapped = ToneMapped().source(frame)
    assert [plane.shape for plane in mapped.planes] == [(height, width), half, half]
    assert [int(plane.max()) - int(plane.min()) for plane in mapped.planes] == [0, 0, 0]
    assert mapped.planes[1][0, 0] == mapped.planes[2][0, 0] == 128  # grey stays grey


def test_hdr_metadata_in_an_sdr_output(tmp_path: Path) -> None:
    source = samples.sample(SDR.sample)
    assert "still carries the HDR source's mastering display" in problems(SDR, Made.of(source, source))


def test_light_of_what_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "junk.mp4"
    path.write_bytes(b"junk" * 100)
    with pytest.raises(JudgeError, match=r"junk\.mp4"):
        light_of(path)
    assert "can't be read" in problems(SDR, Made.of(samples.sample(SDR.sample), path))
