"""Every decoded frame against the source's: which it is, when it is shown, and how like it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ...errors import JudgeError
from ..case import Problem, Threshold
from ..made import Made
from ..pictures.compare import Comparison, FrameScore
from ..pictures.identity import named
from ..pictures.likely import likely
from ..pictures.nearer import nearer
from ..pictures.views import View
from .streams import absent, other_count

PICTURE_METRICS = (*(f"psnr_{plane}_{kind}" for plane in "yuv" for kind in ("mean", "min")), "block_y_min", "bias")
"""What `Pictures` holds to limits."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Every frame of the source comes out once, in order and in time, and as the source shows it.

    `thresholds` by metric: lower limits for `psnr_*` and `block_y_min` (dB; the latter of any 8x8 pixels of a frame),
    upper limits of the magnitude for `bias` (8-bit steps).
    `frames` is how many there must be, None: as many as in the source. `view` is for outputs that show the source
    otherwise than it is; where there are `others` the one counts that the first picture is nearest to. Frames without
    numbers are counted, and compared in their order: that they are the right ones is for `psnr_y_min` to tell.
    """

    METRICS: ClassVar[Mapping[str, tuple[str, ...]]] = {"thresholds": PICTURE_METRICS}

    thresholds: Mapping[str, Threshold]
    frames: int | None = None
    output: str = ""
    view: View | None = None
    others: tuple[View, ...] = ()

    def judge(self, made: Made) -> Iterator[Problem]:
        view, label = self.view, made.label(self.output)
        if made.info(self.output).video is None:
            yield absent(label, "video")
            return
        if view is not None and self.others:
            view = nearer(made.source, made.path(self.output), (view, *self.others))
        comparison = made.comparison(self.output, view)
        measured = {"frames": comparison.output_frames, **comparison.metrics()}
        made.metrics |= {f"{label}{name}": value for name, value in measured.items()}
        fps = (made.original.video and made.original.video.fps) or 25.0
        quality = list(_quality(self, comparison))
        lost = comparison.identity is not None and comparison.identity.unreadable and not comparison.scores
        why = _why(made, self.output, view) if quality or lost else ()
        found = (*_damage(comparison), *_pictures(self, comparison, fps), *_unlike(self, comparison), *why, *quality)
        for problem in found:
            yield replace(problem, message=label + problem.message, evidence=label + problem.evidence)


def _why(made: Made, output: str, view: View | None) -> Iterator[Problem]:
    try:
        found = likely(made.source, made.path(output), view)
    except JudgeError:
        return  # it is told already
    for message in found:
        yield Problem(message, message.rpartition(": ")[2], "Look for the filter or the option that does this.")


def _damage(comparison: Comparison) -> Iterator[Problem]:
    if comparison.broken:
        message = f"the output can't be decoded to its end: {comparison.broken}"
        yield Problem(message, "damaged", "Look at what FFmpeg printed.")


def _unlike(rule: Pictures, comparison: Comparison) -> Iterator[Problem]:
    if comparison.uncompared and (rule.thresholds or rule.view is not None):
        message = f"the pictures can't be held to their limits: {comparison.uncompared}"
        fix = "Keep size and pixel format (-s, scale, -pix_fmt), or use the rule for pictures that are scaled."
        yield Problem(message, "other pictures", fix)


def _pictures(rule: Pictures, comparison: Comparison, fps: float) -> Iterator[Problem]:
    if comparison.identity is not None:
        for message in comparison.identity.messages():
            kind = "replayed" if comparison.identity.wrong_nonce and "nonce" in message else "frames"
            yield Problem(message, kind, "Check frame rate conversion, filters and caches between input and output.")
    frames = rule.frames or comparison.source_frames
    told = comparison.identity is not None and not comparison.identity.intact
    if comparison.output_frames != frames and not told and not comparison.broken:
        yield other_count("", comparison.output_frames, frames)
    if comparison.swapped_chroma:
        yield Problem("the chroma planes U and V are swapped", "swapped chroma", "Check the pixel format (I420, YV12).")
    late = _untimely(comparison, fps)
    if late:
        yield Problem(
            f"{named([score.number for score in late])} shown earlier or later than the rest",
            "timing",
            "Let time stamps pass through.",
        )


def _untimely(comparison: Comparison, fps: float) -> list[FrameScore]:
    """Frames whose delay is more than half a frame off the median delay."""
    delay, half = comparison.delay(), 0.5 / fps
    return [score for score in comparison.scores if score.delay is not None and abs(score.delay - delay) > half]


def _quality(rule: Pictures, comparison: Comparison) -> Iterator[Problem]:
    metrics = comparison.metrics()
    fix = "Compare encoder, version and options with those of the last good image."
    for index, plane in enumerate("yuv"):
        low = rule.thresholds.get(f"psnr_{plane}_min")
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
        mean = rule.thresholds.get(f"psnr_{plane}_mean")
        value = metrics.get(f"psnr_{plane}_mean")
        if mean and value is not None and value < mean.limit:
            yield Problem(
                f"mean PSNR-{plane.upper()} is {value:.2f} dB, below {mean.limit:g} dB", f"psnr_{plane}_mean", fix
            )
    yield from _blocks(rule, comparison)
    limit = rule.thresholds.get("bias")
    for plane, value in zip("YUV", comparison.bias(), strict=False):
        if limit and abs(value) > limit.limit:
            yield Problem(
                f"plane {plane} is shifted by {value:+.1f} of 255 on average",
                f"bias {plane}",
                "Check colour range and matrix conversions; the picture isn't what the source shows.",
            )


def _blocks(rule: Pictures, comparison: Comparison) -> Iterator[Problem]:
    """Damage to a small part of a frame, which the whole frame's PSNR hardly shows."""
    limits, low = rule.thresholds, rule.thresholds.get("block_y_min")
    mean, least = (limits[name].limit if name in limits else 0.0 for name in ("psnr_y_mean", "psnr_y_min"))
    if low is None or not comparison.scores or comparison.metrics()["psnr_y_mean"] < mean:
        return
    bad = [score for score in comparison.scores if score.block[0] < low.limit and score.psnr[0] >= least]
    if bad:
        worst = min(bad, key=lambda score: score.block[0])
        psnr, left, top = worst.block
        yield Problem(
            f"frame {worst.number}: 8x8 pixels at {left}, {top} (from left and top) have PSNR-Y {psnr:.1f} dB, "
            f"below {low.limit:g} dB"
            + (f" (also {named([s.number for s in bad if s is not worst])})" if len(bad) > 1 else ""),
            "block_y_min",
            "Look for damaged or concealed blocks: memory, drivers, slices and threads of decoder and encoder.",
        )
