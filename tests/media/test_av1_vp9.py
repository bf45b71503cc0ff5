"""Constant quality with SVT-AV1 and libvpx-vp9: the right outputs pass, and each fault is made for real and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_runs import problems, run

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.rules.sizes import BitRate

AV1, VP9 = CASES["av1-svt"], CASES["vp9"]


@pytest.mark.parametrize("name", ["av1-svt", "vp9"])
def test_good_outputs_pass(name: str, any_ffmpeg: str, tmp_path: Path) -> None:
    assert problems(CASES[name], run(CASES[name], any_ffmpeg, tmp_path)) == ""


AV1_FAULTS = {
    "10 bit": (["-pix_fmt", "yuv420p10le"], "pix_fmt is yuv420p10le, yuv420p was expected"),
    "film grain": (["-svtav1-params", "lp=1:film-grain=50:film-grain-denoise=1"], "mean PSNR-Y is"),
    "long GOP": (["-g", "250"], "a group of pictures lasts up to 5 s"),
    "lower quality": (["-crf", "45"], "of the usual 168000; 25% either way"),
    "brighter by one": (["-vf", "lutyuv=y=val+1"], "plane Y is shifted by +1.1 of 255"),
}
_GEQ = "cb='cb(X,Y)':cr='cr(X,Y)'"
VP9_FAULTS = {
    "wrong aspect": (["-aspect", "4:3"], "sample_aspect is 3/4, 1 was expected"),
    "matrix tag": (["-colorspace", "bt470bg"], "color_matrix is bt470bg, bt709 was expected"),
    "brighter by one": (["-vf", "lutyuv=y=val+1"], "plane Y is shifted by +0."),
    "grey": (["-vf", "lutyuv=u=128:v=128"], "mean PSNR-U is"),
    "one pixel shift": (["-vf", f"geq=lum='lum(X-1,Y)':{_GEQ}"], "mean PSNR-Y is"),
    "half the frames": (["-r", "12.5"], "frame rate is 12.5, 25.0 was expected"),
    "half the frames, named": (["-r", "12.5"], "missing"),
    "turned": (["-vf", "transpose=clock"], "the picture is turned by 90 degrees clockwise"),
    "turned back": (["-vf", "transpose=cclock"], "the picture is turned by 90 degrees counterclockwise"),
    "upside down": (["-vf", "hflip,vflip"], "the picture is upside down"),
    "mirrored": (["-vf", "hflip"], "the picture is mirrored"),
    "lower quality": (["-crf", "36"], "of the usual 204000; 15% either way"),
    "cropped": (["-vf", "crop=352:198,scale=384:216"], "carry no readable number"),
}


@pytest.mark.parametrize("fault", AV1_FAULTS)
def test_av1_faults_are_named(fault: str, static_ffmpeg: str, tmp_path: Path) -> None:
    options, message = AV1_FAULTS[fault]
    assert message in problems(AV1, run(AV1, static_ffmpeg, tmp_path, *options))


@pytest.mark.parametrize("fault", VP9_FAULTS)
def test_vp9_faults_are_named(fault: str, static_ffmpeg: str, tmp_path: Path) -> None:
    options, message = VP9_FAULTS[fault]
    if fault not in ("lower quality", "brighter by one"):
        options = ["-deadline", "realtime", "-cpu-used", "8", *options]
    assert message in problems(VP9, run(VP9, static_ffmpeg, tmp_path, *options))


def test_bit_rates() -> None:
    made = Made.of(samples.sample("bars-384x216"), samples.sample("bars-384x216"))
    rate = made.original.video.bytes * 8 / 5 if made.original.video else 0
    for target, word in ((rate, ""), (rate / 1.2, "120% of"), (rate / 0.7, "70% of"), (rate / 0.8, "")):
        messages = [problem.message for problem in BitRate(round(target)).judge(made)]
        assert (word in "".join(messages)) if word else not messages
    assert made.metrics["video_bit_rate"] == round(rate)
    assert list(BitRate(round(rate / 0.8), least=0.9).judge(made))
