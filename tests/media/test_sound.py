from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media.case import Threshold
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.rules.sound import Sound
from pytest_mediaimage.media.sound import compare as sound


def test_a_track_equals_itself(source: Path) -> None:
    match = sound.compare_sound(source, source)
    assert match == sound.SoundMatch((1.0, 1.0), (0.0, 0.0), (0.0, 0.0), False)


@pytest.mark.parametrize("milliseconds", [3, 40, 120, 500, 1900])
def test_offset(transcode: Any, source: Path, milliseconds: int) -> None:
    match = sound.compare_sound(source, transcode("-af", f"adelay={milliseconds}:all=1"))
    assert match.offset == pytest.approx((milliseconds / 1000,) * 2, abs=0.0004)
    assert min(match.correlation) > 0.95


def test_far_off_the_offset_is_no_number(transcode: Any, source: Path) -> None:
    made = Made.of(source, transcode("-af", "adelay=2500:all=1"))
    (problem,) = Sound({"audio_offset": Threshold(0.04, "test")}).judge(made)
    assert problem.message == "the source's sound isn't heard within 2 s of its place, at most 40 ms is allowed"


def test_level(transcode: Any, source: Path) -> None:
    match = sound.compare_sound(source, transcode("-af", "volume=-6dB"))
    assert match.level == pytest.approx((-6.0, -6.0), abs=0.1)


def test_an_inverted_channel(transcode: Any, source: Path) -> None:
    match = sound.compare_sound(source, transcode("-af", "pan=stereo|c0=c0|c1=-1*c1"))
    assert match.inverted == (1,)
    assert match.correlation[0] > 0.99 > match.correlation[1]
    assert not match.swapped


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8", "flac"])
def test_sample_formats(transcode: Any, source: Path, codec: str) -> None:
    output = transcode("-c:a", codec, "-f", "matroska", name="output.mkv")
    match = sound.compare_sound(source, output)
    assert min(match.correlation) > 0.999
    assert match.level == pytest.approx((0, 0), abs=0.05)
    assert match.offset == pytest.approx((0, 0), abs=0.0005)


def test_rates_and_channels_must_agree(transcode: Any, source: Path) -> None:
    with pytest.raises(JudgeError, match="1 channels at 44100 Hz against 2 at 48000"):
        sound.compare_sound(source, transcode("-ac", "1", "-ar", "44100"))
    with pytest.raises(JudgeError, match="no audio"):
        sound.compare_sound(source, transcode("-an"))


def test_length_is_bounded(source: Path) -> None:
    pcm, rate, _ = sound.samples(source, limit_seconds=1)
    assert pcm.shape[1] == rate  # wherever the codec's frames end
