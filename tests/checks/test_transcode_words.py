"""What the table says of a transcode, and of its limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_mediaimage.checks.transcode.words import budget, measured
from pytest_mediaimage.media.cases import CASES

PICTURES_AND_SOUND = {
    "psnr_y_mean": 40.984,
    "psnr_y_min": 38.5,
    "frames": 125,
    "audio track 0 correlation": 0.99,
    "audio track 1 correlation": 0.981,
    "audio track 0 offset": 0.001,
    "audio track 1 offset": -0.0042,
    "encoder": "x264 core 165",
    "stream_hash": "00",
}


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        (PICTURES_AND_SOUND, "PSNR-Y 40.98 dB, 125 frames, sound 0.981, 4.2 ms off"),
        (
            {"psnr_y_mean": 40.0, "software_psnr_y_mean": 41.5, "frames": 50},
            "PSNR-Y 40.00 dB (software 41.50 dB), 50 frames",
        ),
        ({"undamaged psnr_y_min": 41.68}, "PSNR-Y 41.68 dB and more"),
        ({"tile_ssim": 0.9737, "tile_bias": 0.4}, "SSIM 0.974"),
        ({"frames": 50, "captions": 50}, "50 frames, captions in 50"),
        ({"frames": 50, "metadata": 5}, "50 frames, 5 timed tags"),
        ({"loudness": -16.03}, "-16.03 LUFS"),
        ({"exit_code": 183}, "exit code 183"),
    ],
)
def test_what_says_most_is_told_of_the_worst_track(metrics: dict[str, float | int | str], told: str) -> None:
    assert measured(CASES["aac"], metrics) == told


def test_without_metrics_the_rules_are_counted() -> None:
    case = CASES["aac"]
    assert (measured(case, {}), measured(replace(case, rules=case.rules[:1]), {})) == ("2 rules", "1 rule")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("h264-aac", "PSNR-Y 36 dB, sound 0.98, 5 ms, golden frames"),
        ("h264-ladder", "PSNR-Y 45 dB, sound 0.95, 5 ms"),  # the highest rung's
        ("hls-fmp4", "PSNR-Y 45 dB, sound 0.98, 5 ms"),
        ("concat", "PSNR-Y 37.5 dB, sound 0.95, 5 ms"),
        ("loudnorm", "-16 ± 0.5 LUFS"),
        ("sprites", "SSIM 0.95"),
        ("truncated-input", "not 0"),
    ],
)
def test_the_limits_of_what_is_told(name: str, told: str) -> None:
    assert budget(CASES[name]) == told


def test_a_case_without_limits_has_no_budget() -> None:
    case = CASES["aac"]
    assert budget(replace(case, rules=case.rules[:1])) is None
