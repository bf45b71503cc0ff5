"""Every audio track from its beginning to its end: the channels in their places, in time with the picture, as loud."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

import av

from .. import soundmark
from ..case import Problem, Threshold
from ..made import Made
from ..sound.following import Stretch, Track, follow, sides, track_of
from .timing import picture_delays

_FOUND = 0.7  # correlation: another sound stays below, a stretched one above
_MOST = 0.6  # of all stretches
_SHORT = 0.06  # seconds: more than three frames of AAC or Opus


TRACK_METRICS = ("audio_correlation", "audio_offset", "audio_drift", "audio_level")
"""What `judge_track` holds to limits."""


@dataclass(frozen=True, slots=True)
class AudioTracks:
    """Audio streams of the output, followed through the source's, stretch by stretch and channel by channel.

    `tracks` are pairs: a stream of the output, the stream of the source that it must be. `thresholds`: a lower limit
    for `audio_correlation`, upper limits for `audio_offset` and `audio_drift` (seconds, against the picture) and
    `audio_level` (dB).
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": TRACK_METRICS}

    thresholds: Mapping[str, Threshold]
    tracks: tuple[tuple[int, int], ...] = ((0, 0),)
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        there = sum(stream.type == "audio" for stream in made.info(self.output).streams)
        delays = picture_delays(made, self.output)
        for index, source in self.tracks:
            name = f"{made.label(self.output)}audio track {index}"
            if index >= there:
                yield Problem(f"{name} is missing", f"{name} missing", "Map all audio streams: -map 0:a.")
                continue
            a, b = track_of(made.source, source), track_of(made.path(self.output), index)
            yield from judge_track(self.thresholds, name, a, b, delays, made.metrics)


def judge_track(
    thresholds: Mapping[str, Threshold],
    name: str,
    a: Track,
    b: Track,
    delays: Mapping[float, float],
    metrics: dict[str, float | int | str],
) -> Iterator[Problem]:
    """Hold a track against the source's; `delays` are the picture's by its time in the source, in seconds."""
    if (a.rate, len(a.samples)) != (b.rate, len(b.samples)):
        yield Problem(
            f"{name} has {len(b.samples)} channels at {b.rate} Hz, the source {len(a.samples)} at {a.rate} Hz",
            f"{name} form",
            "Keep channels and sample rate: no -ac, -ar or aresample.",
        )
        return
    later = median(delays.values()) if delays else 0.0
    places = sides(a, b, later=later)
    moved = [(at, place) for at, place in enumerate(places) if place is not None and place != at]
    if moved:
        names = channel_names(len(places))
        told = ", ".join(f"{names[at]} plays the source's {names[place]}" for at, place in moved)
        yield Problem(
            f"{name}: channels have changed places: {told}",
            f"{name} channels",
            "Check the channel layout (-channel_layout, channelmap, pan) between decoder and encoder.",
        )
        return
    stretches = [
        stretch for stretch in follow(a, b, later=later) if any(value is not None for value in stretch.correlation)
    ]
    if not stretches:
        return
    limit = _limit(thresholds, "audio_correlation", -1.0)
    lost = [stretch for stretch in stretches if _worst(stretch) < limit]
    if 2 * len(lost) > len(stretches) and (problem := another_clips(name, a, b)):
        yield problem
        return
    offsets = _offsets(stretches, delays)
    drift = _drift(offsets) if len(offsets) >= _MOST * len(stretches) else 0.0
    metrics[f"{name} drift"] = round(drift, 5)
    if abs(drift) > _limit(thresholds, "audio_drift", math.inf):
        # Nothing else: sound that is stretched is unlike the source's too.
        yield Problem(
            f"{name} drifts by {drift * 1000:+.1f} ms from {offsets[0][0]:.2f} to {offsets[-1][0]:.2f} s "
            f"against the picture",
            f"{name} drift",
            "Check sample rates, atempo and aresample, and time stamps that are made up anew.",
        )
        return
    if b.end - a.end - _delay_at(delays, a.end) < -_SHORT:
        early = a.end + _delay_at(delays, a.end) - b.end
        yield Problem(
            f"{name} ends {early:.2f} s before the source's", f"{name} short", "Look for -shortest, -t or apad."
        )
        lost = [stretch for stretch in lost if stretch.time + (a.end - stretches[-1].time) <= a.end - early]
    yield from _lost(name, lost, stretches, limit, len(places))
    heard = [stretch for stretch in stretches if _worst(stretch) >= limit]
    if heard:
        yield from _placed(thresholds, name, heard, _offsets(heard, delays), metrics)


def another_clips(name: str, a: Track, b: Track) -> Problem | None:
    """Where the source's sound carries a nonce, and the output's another one."""
    wanted = soundmark.read(a.samples, a.rate, a.start)
    found = None if wanted is None else soundmark.read(b.samples, b.rate, b.start)
    if found is None or found == wanted:
        return None
    return Problem(
        f"{name} is another clip's: nonce {found} instead of {wanted}: it was not made from this input",
        f"{name} replayed",
        "Check which input the sound is mapped from, and caches between input and output.",
    )


def _lost(name: str, lost: list[Stretch], stretches: list[Stretch], limit: float, channels: int) -> Iterator[Problem]:
    """Stretches that aren't to be heard in the output, or are other sounds."""
    if not lost:
        return
    window = stretches[-1].time - stretches[-2].time if len(stretches) > 1 else 0.0
    where = "" if len(lost) == len(stretches) else f" from {lost[0].time:.2f} to {lost[-1].time + window:.2f} s"
    silent = 2 * sum(set(stretch.offset) == {None} for stretch in lost) >= len(lost)
    worst = min(lost, key=_worst)
    channel = next(at for at, value in enumerate(worst.correlation) if value == _worst(worst))
    yield Problem(
        f"{name} is silent{where}"
        if silent
        else f"{name} isn't the source's{where}: correlation {_worst(worst):.3f} in {channel_names(channels)[channel]} "
        f"at {worst.time:.2f} s, below {limit:g}",
        f"{name} {'silent' if silent else 'differs'}",
        "Check that the right audio stream is mapped, its filters, and gaps in its time stamps.",
    )


def _placed(
    thresholds: Mapping[str, Threshold],
    name: str,
    heard: list[Stretch],
    offsets: list[tuple[float, float]],
    metrics: dict[str, float | int | str],
) -> Iterator[Problem]:
    """Offset against the picture, and level."""
    time, offset = max(offsets, key=lambda pair: abs(pair[1]))
    channels = range(len(heard[0].level))
    levels = [_median([stretch.level[channel] for stretch in heard]) for channel in channels]
    loudest = max(channels, key=lambda channel: abs(levels[channel]))
    metrics |= {
        f"{name} correlation": min(map(_worst, heard)),
        f"{name} offset": round(offset, 5),
        f"{name} level": round(levels[loudest], 3),
    }
    if abs(offset) > _limit(thresholds, "audio_offset", math.inf):
        yield Problem(
            f"{name} sounds {abs(offset) * 1000:.1f} ms {'late' if offset > 0 else 'early'} at {time:.2f} s of the "
            f"source, against the picture; {_limit(thresholds, 'audio_offset', math.inf) * 1000:g} ms is allowed",
            f"{name} offset",
            "Check the encoder's priming, the container's edit list, and gaps in the time stamps.",
        )
    if abs(levels[loudest]) > _limit(thresholds, "audio_level", math.inf):
        yield Problem(
            f"{name}: {channel_names(len(levels))[loudest]} is {levels[loudest]:+.2f} dB off the source, at most "
            f"{_limit(thresholds, 'audio_level', math.inf):g} dB is allowed",
            f"{name} level",
            "Check volume, loudnorm and downmix filters.",
        )


def _offsets(stretches: list[Stretch], delays: Mapping[float, float]) -> list[tuple[float, float]]:
    """Time and offset against the picture, in seconds, of each stretch that was found at all."""
    found = []
    for stretch in stretches:
        pairs = zip(stretch.offset, stretch.correlation, strict=True)
        values = [offset for offset, likeness in pairs if offset is not None and (likeness or 0.0) >= _FOUND]
        if values:
            found.append((stretch.time, median(values) - _delay_at(delays, stretch.time)))
    return found


def _drift(offsets: list[tuple[float, float]]) -> float:
    """From the first third to the last, in seconds."""
    third = max(1, len(offsets) // 3)
    return median(value for _, value in offsets[-third:]) - median(value for _, value in offsets[:third])


def channel_names(count: int) -> tuple[str, ...]:
    """FFmpeg's names of the channels of its usual layout for so many, as "FL"."""
    layout = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}.get(count)
    if layout is None:
        return tuple(f"channel {number}" for number in range(count))
    return tuple(channel.name for channel in av.AudioLayout(layout).channels)


def _worst(stretch: Stretch) -> float:
    return min((value for value in stretch.correlation if value is not None), default=1.0)


def _median(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return median(known) if known else 0.0


def _delay_at(delays: Mapping[float, float], time: float) -> float:
    """That of the last picture shown at this time, or of the first."""
    before = [shown for shown in delays if shown <= time + 1e-6]
    return delays[max(before)] if before else delays[min(delays)] if delays else 0.0


def _limit(thresholds: Mapping[str, Threshold], name: str, default: float) -> float:
    return thresholds[name].limit if name in thresholds else default
