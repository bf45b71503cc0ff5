"""Clips for what is heard: tracks whose channels and moments can all be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..pictures.scaling import frame_of
from .writing import BT709, planes_of

RATE = 48000
FPS = 25
PART_FRAMES = 48
"""Frames of each part of a clip in two: 1.92 s, which are whole frames of AAC too (90 of 1024 samples)."""
WIDTH, HEIGHT = 256, 144
SEED = 31

#: Lowest and highest tone in Hz by channel name: no channel can be taken for another, LFE is below its 120 Hz.
BANDS = {
    "FL": (400, 700),
    "FR": (900, 1400),
    "FC": (1700, 2300),
    "LFE": (45, 90),
    "BL": (2700, 3300),
    "BR": (3700, 4400),
}
LAYOUTS = {
    "mono": ("FC",),
    "stereo": ("FL", "FR"),
    "5.1": ("FL", "FR", "FC", "LFE", "BL", "BR"),
}
_STEP = RATE // 20
_BEEP, _FLASH = 6000, 2
_X264 = "mbtree=0:threads=1:lookahead-threads=1:sliced-threads=0:open-gop=0:keyint=25:min-keyint=25"


@dataclass(frozen=True, slots=True)
class Track:
    """An audio track: `layout` is a name of LAYOUTS, `bit_rate` in bits per second."""

    layout: str
    bit_rate: int
    language: str = "und"
    title: str = ""
    disposition: int = 0


def tones(start: int, count: int, layout: str) -> NDArray[np.int16]:
    """Samples `start` to `start + count`, an array (channels, count).

    Each channel plays tones of 50 ms from its own band, chosen by PCG64, so that no stretch sounds like another and
    a shift in time has one answer only. With each flash of the picture all channels but LFE beep at 6 kHz.
    """
    t = np.arange(start, start + count, dtype=np.int64)
    steps = int(t[-1]) // _STEP + 1
    within = t % RATE
    flash = FPS // 2 // _FLASH * _FLASH
    beeping = (within >= flash * RATE // FPS) & (within < (flash + _FLASH) * RATE // FPS)
    rows = []
    for name in LAYOUTS[layout]:
        low, high = BANDS[name]
        raw = np.random.PCG64(list(BANDS).index(name)).random_raw(steps)
        hertz = low + (np.asarray(raw, np.uint64) >> np.uint64(40)).astype(np.int64) % (high - low)
        phase = np.concatenate(([0], np.cumsum(hertz * _STEP)))[t // _STEP] + hertz[t // _STEP] * (t % _STEP)
        beep = np.where(beeping & (name != "LFE"), wave(_BEEP * t) // 4, 0)
        rows.append(wave(phase) // 4 + beep)
    return np.stack(rows).astype(np.int16)


def wave(phase: NDArray[np.int64]) -> NDArray[np.int64]:
    """A sine within 6 %, from parabolas, -32768 to 32767; a cycle is RATE units of phase."""
    turn = phase * 65536 // RATE % 65536
    half = turn % 32768
    arch = half * (32768 - half) * 4 // 32768
    return np.where(turn < 32768, np.minimum(arch, 32767), -arch)


class Writer:
    """Writes pictures and sound side by side into an open container; the caller muxes what it adds itself."""

    def __init__(self, out: Any, tracks: Sequence[Track], *, crf: int) -> None:
        self._out = out
        self._video = out.add_stream("libx264", rate=FPS)
        self._video.width, self._video.height, self._video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._video.time_base = Fraction(1, FPS)
        self._video.options = {"preset": "medium", "crf": str(crf), "x264-params": _X264, "flags": "+bitexact+cgop"}
        context = self._video.codec_context
        context.thread_count = 1
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = BT709
        self._tracks = tracks
        self._audio = [self._add(track) for track in tracks]

    def _add(self, track: Track) -> Any:
        stream = self._out.add_stream("aac", rate=RATE, layout=track.layout)
        stream.bit_rate = track.bit_rate
        stream.options = {"flags": "+bitexact"}
        stream.metadata["language"] = track.language
        if track.title:
            stream.metadata["title"] = track.title
        stream.disposition = av.stream.Disposition(track.disposition)
        return stream

    def write(self, first: int, frames: int) -> None:
        """Frames `first` to `first + frames` and their sound; the first is shown at time 0."""
        done = 0
        for at in range(frames):
            picture = frame_of(planes_of(first + at, WIDTH, HEIGHT, seed=SEED), "yuv420p")
            picture.pts, picture.time_base = at, Fraction(1, FPS)
            self._out.mux(self._video.encode(picture))
            upto = RATE * (at + 1) // FPS
            while done + 1024 <= upto:
                self._sound(first, done)
                done += 1024
        for stream in (self._video, *self._audio):
            self._out.mux(stream.encode(None))

    def _sound(self, first: int, at: int) -> None:
        for stream, track in zip(self._audio, self._tracks, strict=True):
            pcm = tones(first * RATE // FPS + at, 1024, track.layout).T.reshape(1, -1)
            chunk = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm), format="s16", layout=track.layout)
            chunk.sample_rate, chunk.pts, chunk.time_base = RATE, at, Fraction(1, RATE)
            self._out.mux(stream.encode(chunk))


def part(path: Path, first: int = 0, frames: int = PART_FRAMES, crf: int = 22) -> None:
    """An MP4 of frames `first` and on, with stereo sound."""
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
        Writer(out, [Track("stereo", 96_000)], crf=crf).write(first, frames)


CLIPS = {
    "part-1-256x144.mp4": part,
    "part-2-256x144.mp4": partial(part, first=PART_FRAMES),
}
