"""A rule that stands alone, as in a team's own case, also tells where there is nothing that it could judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_mediaimage.media.case import Case, Rule, Threshold
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.rules.ladder import Rung
from pytest_mediaimage.media.rules.pictures import Pictures
from pytest_mediaimage.media.rules.scaled import Scaled
from pytest_mediaimage.media.rules.sizes import BitRate, VideoBytes
from pytest_mediaimage.media.rules.sound import Sound
from pytest_mediaimage.media.verdict import judge_case

PICTURES = Pictures({"psnr_y_mean": Threshold(30, "test")})
SOUND = Sound({"audio_correlation": Threshold(0.9, "test")})


def _said(case: Case, rule: Rule, made: Made) -> list[str]:
    return [problem.message for problem in judge_case(replace(case, rules=(rule,), golden=False), made).problems]


@pytest.mark.parametrize(
    ("rule", "options", "told"),
    [
        (PICTURES, (), []),
        (SOUND, (), []),
        (PICTURES, ("-vn",), ["the output has no video stream"]),
        (Scaled(384, 216, {}), ("-vn",), ["the output has no video stream"]),
        (SOUND, ("-an",), ["the output has no audio stream"]),
        (
            PICTURES,
            ("-pix_fmt", "yuv422p"),
            ["the pictures can't be held to their limits: yuv422p can't be compared with yuv420p"],
        ),
        (
            PICTURES,
            ("-vf", "scale=192:108"),
            ["the pictures can't be held to their limits: 192x108 can't be compared with 384x216"],
        ),
        (Pictures({}), ("-vf", "scale=192:108"), []),
        (
            SOUND,
            ("-ac", "1"),
            ["the sound can't be held to its limits: 1 channel at 48000 Hz, 2 channels at 48000 Hz in the source"],
        ),
        (Sound({}), ("-ac", "1"), []),
        (VideoBytes(1000, "test"), ("-vn",), ["the output has no video stream"]),
        (BitRate(1000), ("-vn",), ["the output has no video stream"]),
    ],
)
def test_what_it_says(
    transcode: Any, case: Case, source: Path, rule: Rule, options: tuple[str, ...], told: list[str]
) -> None:
    assert _said(case, rule, Made.of(source, transcode(*options))) == told


@pytest.mark.parametrize("rule", [partial(VideoBytes, source="test"), BitRate, partial(Rung, "output.mp4")])
def test_nothing_is_no_share_of(rule: Callable[[int], object]) -> None:
    with pytest.raises(ValueError, match=": 0 "):
        rule(0)


def test_beside_the_streams_the_same_is_said_once(transcode: Any, case: Case, source: Path) -> None:
    messages = [problem.message for problem in judge_case(case, Made.of(source, transcode("-an"))).problems]
    assert messages == ["the output has no audio stream"]


def test_two_outputs_of_one_name_are_two(transcode: Any, case: Case, source: Path, tmp_path: Path) -> None:
    outputs = {}
    for name, options in (("high/v.mp4", ()), ("low/v.mp4", ("-vf", "hflip"))):
        outputs[name] = tmp_path / name
        outputs[name].parent.mkdir()
        outputs[name].write_bytes(Path(transcode(*options)).read_bytes())
    made = Made(source, outputs)
    assert _said(case, replace(PICTURES, output="high/v.mp4"), made) == []
    low = _said(case, replace(PICTURES, output="low/v.mp4"), made)
    assert low and all(line.startswith("low/v.mp4: ") for line in low)


def test_the_sound_of_two_outputs(transcode: Any, case: Case, source: Path, tmp_path: Path) -> None:
    outputs = {}
    for name, options in (("high.mp4", ()), ("low.mp4", ("-af", "adelay=100:all=1"))):
        outputs[name] = Path(transcode(*options, name=name))
    made = Made(source, outputs)
    rule = Sound({"audio_offset": Threshold(0.01, "test")})
    assert _said(case, replace(rule, output="high.mp4"), made) == []
    assert _said(case, replace(rule, output="low.mp4"), made) == [
        "low.mp4: sound is +100.0 ms off the picture, at most 10 ms is allowed"
    ]
    assert (made.metrics["high.mp4: audio_offset"], made.metrics["low.mp4: audio_offset"]) == (0.0, 0.1)
