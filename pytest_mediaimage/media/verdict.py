"""Judges what a case made: by its rules, and by golden values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import JudgeError
from . import golden as gold
from . import probing
from .case import Case, Problem
from .golden import GoldenEntry
from .machine import machine_class
from .made import Made
from .pictures.compare import Comparison


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
    """`judge_case` for a case with one output."""
    return judge_case(case, Made.of(source, output, nonce=nonce), golden=golden, architecture=architecture)


def judge_case(case: Case, made: Made, *, golden: GoldenEntry | None = None, architecture: str = "amd64") -> Judgement:
    """Hold what was made by `case`'s recipe to its rules.

    `golden` are the values for this sample, recipe and path; `architecture` is the OCI architecture of the image that
    ran on this machine. Raises JudgeError where the source can't be read; whatever is wrong with an output is a
    problem in the result.
    """
    if not case.fails:
        _ = made.original
    verdict = Judgement(metrics=made.metrics)
    if case.golden:
        try:
            info = made.info()
            if info.video is None:
                verdict.metrics["bytes"] = info.bytes
            else:
                verdict = judgement_of(info, made.comparison(ssim=bool(case.device), hashes=True), made.metrics)
        except JudgeError as error:
            return Judgement([_unreadable(error)])
    for rule in case.rules:
        try:
            problems = list(rule.judge(made))
        except JudgeError as error:
            problems = [_unreadable(error)]
        verdict.problems += (problem for problem in problems if problem not in verdict.problems)
    if golden is not None and verdict.hashes:
        hold_against(golden, architecture, verdict)
    return verdict


def _unreadable(error: JudgeError) -> Problem:
    return Problem(f"the output can't be read: {error.message}", "unreadable", "Look at what FFmpeg printed.")


def judgement_of(
    info: probing.MediaInfo, comparison: Comparison, metrics: dict[str, float | int | str] | None = None
) -> Judgement:
    """The measurements of an output, added to `metrics`. Its one problem can be damage: nothing else is asked yet."""
    verdict = Judgement(hashes=comparison.hashes, metrics={} if metrics is None else metrics)
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
        message = f"not the golden pictures: {reason}{_moved(values, verdict)}"
        verdict.problems.append(Problem(message, "golden frames", fix))
        return
    why = f"no golden values for {encoder} on {machine}; held against {near[0]} on {near[1]}"
    worse = list(_drift(values, verdict))
    verdict.golden = GoldenOutcome("differs" if worse else "tolerance", "; ".join((why, *worse)))
    verdict.problems += [Problem(f"worse than the golden values: {line}", "golden drift", fix) for line in worse]


def _moved(values: gold.GoldenValues, verdict: Judgement) -> str:
    """What became of quality and size: whether it is a little of both or a fault shows by them."""
    was, now = values.psnr.get("psnr_y_mean"), verdict.metrics.get("psnr_y_mean")
    quality = "" if was is None or not isinstance(now, float) else f"PSNR-Y {was:.2f} -> {now:.2f} dB, "
    return f" ({quality}{values.bytes} -> {verdict.metrics['bytes']} bytes)"


def _drift(values: gold.GoldenValues, verdict: Judgement) -> Iterator[str]:
    for name, drop in (("psnr_y_mean", gold.PSNR_Y_MEAN_DROP), ("psnr_y_min", gold.PSNR_Y_MIN_DROP)):
        was, now = values.psnr.get(name), verdict.metrics.get(name)
        if was is not None and isinstance(now, float) and now < was - drop:
            yield f"{name} fell from {was:.2f} to {now:.2f} dB (tolerance {drop:g} dB)"
    size = int(verdict.metrics["bytes"])
    if size > values.bytes * (1 + gold.GROWTH):
        yield f"the file grew from {values.bytes} to {size} bytes (tolerance {gold.GROWTH:.0%})"
