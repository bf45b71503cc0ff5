"""Each fault is a real file; each must be named, and a good transcode must be clean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import clip
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.verdict import Judgement, judge_transcode


def _messages(judgement: Judgement) -> str:
    return "\n".join(problem.message for problem in judgement.problems)


def test_a_good_transcode(transcode: Any, case: Case, source: Path, any_ffmpeg: str) -> None:
    output = transcode(ffmpeg=any_ffmpeg)
    judgement = judge_transcode(case, source, output)
    assert judgement.problems == []
    metrics = judgement.metrics
    assert metrics["frames"] == 125
    assert metrics["bytes"] == output.stat().st_size
    assert str(metrics["encoder"]).startswith("x264 core")
    assert 39 < float(metrics["psnr_y_mean"]) < 42
    assert abs(float(metrics["audio_offset"])) < 0.001
    assert judgement.golden.status == "missing"


OPTIONS = {
    "no audio": (["-an"], "no audio stream"),
    "mono": (["-ac", "1"], "audio channels is 1, 2 was expected"),
    "44.1 kHz": (["-ar", "44100"], "audio sample_rate is 44100, 48000 was expected"),
    "other audio codec": (["-c:a", "ac3"], "audio codec is ac3, aac was expected"),
    "sides swapped": (["-af", "pan=stereo|c0=c1|c1=c0"], "changed sides"),
    "one channel twice": (["-af", "pan=stereo|c0=c0|c1=c0"], "audio channel 1 isn't the source's"),
    "silence": (["-af", "volume=0"], "audio channel 0 isn't the source's: correlation 0.000"),
    "half as loud": (["-af", "volume=0.5"], "dB softer than the source"),
    "silent end": (["-af", "volume=0:enable='gt(t,4.9)'"], "audio isn't the source's from 4.77 to 5.01 s"),
    "a hole": (["-af", "volume=0:enable='between(t,2.06,2.12)'"], "audio isn't the source's from "),
    "short sound": (["-af", "atrim=0:4.85"], "audio ends 0.15 s before the source's"),
    "drifting sound": (["-af", "asetrate=48024,aresample=48000"], "audio drifts by -1"),
    "late sound": (["-af", "adelay=30:all=1"], "sound is +30.0 ms off the picture"),
    "dropped frame": (["-vf", "select='not(eq(n,50))'", "-fps_mode", "passthrough"], "frame 50 missing"),
    "dropped run": (["-vf", "select='not(between(n,50,59))'", "-fps_mode", "passthrough"], "frames 50-59 missing"),
    "doubled frames": (["-r", "50"], "shown more than once"),
    "frame rate": (["-r", "50"], "frame rate is 50.0, 25.0 was expected"),
    "a thousandth slower": (
        [
            *("-vf", "settb=1/90000,setpts=N*3603.6", "-fps_mode", "passthrough"),
            *("-enc_time_base:v", "1:90000", "-video_track_timescale", "90000"),
        ],
        "frame rate is 24.975, 25.0 was expected",
    ),
    "mirrored": (["-vf", "hflip"], "the picture is mirrored"),
    "one step brighter": (["-vf", "lutyuv=y=val+1"], "plane Y is shifted by +"),
    "matrix tag of the pictures alone": (
        ["-bsf:v", "h264_metadata=matrix_coefficients=6"],
        "color_matrix is bt709 in the container, and smpte170m in the pictures",
    ),
    "cut short": (["-frames:v", "100"], "frames 100-124 missing"),
    "small": (["-vf", "scale=160:90"], "video width is 160, 384 was expected"),
    "4:2:2": (["-pix_fmt", "yuv422p"], "video pix_fmt is yuv422p, yuv420p was expected"),
    "10 bit": (["-pix_fmt", "yuv420p10le"], "video pix_fmt is yuv420p10le, yuv420p was expected"),
    "chroma swapped": (["-vf", "swapuv"], "U and V are swapped"),
    "colours shifted": (["-vf", "lutyuv=u=val+6"], "plane U is shifted by +"),
    "colours slightly shifted": (["-vf", "lutyuv=v=val-2"], "plane V is shifted by -"),
    "grey": (["-vf", "hue=s=0"], "mean PSNR-U is"),
    "range": (["-vf", "scale=in_range=tv:out_range=pc,setparams=range=tv"], "mean PSNR-Y is"),
    "matrix": (["-vf", "scale=in_color_matrix=bt601:out_color_matrix=bt709"], "mean PSNR-V is"),
    "one pixel shift": (["-vf", "crop=382:216:2:0,pad=384:216"], "mean PSNR-Y is"),
    "poor quality": (["-crf", "40"], "mean PSNR-Y is"),
    "poor frame": (["-vf", "boxblur=4:1:enable='eq(n,7)'"], "frame 7: PSNR-Y"),
    "late frames": (["-vf", "setpts='PTS+gte(N,100)*2/25/TB'"], "frames 100-124 shown earlier or later"),
    "long GOP": (["-g", "250"], "a group of pictures lasts up to 5 s"),
    "other codec": (["-c:v", "libx265"], "video codec is hevc, h264 was expected"),
    "other container": (["-f", "matroska"], "container format is matroska,webm, mp4 was expected"),
    "wrong tags": (["-vf", "setparams=color_primaries=bt470bg"], "color_primaries is bt470bg, bt709 was expected"),
    "range tag": (["-bsf:v", "h264_metadata=video_full_range_flag=1"], "color_range is pc, tv was expected"),
}


@pytest.mark.parametrize("fault", OPTIONS)
def test_a_fault_of_the_command_is_named(transcode: Any, case: Case, source: Path, fault: str) -> None:
    options, message = OPTIONS[fault]
    if fault == "long GOP":
        options = [*options, "-x264-params", "scenecut=0"]
    judgement = judge_transcode(case, source, transcode("-preset", "superfast", *options))
    assert message in _messages(judgement)
    assert all(problem.fix and problem.evidence for problem in judgement.problems)


def test_open_gops(transcode: Any, case: Case, source: Path) -> None:
    output = transcode("-flags:v", "+bitexact", "-x264-params", "open-gop=1:keyint=25:bframes=3")
    assert "groups of pictures are open" in _messages(judge_transcode(case, source, output))


def test_eight_bit_where_ten_was_asked_for(transcode: Any, case: Case, source: Path) -> None:
    ten = replace(case, rules=(replace(case.rules[0], pix_fmt="yuv420p10le"),))
    assert "pix_fmt is yuv420p, yuv420p10le was expected" in _messages(judge_transcode(ten, source, transcode()))


def _swap(pictures: list[Any]) -> list[Any]:
    pictures[10], pictures[11] = pictures[11], pictures[10]
    return pictures


def _noise(pictures: list[Any]) -> list[Any]:
    pictures[33] = np.random.default_rng(1).integers(0, 256, pictures[33].shape, np.uint8)
    return pictures


def _tear(pictures: list[Any]) -> list[Any]:
    pictures[7] = pictures[7].copy()
    pictures[7][60:180] = 16
    return pictures


def _spoil(pictures: list[Any]) -> list[Any]:
    pictures[7] = pictures[7].copy()
    pictures[7][120:132, 202:214] = np.random.default_rng(1).integers(16, 236, (12, 12), np.uint8)
    return pictures


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_spoil, "frame 7: 8x8 pixels at 204, 12"),
        (_swap, "frames 10 and 11 swapped"),
        (_noise, "frame 33 of the output carries no readable number"),
        (_tear, "frame 7: PSNR-Y 9"),
        (lambda pictures: pictures[:60] + pictures[59:124], "frame 59 shown more than once"),
    ],
)
def test_a_fault_of_the_pictures_is_named(reencode: Any, case: Case, source: Path, change: Any, message: str) -> None:
    assert message in _messages(judge_transcode(case, source, reencode(change)))


def test_unchanged_pictures_are_clean(reencode: Any, case: Case, source: Path) -> None:
    assert judge_transcode(case, source, reencode(lambda pictures: pictures)).problems == []


def test_replay_is_noticed(transcode: Any, case: Case, source: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.mp4"
    nonce = clip.fresh_clip(fresh)
    honest = transcode(origin=fresh)
    judgement = judge_transcode(case, fresh, honest, nonce=nonce)
    assert judgement.problems == []
    assert judgement.metrics["frames"] == 25

    replayed = judge_transcode(case, fresh, transcode(origin=source), nonce=nonce)
    assert f"nonce 0 instead of {nonce}" in _messages(replayed)
    assert "not made from this input" in _messages(replayed)

    yesterday = tmp_path / "yesterday.mp4"
    clip.fresh_clip(yesterday)
    assert "not made from this input" in _messages(judge_transcode(case, fresh, transcode(origin=yesterday)))


def test_unreadable_outputs(transcode: Any, case: Case, source: Path, tmp_path: Path) -> None:
    output = transcode()
    whole = output.read_bytes()
    for content in (b"", b"junk" * 100, whole[: len(whole) // 2]):
        output.write_bytes(content)
        assert "the output can't be read" in _messages(judge_transcode(case, source, output))
    assert "the output can't be read" in _messages(judge_transcode(case, source, tmp_path / "none.mp4"))


def test_a_damaged_output(transcode: Any, case: Case, source: Path, break_frame: Any) -> None:
    output = transcode()
    break_frame(output, 60)
    assert "can't be decoded to its end" in _messages(judge_transcode(case, source, output))


def test_sound_only(transcode: Any, case: Case, source: Path) -> None:
    assert "no video stream" in _messages(judge_transcode(case, source, transcode("-vn")))


def test_a_broken_source_is_not_the_images_fault(case: Case, source: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"broken")
    with pytest.raises(JudgeError, match=r"broken\.mp4"):
        judge_transcode(case, broken, source)
