"""`transcode.*`: real transcodes in the image, judged outside of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandTimeout
from ..result import Finding, Severity
from .case_files import case_file, read_case
from .context import Context
from .registry import Check
from .sampling import sample_file
from .subject import FFmpegFailed
from .transcoding import Job, Transcoded, TranscodeFailed, transcode

if TYPE_CHECKING:
    from ..media.case import Case
    from ..media.verdict import Judgement

PATHS = ("cpu",)
"""Hardware paths that this version runs."""

HARDWARE = ("nvenc", "nvdec", "vaapi", "qsv", "vulkan")
"""The other paths that a policy may promise. They are judged by what lies in the image, in `hardware.*`."""

CASES = (
    "h264-aac",
    "h264-ladder",
    "hls-fmp4",
    "dash",
    "hevc-hdr10",
    "hdr-to-sdr",
    "av1-svt",
    "vp9",
    "vfr",
    "odd-size",
    "rotated",
    "interlaced",
    "sprites",
    "aac",
    "opus",
    "loudnorm",
    "multi-track",
    "captions",
    "subtitle-burn-in",
    "concat",
    "truncated-input",
    "damaged-input",
    "live-wrap",
)
"""Names of `media.cases.CASES`, here so that listing the checks needs no media library. A test compares them."""


@cache
def checks() -> tuple[Check, ...]:
    """A check per packaged case."""
    return tuple(_check(name, partial(_packaged, name)) for name in CASES)


def own_check(directory: Path, name: str) -> Check | None:
    """The check of a team's own case, for a policy in `directory`; None where there is no such case.

    Raises PolicyError for a mistake in its file.
    """
    case = case_named(directory, name)
    return _check(name, lambda: case) if case else None


def case_named(directory: Path, name: str) -> Case | None:
    """A packaged case, or a team's own for a policy in `directory`; None where there is neither. Raises PolicyError."""
    if name in CASES:
        return _packaged(name)
    file = case_file(directory, name)
    return read_case(file) if file.is_file() else None


def _check(name: str, case: Callable[[], Case]) -> Check:
    return Check(
        id=f"transcode.{name}",
        fails="an output that an independent decoder finds wrong, or that differs from the golden values",
        why="A wrong frame or a lost track is seen by every viewer, and by no exit code.",
        function=partial(_transcode, case),
    )


def _packaged(name: str) -> Case:
    from ..media.cases import CASES as cases

    return cases[name]


def _transcode(made: Callable[[], Case], context: Context) -> Iterator[Finding]:
    if context.hardware_path in HARDWARE:
        context.skip(f"the hardware path {context.hardware_path} isn't run in this version")
    program = context.subject.ffmpeg_to_run()
    case = made()  # only now: a case needs the media libraries, which take a fifth of a second to load
    context.measure(None, budget=_budget(case))
    require(context, case)
    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="transcode-") as folder:
        yield from _run(context, case, program, Path(folder))


def require(context: Context, case: Case) -> None:
    """Skip where the image's ffmpeg lacks what the recipe uses; a policy that requires the case sees exit code 11."""
    try:
        listed = context.subject.listings()
    except FFmpegFailed:
        context.skip("ffmpeg doesn't start: see ffmpeg.capabilities")
    lacking = [
        f"the {kind} {name}"
        for kind, names, has in (
            ("encoder", case.needs.encoders, listed.encoders),
            ("decoder", case.needs.decoders, listed.decoders),
            ("filter", case.needs.filters, listed.filters),
            ("protocol", case.needs.protocols, listed.protocols),
        )
        for name in names
        if name not in has
    ]
    lacking += [
        f"{pix_fmt} of {encoder}"
        for encoder, pix_fmt in case.needs.pix_fmts
        if encoder in listed.encoders and pix_fmt not in context.subject.pix_fmts(encoder)
    ]
    if lacking:
        context.skip(f"ffmpeg lacks {', '.join(lacking)}")


def _run(context: Context, case: Case, program: str, folder: Path) -> Iterator[Finding]:
    from ..media.clip import fresh_clip
    from ..media.verdict import judge_case

    cache = context.subject.bench.cache

    def made(name: str, source: Path, nonce: int | None = None) -> Transcoded:
        extras = {extra: sample_file(sample, cache) for extra, sample in case.extras.items()}
        job = Job(case.recipe, source, case.outputs, extras, case.texts, case.timeout, nonce, case.fails)
        into = folder / name
        into.mkdir()
        architecture = context.image.platform.architecture
        path = context.hardware_path or "cpu"
        return transcode(context.subject.container(), program, job, into, path=path, architecture=architecture)

    try:
        if case.fresh:
            # A clip that nobody has seen before goes first, under the same name: what ignores its input, or replays an
            # output it made earlier, can't know the number in its frames.
            clip = folder / "fresh.mp4"
            nonce = fresh_clip(clip)
            for problem in judge_case(case, made("fresh", clip, nonce).made).problems:
                yield Finding(
                    f"a clip made for this run: {problem.message}",
                    evidence=f"fresh: {problem.evidence}",
                    fix=problem.fix,
                )
        result = made("sample", sample_file(case.sample, cache))
    except CommandTimeout as error:
        yield Finding(
            f"the transcode did not end: {error.message}",
            file=program,
            evidence="time-out",
            fix="Run the command by hand in a container; a decoder that waits for its input shows with -v debug.",
        )
        return
    except TranscodeFailed as error:
        yield Finding(error.message, file=program, evidence=error.evidence, fix=error.remedy)
        return
    yield from _judge(context, case, result)


def _judge(context: Context, case: Case, result: Transcoded) -> Iterator[Finding]:
    from ..media.verdict import judge_case

    goldens = context.subject.bench.goldens
    judgement = judge_case(
        case,
        result.made,
        golden=None if goldens.updating or not case.golden else goldens.entry(case.name, result),
        architecture=result.architecture,
    )
    context.measure(_measured(case, judgement), budget=_budget(case))
    for problem in judgement.problems:
        yield Finding(problem.message, evidence=problem.evidence, fix=problem.fix)
    if not case.golden:
        return
    if goldens.updating:
        goldens.update(case.name, result, judgement)
    elif judgement.golden.status == "missing":
        yield Finding(
            "there is no golden value for this recipe on this path: only structure and quality were judged",
            severity=Severity.NOTE,
            evidence="no golden value",
            fix="Write it with --media-update-golden, look at it, and commit it.",
        )
    elif judgement.golden.status == "tolerance":
        yield Finding(
            f"held to tolerances, not to exact frames: {judgement.golden.reason}",
            severity=Severity.NOTE,
            evidence="tolerance",
            fix="Write this encoder's values with --media-update-golden.",
        )


def _budget(case: Case) -> str | None:
    from ..media.rules.pictures import Pictures

    limits = next((rule.thresholds for rule in case.rules if isinstance(rule, Pictures)), {})
    quality = f"PSNR-Y {limits['psnr_y_mean'].limit:g} dB" if "psnr_y_mean" in limits else ""
    return ", ".join(filter(None, (quality, "golden frames" if case.golden else ""))) or None


def _measured(case: Case, judgement: Judgement) -> str:
    metrics = judgement.metrics
    psnr = metrics.get("psnr_y_mean")
    quality = f"PSNR-Y {psnr:.2f} dB, " if isinstance(psnr, float) else ""
    count = f"{metrics['frames']} frames" if "frames" in metrics else f"{len(case.rules)} rules"
    return f"{quality}{count}" + (f", golden {judgement.golden.status}" if case.golden else "")
