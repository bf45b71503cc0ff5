"""A stretch of a live stream: its clock runs over in the middle, and later nothing comes for five seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from .sound import FPS, Track, Writer

FRAMES = 96
WRAP_SECONDS = 1
"""When the 33 bits of the clock (90 kHz) run over."""
GAP_FRAME, GAP_SECONDS = 50, 5
"""The first frame after the gap, and how long nothing comes."""
_CLOCK = 90_000
_FRAME = _CLOCK // FPS
# Whole frames, so that every time base can hold it.
_START = ((1 << 33) - WRAP_SECONDS * _CLOCK) // _FRAME * _FRAME


class _Shifted:
    """An output container whose packets come later: by the start of the clock, and by the gap."""

    def __init__(self, out: Any) -> None:
        self._out = out

    def add_stream(self, *words: Any, **options: Any) -> Any:
        return self._out.add_stream(*words, **options)

    def mux(self, packets: Any) -> None:
        for packet in packets:
            rate = round(1 / packet.time_base)
            later = _START * rate // _CLOCK
            if packet.pts * FPS >= GAP_FRAME * rate:
                later += GAP_SECONDS * rate
            packet.pts, packet.dts = packet.pts + later, packet.dts + later
            self._out.mux(packet)


def _live(path: Path) -> None:
    with av.open(str(path), "w", format="mpegts", options={"fflags": "+bitexact"}) as out:
        Writer(_Shifted(out), [Track("stereo", 96_000)], crf=24).write(0, FRAMES)


CLIPS = {"live-256x144.ts": _live}
