from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.media import barcode, clip, judge, probing
from pytest_mediaimage.media.barcode import Mark
from pytest_mediaimage.media.sound import compare as sound


def _marks(path: Path) -> list[Mark | None]:
    return [barcode.read(frame.samples(0)) for frame in judge.frames(path)]


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1.mp4", tmp_path / "2.mp4"
    clip.make_clip(first, frames=30, nonce=5, seed=9)
    clip.make_clip(second, frames=30, nonce=5, seed=9)
    assert first.read_bytes() == second.read_bytes()
    clip.make_clip(second, frames=30, nonce=5, seed=10)
    assert first.read_bytes() != second.read_bytes()


@pytest.mark.parametrize(
    ("frames", "width", "height", "fps"), [(1, 64, 48, 25), (60, 640, 360, 50), (13, 322, 182, 24)]
)
def test_every_frame_carries_its_number(tmp_path: Path, frames: int, width: int, height: int, fps: int) -> None:
    path = tmp_path / "clip.mp4"
    clip.make_clip(path, frames=frames, nonce=77, width=width, height=height, fps=fps)
    assert _marks(path) == [Mark(number, 77) for number in range(frames)]
    video = probing.probe(path).video
    assert video is not None
    assert (video.width, video.height, video.fps, video.pix_fmt) == (width, height, fps, "yuv420p")


def test_streams(source: Path) -> None:
    info = probing.probe(source)
    video, audio = info.video, info.audio
    assert video is not None
    assert audio is not None
    assert (video.codec, video.color_primaries, video.color_transfer, video.color_matrix) == ("h264", *["bt709"] * 3)
    assert (video.color_range, video.frames, video.open_gops, video.encoder[:9]) == ("tv", 125, 0, "x264 core")
    assert (audio.codec, audio.channels, audio.sample_rate, audio.duration) == ("aac", 2, 48000, 5.0)


def test_flash_and_beep_come_together(source: Path) -> None:
    bright = [int(frame.samples(0)[180:, 310:].mean()) > 225 for frame in judge.frames(source)]
    pcm, rate, start = sound.samples(source)
    # The beep is 3 kHz; the sweeps stay below 1.5 kHz. Energy near 3 kHz frame by frame:
    loud = []
    for number in range(125):
        at = int((number / 25 - start) * rate)
        spectrum = np.abs(np.fft.rfft(pcm[0, at : at + rate // 25]))
        loud.append(bool(spectrum[116:125].max() > spectrum[:80].max() / 2))
    assert bright == loud
    assert sum(bright) == 10


def test_channels_differ(source: Path) -> None:
    pcm, _, _ = sound.samples(source)
    assert abs(float(np.corrcoef(pcm[0], pcm[1])[0, 1])) < 0.6


def test_fresh_clips_have_nonces_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "fresh.mp4"
    nonces = set()
    for _ in range(3):
        nonce = clip.fresh_clip(path, frames=5)
        assert _marks(path) == [Mark(number, nonce) for number in range(5)]
        nonces.add(nonce)
    assert len(nonces) == 3
    assert 0 not in nonces


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"frames": 4097}, {"nonce": 1 << 24}, {"width": 321}, {"height": 20}, {"fps": 0}]
)
def test_impossible_clips_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        clip.make_clip(tmp_path / "clip.mp4", **{"frames": 5, "nonce": 0, **wrong})
    assert not list(tmp_path.iterdir())


def test_the_generator_makes_the_committed_sample(script: Any) -> None:
    done = script("generate.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bars-384x216.mp4: as generated" in done.stdout
