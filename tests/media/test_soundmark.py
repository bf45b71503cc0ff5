"""The nonce that a clip's sound carries: read where it is ours, whatever was done to it, and nowhere else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from case_runs import problems
from numpy.typing import NDArray

from pytest_mediaimage.media import clip, samples, soundmark
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.rules.audio import another_clips
from pytest_mediaimage.media.sound import compare
from pytest_mediaimage.media.sound.following import Track, track_of

Pcm = NDArray[np.float32]


def played(nonce: int, seconds: float = 1.0) -> Pcm:
    """Samples (2, count) from -1 to 1."""
    packed = soundmark.sound(0, round(seconds * soundmark.RATE), 25, nonce)
    return np.ascontiguousarray(packed.reshape(-1, 2).T / np.float32(32768), np.float32)


@pytest.mark.parametrize("nonce", [0, 1, 0x800000, 0xFFFFFF, 0xAAAAAA, 0x800001, 12345678])
def test_what_was_played_is_read(nonce: int) -> None:
    assert soundmark.read(played(nonce), soundmark.RATE, 0.0) == nonce


@pytest.mark.parametrize("milliseconds", [-240, -40, -12, 7, 40, 80, 240])
def test_early_and_late_sound_is_read(milliseconds: int) -> None:
    """At 40 ms, a bit's length, each channel alone would give another number."""
    assert soundmark.read(played(12345678, 2.0), soundmark.RATE, milliseconds / 1000) == 12345678


def test_what_is_mixed_swapped_or_inverted_is_read() -> None:
    pcm = played(12345678)
    for changed in (pcm.mean(axis=0, keepdims=True), pcm[::-1], pcm * np.float32([[1], [-1]]), pcm * np.float32(0.1)):
        assert soundmark.read(changed, soundmark.RATE, 0.0) == 12345678


def test_other_sounds_carry_none() -> None:
    noise = np.random.default_rng(7).normal(0, 0.2, (2, soundmark.RATE)).astype(np.float32)
    for pcm in (noise, np.zeros((2, soundmark.RATE), np.float32), np.zeros((2, 0), np.float32), played(5)[:, :30000]):
        assert soundmark.read(pcm, soundmark.RATE, 0.0) is None
    assert soundmark.read(played(5), 44100, 0.0) is None
    for name in ("part-1-256x144", "tracks-256x144"):
        assert soundmark.read(*compare.samples(samples.sample(name))) is None


def test_a_damaged_bit_is_not_read_as_another_nonce() -> None:
    pcm = played(12345678)
    pcm[0, 9600:11520] = played(~12345678 & 0xFFFFFF)[0, 9600:11520]
    assert soundmark.read(pcm, soundmark.RATE, 0.0) is None


def test_chunks_join_without_a_seam() -> None:
    whole = soundmark.sound(0, 100_000, 25, 12345678)
    parts = [soundmark.sound(at, 1000, 25, 12345678) for at in range(0, 100_000, 1000)]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


def test_fresh_clips_carry_their_nonce_in_the_sound(tmp_path: Path) -> None:
    path = tmp_path / "fresh.mp4"
    nonce = clip.fresh_clip(path)
    assert soundmark.read(*compare.samples(path)) == nonce
    assert soundmark.read(*compare.samples(samples.sample("bars-384x216"))) == 0


def test_another_clips_sound_is_named() -> None:
    ours, theirs = (Track(played(nonce), soundmark.RATE, 0.0) for nonce in (77, 78))
    assert another_clips("audio", ours, ours) is None
    problem = another_clips("audio", ours, theirs)
    assert problem is not None
    assert problem.message == "audio is another clip's: nonce 78 instead of 77: it was not made from this input"
    # Where the source carries none nothing can be said.
    assert another_clips("audio", track_of(samples.sample("part-1-256x144")), theirs) is None


def test_sound_of_the_run_before_beside_this_runs_pictures(case: Case, system_ffmpeg: str, tmp_path: Path) -> None:
    last, fresh, output = (tmp_path / f"{name}.mp4" for name in ("last", "fresh", "output"))
    stale, nonce = clip.fresh_clip(last), clip.fresh_clip(fresh)
    maps = ("-map", "0:v", "-map", "1:a", "-c", "copy")
    subprocess.run([system_ffmpeg, "-v", "error", "-i", fresh, "-i", last, *maps, output], check=True, timeout=60)
    told = problems(case, Made(fresh, {output.name: output}, nonce))
    assert f"the sound is another clip's: nonce {stale} instead of {nonce}" in told
