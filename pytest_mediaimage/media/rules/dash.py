"""DASH (ISO/IEC 23009-1): a manifest and the segments of its representations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...errors import JudgeError
from ..case import Problem
from ..made import Made
from ..streaming.playlists import Manifest
from ..streaming.reading import read
from .segments import Limits, Track, judge_tracks

_SLACK = 0.05  # seconds: an audio encoder's priming and padding


@dataclass(frozen=True, slots=True)
class Dash:
    """A finished presentation: what the manifest says of its representations is so, and joined they are the source."""

    limits: Limits
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        name = self.output or made.main
        manifest = read(made.path(name))
        if not isinstance(manifest, Manifest):
            raise JudgeError(f"{name} is no DASH manifest")
        if not manifest.static:
            message = f"{name} is dynamic: players take it for live, and wait for more"
            yield Problem(message, f"{name}: dynamic", "Let ffmpeg end by itself, without -streaming 1.")
        length = made.original.duration
        if manifest.duration is None:
            yield Problem(f"{name} doesn't say how long it is", f"{name}: no duration", "Let ffmpeg end by itself.")
        elif length and abs(manifest.duration - length) > _SLACK:
            message = f"{name} is declared to last {manifest.duration:.3f} s, the source lasts {length:.3f} s"
            yield Problem(message, f"{name}: duration", "Wait for the packager's end.")
        tracks = [
            Track(
                label=f"{name}, representation {item.id}",
                playlist=name,
                segments=item.segments,
                kind=item.kind,
                codecs=item.codecs,
                bandwidth=item.bandwidth,
                width=item.width,
                height=item.height,
            )
            for item in manifest.representations
            if item.kind in ("video", "audio", "")
        ]
        yield from judge_tracks(made, tracks, self.limits)
