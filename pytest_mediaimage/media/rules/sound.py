"""The sound against the source's: the same, as loud, in time, on the same sides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from ...errors import JudgeError
from ..case import Problem, Threshold
from ..made import Made
from ..probing import StreamInfo
from ..sound.compare import FAR_SECONDS, compare_sound
from ..sound.following import track_of
from .audio import another_clips, judge_track
from .streams import absent

_DRIFTS = 0.00005
"""Seconds from the first third to the last: what is less isn't why the whole is unlike the source's."""


SOUND_METRICS = ("audio_correlation", "audio_offset", "audio_level", "audio_stretch", "audio_drift")
"""What `Sound` holds to limits."""
_HEARD = 0.5
"""Correlation below which an offset means nothing."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The first audio stream is the source's, channel by channel.

    `thresholds`: a lower limit for `audio_correlation`, upper limits of the magnitude for `audio_offset` (seconds) and
    `audio_level` (dB). With a limit for `audio_stretch`, the least correlation of any 240 ms, or for `audio_drift`,
    what holds as a whole is also followed from beginning to end, as `AudioTracks` does.
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": SOUND_METRICS}

    thresholds: Mapping[str, Threshold]
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        label = made.label(self.output)
        for problem in self._problems(made, label):
            yield replace(problem, message=label + problem.message, evidence=label + problem.evidence)

    def _problems(self, made: Made, label: str) -> Iterator[Problem]:
        original, info = made.original, made.info(self.output)
        a, b = original.audio, info.audio
        if a is None:
            return
        if b is None:
            yield absent("", "audio")
            return
        if (a.channels, a.sample_rate) != (b.channels, b.sample_rate):
            if self.thresholds:
                message = f"the sound can't be held to its limits: {_form(b)}, {_form(a)} in the source"
                yield Problem(message, "other sound", "Keep channels and sample rate: look for -ac, -ar and filters.")
            return
        try:
            match = compare_sound(original.path, info.path)
        except JudgeError as error:
            yield Problem(
                f"the sound can't be judged: {error.message}", "audio damaged", "Look at what FFmpeg printed."
            )
            return
        # Against the picture, since a delay of both alike is none.
        delay = made.comparison(self.output).delay() if info.video else 0.0
        offset = max((value - delay for value in match.offset), key=abs)
        level = max(match.level, key=abs)
        made.metrics |= {
            f"{label}audio_correlation": min(match.correlation),
            f"{label}audio_offset": round(offset, 6),
            f"{label}audio_level": level,
        }
        no_limit = {"correlation": -1.0, "offset": math.inf, "level": math.inf}
        limits = {name: self._limit(f"audio_{name}", limit) for name, limit in no_limit.items()}
        if min(match.correlation) < limits["correlation"]:
            replayed = another_clips("the sound", track_of(original.path), track_of(info.path))
            if replayed:
                yield replayed
                return
        if match.swapped:
            yield Problem(
                "the audio channels have changed sides", "audio channels swapped", "Check the channel layout."
            )
            return
        for channel, value in enumerate(match.correlation):
            if value < limits["correlation"] and channel in match.inverted:
                yield Problem(
                    f"audio channel {channel} is inverted: where the source's sound goes up it goes down",
                    f"audio channel {channel} inverted",
                    "Check pan and aeval filters, and the wiring of channels: mixed to mono the sound is lost.",
                )
                return
            if value < limits["correlation"]:
                unlike = Problem(
                    f"audio channel {channel} isn't the source's: correlation {value:.3f}, "
                    f"below {limits['correlation']:g}",
                    f"audio channel {channel}",
                    "Check that the right audio stream is mapped, and its filters.",
                )
                # What says from when to when says more.
                followed, drift = self._followed(original.path, info.path, delay)
                if not followed and abs(drift) > _DRIFTS:
                    yield Problem(
                        f"audio drifts by {drift * 1000:+.1f} ms against the picture: each part of channel {channel} "
                        f"is the source's, but the whole has a correlation of {value:.3f}, below "
                        f"{limits['correlation']:g}",
                        "audio drift",
                        "Check sample rates, atempo and aresample, and time stamps that are made up anew.",
                    )
                    return
                yield from [problem for problem in followed if " from " in problem.message] or [unlike]
                return
        if abs(offset) > limits["offset"]:
            how = f"sound is {offset * 1000:+.1f} ms off the picture"
            if min(match.correlation) < _HEARD:
                how = f"the source's sound isn't heard within {FAR_SECONDS:g} s of its place"
            yield Problem(
                f"{how}, at most {limits['offset'] * 1000:g} ms is allowed",
                "audio offset",
                "Check the encoder's priming and the container's edit list.",
            )
        if abs(offset) <= limits["offset"] and abs(level) <= limits["level"]:
            yield from self._followed(original.path, info.path, delay)[0]
        if abs(level) > limits["level"]:
            yield Problem(
                f"sound is {abs(level):.2f} dB {'louder' if level > 0 else 'softer'} than the source, "
                f"at most {limits['level']:g} dB is allowed",
                "audio level",
                "Check volume, loudnorm and downmix filters.",
            )

    def _followed(self, source: Path, output: Path, delay: float) -> tuple[list[Problem], float]:
        """Holes, a lost end and drift, which hardly move the correlation of the whole; and the drift in seconds."""
        stretch, drift = self.thresholds.get("audio_stretch"), self.thresholds.get("audio_drift")
        if stretch is None and drift is None:
            return [], 0.0
        given = {"audio_correlation": stretch, "audio_drift": drift}
        limits = {name: limit for name, limit in given.items() if limit is not None}
        metrics: dict[str, float | int | str] = {}
        found = list(judge_track(limits, "audio", track_of(source), track_of(output), {0.0: delay}, metrics))
        return found, float(metrics.get("audio drift", 0.0))

    def _limit(self, name: str, default: float) -> float:
        return self.thresholds[name].limit if name in self.thresholds else default


def _form(audio: StreamInfo) -> str:
    plural = "" if audio.channels == 1 else "s"
    return f"{audio.channels} channel{plural} at {audio.sample_rate} Hz"
