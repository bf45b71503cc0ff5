"""Clips put one after the other: all frames of all, in order, without a gap, and the sound in step at the seams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .. import barcode, judge
from ..case import Problem, Threshold
from ..made import Made
from ..pictures.identity import identify, named
from ..pictures.planes import PSNR_CAP, psnr_of
from ..pictures.references import source_frames
from ..sound.following import Track, track_of
from .audio import TRACK_METRICS, judge_track
from .timing import forwards, spans


@dataclass(slots=True)
class _Whole:
    """What the parts show one after the other: by number the time in seconds and the luma; and their sound."""

    times: dict[int, float] = field(default_factory=dict)
    lumas: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    tracks: list[Track] = field(default_factory=list)
    length: float = 0.0

    def add(self, path: Path, frame_seconds: float) -> None:
        first: float | None = None
        last = 0.0
        for frame in source_frames(path):
            mark = barcode.read(frame.planes[0])
            number = mark.number if mark else len(self.times)
            first = (frame.time or 0.0) if first is None else first
            last = (frame.time or 0.0) - first
            self.times[number], self.lumas[number] = self.length + last, frame.planes[0].copy()
        track = track_of(path)
        end = last + frame_seconds
        self.tracks.append(Track(track.cut(first or 0.0, (first or 0.0) + end), track.rate, 0.0))
        self.length += end

    def track(self) -> Track:
        return Track(np.concatenate([track.samples for track in self.tracks], axis=1), self.tracks[0].rate, 0.0)


@dataclass(frozen=True, slots=True)
class Joined:
    """The output is the source and then `parts`, names of the case's extras; 8 bits, frames numbered throughout.

    `thresholds` are those of AudioTracks, and a lower limit for `psnr_y_min` in dB. No frame is shown more than half a
    frame from where it belongs, counted from the output's first.
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": (*TRACK_METRICS, "psnr_y_min")}

    parts: tuple[str, ...]
    thresholds: Mapping[str, Threshold]
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        fps = (made.original.video and made.original.video.fps) or 25.0
        whole = _Whole()
        for path in (made.source, *(made.extras[name] for name in self.parts)):
            whole.add(path, 1 / fps)
        marks: list[barcode.Mark | None] = []
        shown: dict[int, float] = {}
        poor: dict[int, float] = {}
        limit = self.thresholds["psnr_y_min"].limit if "psnr_y_min" in self.thresholds else 0.0
        start: float | None = None
        least = PSNR_CAP
        for frame in judge.frames(made.path(self.output), limit=4 * len(whole.times) + 1000):
            mark = barcode.read(frame.planes[0]) if frame.bit_depth == 8 else None
            marks.append(mark)
            start = (frame.time or 0.0) if start is None else start
            if mark is None or mark.number not in whole.times:
                continue
            shown[mark.number] = (frame.time or 0.0) - start
            luma = whole.lumas[mark.number]
            if luma.shape == frame.planes[0].shape:
                error = np.subtract(frame.planes[0], luma, dtype=np.int32)
                psnr = psnr_of(float(np.einsum("ij,ij->", error, error)) / error.size)
                least = min(least, psnr)
                if psnr < limit:
                    poor[mark.number] = psnr
        made.metrics[f"{label}psnr_y_min"] = round(least, 2)
        for message in identify(marks, list(whole.times), 0).messages():
            yield Problem(f"{label}{message}", f"{label}frames", "Name every file in the list, once and in order.")
        if poor:
            worst = min(poor, key=lambda number: poor[number])
            yield Problem(
                f"{label}{named(list(poor))} unlike the source's: frame {worst} has PSNR-Y {poor[worst]:.1f} dB, "
                f"below {limit:g} dB",
                f"{label}psnr_y_min",
                "Compare encoder, version and options with those of the last good image.",
            )
        yield from forwards(spans(made.path(self.output)), label)
        late = [number for number, time in shown.items() if abs(time - whole.times[number]) > 0.5 / fps]
        if late:
            off = shown[late[0]] - whole.times[late[0]]
            yield Problem(
                f"{label}{named(late)} shown at the wrong time: frame {late[0]} {off * 1000:+.0f} ms",
                f"{label}seam",
                "Check the durations of the parts, and the list's duration, inpoint and outpoint.",
            )
        delays = {whole.times[number]: time + (start or 0.0) - whole.times[number] for number, time in shown.items()}
        if made.info(self.output).audio is None:
            yield Problem(f"{label}the output has no sound", f"{label}no audio", "Map the audio stream.")
            return
        yield from judge_track(
            self.thresholds, f"{label}audio", whole.track(), track_of(made.path(self.output)), delays, made.metrics
        )
