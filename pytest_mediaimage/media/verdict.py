"""Judges a transcode: streams, every frame, the sound, and golden values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import JudgeError
from . import golden as gold
from . import judge
from .cases import Case, Expectations
from .compare import Comparison, FrameScore, compare
from .golden import GoldenEntry
from .identity import named
from .machine import machine_class
from .sound import compare_sound


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an output. `evidence` is the same each time the same thing is wrong."""

    message: str
    evidence: str
    fix: str


@dataclass(frozen=True, slots=True)
class GoldenOutcome:
    """`status` is `exact`, `tolerance` (`reason`: why not exact), `missing` or `differs` (`reason`: in what).

    `first_frame` is the first frame that differs from the golden values, where they are the same encoder's.
    """

    status: str
    reason: str = ""
    first_frame: int | None = None


@dataclass(slots=True)
class Judgement:
    """`metrics`: `frames`, `bytes`, `encoder`, `stream_hash`, `psnr_y_mean`, ..., `audio_correlation`, ...

    dB for `psnr_*` and `audio_level`, seconds for `duration` and `audio_offset`, 8-bit steps for `bias_*`.
    """

    problems: list[Problem] = field(default_factory=list)
    metrics: dict[str, float | int | str] = field(default_factory=dict)
    golden: GoldenOutcome = field(default_factory=lambda: GoldenOutcome("missing"))
    hashes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.problems


def judge_transcode(
    case: Case,
    source: Path,
    output: Path,
    *,
    nonce: int | None = None,
    golden: GoldenEntry | None = None,
    architecture: str = "amd64",
) -> Judgement:
    """Judge `output`, made from `source` by `case`'s recipe.

    `nonce` is what every output frame must carry; None takes it from the source. `golden` are the values for this
    sample, recipe and path; `architecture` is the OCI architecture of the image that ran on this machine. Raises
    JudgeError where the source can't be read; whatever is wrong with the output is a problem in the result.
    """
    original = judge.probe(source)
    try:
        info = judge.probe(output)
    except JudgeError as error:
        problem = Problem(f"the output can't be read: {error.message}", "unreadable", "Look at what FFmpeg printed.")
        return Judgement([problem])
    if info.video is None:
        metrics: dict[str, float | int | str] = {"bytes": info.bytes}
        return Judgement(list(_streams(case.expect, original, info)), metrics)
    comparison = compare(source, output, nonce=nonce)
    verdict = judgement_of(info, comparison)
    verdict.problems += _streams(case.expect, original, info)
    verdict.problems += _pictures(case, comparison, (original.video and original.video.fps) or 25.0)
    verdict.problems += _sound(case, original, info, comparison.delay(), verdict.metrics)
    if golden is not None:
        hold_against(golden, architecture, verdict)
    return verdict


def judgement_of(info: judge.MediaInfo, comparison: Comparison) -> Judgement:
    """The measurements of an output. The one problem that it can have is damage: nothing else is expected of it yet."""
    verdict = Judgement(hashes=comparison.hashes)
    if comparison.broken:
        message = f"the output can't be decoded to its end: {comparison.broken}"
        verdict.problems.append(Problem(message, "damaged", "Look at what FFmpeg printed."))
    verdict.metrics["bytes"] = info.bytes
    if info.duration is not None:
        verdict.metrics["duration"] = info.duration
    verdict.metrics["encoder"] = (info.video and info.video.encoder) or "unknown"
    verdict.metrics |= {"frames": comparison.output_frames, "stream_hash": comparison.stream_hash}
    verdict.metrics |= comparison.metrics()
    verdict.metrics |= {f"bias_{plane}": value for plane, value in zip("yuv", comparison.bias(), strict=False)}
    return verdict


def _streams(expect: Expectations, source: judge.MediaInfo, info: judge.MediaInfo) -> Iterator[Problem]:
    """What the streams declare, against what the case expects, or else the source has."""
    if expect.format not in info.format.split(","):
        yield _wrong("container format", info.format, expect.format, "Set the output format with -f.")
    video, audio = info.video, info.audio
    if video is None:
        yield Problem("the output has no video stream", "no video", "Map the video stream and check the encoder.")
    elif source.video is not None:
        fix = "Check the encoder options and filters that the image applies by itself."
        tags = ("color_primaries", "color_transfer", "color_matrix", "color_range")
        wanted: dict[str, object] = {
            "codec": expect.video_codec,
            "width": expect.width or source.video.width,
            "height": expect.height or source.video.height,
            "pix_fmt": expect.pix_fmt,
            **{tag: getattr(source.video, tag) for tag in tags},
        }
        for name, value in wanted.items():
            if getattr(video, name) != value:
                if name == "pix_fmt":
                    fix = "Use an encoder built for this bit depth and chroma subsampling."
                yield _wrong(f"video {name}", getattr(video, name), value, fix)
        fps = expect.fps or source.video.fps
        if fps and (video.fps is None or abs(video.fps - fps) > fps / 1000):
            yield _wrong("frame rate", video.fps, fps, "Let the frame rate pass through, without -r or an fps filter.")
        if video.max_gop is not None and video.max_gop > expect.max_gop + 0.001:
            yield Problem(
                f"a group of pictures lasts up to {video.max_gop:.3g} s, at most {expect.max_gop:g} s are asked for",
                "key frames too far apart",
                "Set -g, and look for an option that overrides it.",
            )
        if video.open_gops:
            yield Problem(
                f"{video.open_gops} groups of pictures are open: frames after the key frame need those before it",
                "open GOP",
                "Set -flags +cgop, or the encoder's own option.",
            )
    if audio is None:
        yield Problem("the output has no audio stream", "no audio", "Map the audio stream and check the encoder.")
    elif source.audio is not None:
        for name, value in (
            ("codec", expect.audio_codec),
            ("channels", expect.channels or source.audio.channels),
            ("sample_rate", expect.sample_rate or source.audio.sample_rate),
        ):
            if getattr(audio, name) != value:
                yield _wrong(f"audio {name}", getattr(audio, name), value, "Check -c:a, -ac and -ar.")


def _pictures(case: Case, comparison: Comparison, fps: float) -> Iterator[Problem]:
    if comparison.identity is not None:
        for message in comparison.identity.messages():
            kind = "replayed" if comparison.identity.wrong_nonce and "nonce" in message else "frames"
            yield Problem(message, kind, "Check frame rate conversion, filters and caches between input and output.")
    frames = case.expect.frames or comparison.source_frames
    told = comparison.identity is not None and not comparison.identity.intact
    if comparison.output_frames != frames and not told and not comparison.broken:
        yield Problem(
            f"the output has {comparison.output_frames} frames, {frames} were expected",
            "frame count",
            "Let all frames pass: -fps_mode passthrough, and no -t, -frames or trim.",
        )
    if comparison.swapped_chroma:
        yield Problem("the chroma planes U and V are swapped", "swapped chroma", "Check the pixel format (I420, YV12).")
    late = _untimely(comparison, fps)
    if late:
        yield Problem(
            f"{named([score.number for score in late])} shown earlier or later than the rest",
            "timing",
            "Let time stamps pass through.",
        )
    yield from _quality(case, comparison)


def _untimely(comparison: Comparison, fps: float) -> list[FrameScore]:
    """Frames whose delay is more than half a frame off the median delay."""
    delay, half = comparison.delay(), 0.5 / fps
    return [score for score in comparison.scores if score.delay is not None and abs(score.delay - delay) > half]


def _quality(case: Case, comparison: Comparison) -> Iterator[Problem]:
    metrics = comparison.metrics()
    fix = "Compare encoder, version and options with those of the last good image."
    for index, plane in enumerate("yuv"):
        low = case.thresholds.get(f"psnr_{plane}_min")
        bad = [
            score for score in comparison.scores if low and index < len(score.psnr) and score.psnr[index] < low.limit
        ]
        if low and bad:
            worst = min(bad, key=lambda score: score.psnr[index])
            yield Problem(
                f"frame {worst.number}: PSNR-{plane.upper()} {worst.psnr[index]:.1f} dB, below {low.limit:g} dB"
                + (f" (also {named([s.number for s in bad if s is not worst])})" if len(bad) > 1 else ""),
                f"psnr_{plane}_min",
                fix,
            )
        mean = case.thresholds.get(f"psnr_{plane}_mean")
        value = metrics.get(f"psnr_{plane}_mean")
        if mean and value is not None and value < mean.limit:
            yield Problem(
                f"mean PSNR-{plane.upper()} is {value:.2f} dB, below {mean.limit:g} dB", f"psnr_{plane}_mean", fix
            )
    limit = case.thresholds.get("bias")
    for plane, value in zip("YUV", comparison.bias(), strict=False):
        if limit and abs(value) > limit.limit:
            yield Problem(
                f"plane {plane} is shifted by {value:+.1f} of 255 on average",
                f"bias {plane}",
                "Check colour range and matrix conversions; the picture isn't what the source shows.",
            )


def _sound(
    case: Case,
    source: judge.MediaInfo,
    info: judge.MediaInfo,
    video_delay: float,
    metrics: dict[str, float | int | str],
) -> Iterator[Problem]:
    a, b = source.audio, info.audio
    if a is None or b is None or (a.channels, a.sample_rate) != (b.channels, b.sample_rate):
        return
    try:
        match = compare_sound(source.path, info.path)
    except JudgeError as error:
        yield Problem(f"the sound can't be judged: {error.message}", "audio damaged", "Look at what FFmpeg printed.")
        return
    # Against the picture, since a delay of both alike is none.
    offset = max((value - video_delay for value in match.offset), key=abs)
    level = max(match.level, key=abs)
    metrics |= {
        "audio_correlation": min(match.correlation),
        "audio_offset": round(offset, 6),
        "audio_level": level,
    }
    if match.swapped:
        yield Problem("the audio channels have changed sides", "audio channels swapped", "Check the channel layout.")
        return
    no_limit = {"correlation": -1.0, "offset": math.inf, "level": math.inf}
    limits = {name: _limit(case, f"audio_{name}", limit) for name, limit in no_limit.items()}
    for channel, value in enumerate(match.correlation):
        if value < limits["correlation"]:
            yield Problem(
                f"audio channel {channel} isn't the source's: correlation {value:.3f}, below {limits['correlation']:g}",
                f"audio channel {channel}",
                "Check that the right audio stream is mapped, and its filters.",
            )
            return
    if abs(offset) > limits["offset"]:
        yield Problem(
            f"sound is {offset * 1000:+.1f} ms off the picture, at most {limits['offset'] * 1000:g} ms is allowed",
            "audio offset",
            "Check the encoder's priming and the container's edit list.",
        )
    if abs(level) > limits["level"]:
        yield Problem(
            f"sound is {level:+.2f} dB louder than the source, at most {limits['level']:g} dB is allowed",
            "audio level",
            "Check volume, loudnorm and downmix filters.",
        )


def hold_against(entry: GoldenEntry, architecture: str, verdict: Judgement) -> None:
    """Compare with golden values: set `verdict.golden`, and add a problem where they differ.

    Exact for a known encoder on a known class of processor (see `machine`; `architecture` is OCI's), else within
    tolerances (see `golden`).
    """
    machine = machine_class(architecture)
    encoder, fix = str(verdict.metrics["encoder"]), "If the change is meant, run with --media-update-golden."
    if entry.matching(encoder, str(verdict.metrics["stream_hash"])) is not None:
        verdict.golden = GoldenOutcome("exact")
        return
    near = entry.nearest(encoder, machine)
    if near is None:
        return
    values = entry.values[near]
    if near == (encoder, machine):
        at = values.first_difference(verdict.hashes) or 0
        reason = f"frame {at} is the first that isn't what {encoder} gave before on {machine}"
        verdict.golden = GoldenOutcome("differs", reason, at)
        verdict.problems.append(Problem(f"not the golden pictures: {reason}", "golden frames", fix))
        return
    why = f"no golden values for {encoder} on {machine}; held against {near[0]} on {near[1]}"
    worse = list(_drift(values, verdict))
    verdict.golden = GoldenOutcome("differs" if worse else "tolerance", "; ".join((why, *worse)))
    verdict.problems += [Problem(f"worse than the golden values: {line}", "golden drift", fix) for line in worse]


def _drift(values: gold.GoldenValues, verdict: Judgement) -> Iterator[str]:
    for name, drop in (("psnr_y_mean", gold.PSNR_Y_MEAN_DROP), ("psnr_y_min", gold.PSNR_Y_MIN_DROP)):
        was, now = values.psnr.get(name), verdict.metrics.get(name)
        if was is not None and isinstance(now, float) and now < was - drop:
            yield f"{name} fell from {was:.2f} to {now:.2f} dB (tolerance {drop:g} dB)"
    size = int(verdict.metrics["bytes"])
    if size > values.bytes * (1 + gold.GROWTH):
        yield f"the file grew from {values.bytes} to {size} bytes (tolerance {gold.GROWTH:.0%})"


def _limit(case: Case, name: str, default: float) -> float:
    return case.thresholds[name].limit if name in case.thresholds else default


def _wrong(what: str, found: object, wanted: object, fix: str) -> Problem:
    return Problem(f"{what} is {found}, {wanted} was expected", f"{what} {found}, expected {wanted}", fix)
