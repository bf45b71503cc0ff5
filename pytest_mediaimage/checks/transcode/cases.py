"""`transcode.*`: real transcodes in the image, judged outside of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandTimeout
from ...policy.model import BASE_CASE
from ...removal import remove_tree
from ...result import Finding, Severity
from ..context import Context
from ..last_words import last_words
from ..registry import Begun, Check
from ..subject import UNUSABLE, FFmpegFailed
from .cards import HARDWARE, backend_of, origin_of
from .case_files import case_file, read_case
from .goldens import hold
from .keeping import keeping, noted
from .on_cards import on_cards
from .running import Job, Transcoded, TranscodeFailed, transcode
from .sampling import sample_file
from .words import budget, measured

if TYPE_CHECKING:
    from ...media.case import Case, Problem
    from ...media.hardware.proof import Attempt
    from ...media.verdict import Judgement
    from ...runtime.base import Container
    from ..subject import Subject

PATHS = ("cpu",)
"""Paths that need no device. On HARDWARE those of the cases are run that `on_cards` names; see `hardware.*` too."""

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
    "interlaced-kept",
    "sprites",
    "aac",
    "opus",
    "loudnorm",
    "multi-track",
    "captions",
    "timed-id3",
    "subtitle-burn-in",
    "concat",
    "truncated-input",
    "damaged-input",
    "live-wrap",
    "https-private-ca",
    "https-unknown-ca",
)
"""Names of `media.cases.CASES`, here so that listing the checks needs no media library. A test compares them."""


@cache
def checks() -> tuple[Check, ...]:
    """A check per packaged case."""
    return tuple(_check(name, partial(packaged_case, name)) for name in CASES)


def own_check(directory: Path, name: str) -> Check | None:
    """The check of a team's own case, for a policy in `directory`; None where there is no such case.

    Raises PolicyError for a mistake in its file.
    """
    case = case_named(directory, name)
    return _check(name, lambda: case) if case else None


def case_named(directory: Path, name: str) -> Case | None:
    """A packaged case, or a team's own for a policy in `directory`; None where there is neither. Raises PolicyError."""
    if name in CASES:
        return packaged_case(name)
    file = case_file(directory, name)
    return read_case(file) if file.is_file() else None


def _check(name: str, case: Callable[[], Case]) -> Check:
    return Check(
        id=f"transcode.{name}",
        fails="an output that an independent decoder finds wrong, or that differs from the golden values",
        why="A wrong frame or a lost track is seen by every viewer, and by no exit code.",
        function=partial(_transcode, case),
        ahead=partial(_ahead, case),
    )


def packaged_case(name: str) -> Case:
    """A packaged case, by its name."""
    from ...media.cases import CASES as cases

    return cases[name]


def base_case(context: Context) -> Case:
    """The transcode that every build should do. Skips where the image's ffmpeg lacks something that it needs."""
    case = packaged_case(BASE_CASE)
    require(context, case)
    return case


@dataclass(frozen=True, slots=True)
class _Encoded:
    """What a case's commands made, in `folder`: of the fresh clip, where the case takes one, and of the sample.

    `error` is what ended them early.
    """

    folder: Path
    fresh: Transcoded | None = None
    sample: Transcoded | None = None
    error: TranscodeFailed | CommandTimeout | None = None

    def discard(self) -> None:
        """Remove the files. Raises OSError."""
        remove_tree(self.folder)


def _key(context: Context, case: Case) -> tuple[Subject, str]:
    return context.subject, f"transcode.{case.name}"


def _ahead(made: Callable[[], Case], context: Context) -> Begun:
    """The encodes of a case, in a container of their own: a time-out kills all that runs in one."""
    if context.hardware_path not in (None, *PATHS):
        context.skip("encodes on hardware aren't begun before their turn")
    program = context.subject.ffmpeg_to_run()
    case = made()
    require(context, case)

    def encode() -> _Encoded:
        with context.subject.lent_container() as container:
            return _encoded(context, case, program, container)

    return _key(context, case), encode


def _encoded(context: Context, case: Case, program: str, container: Container) -> _Encoded:
    """In a place of their own, which `discard` removes."""
    folder = Path(tempfile.mkdtemp(dir=context.subject.bench.work, prefix="transcode-"))
    try:
        return _Runs(context, program, folder).encoded(case, container)
    except BaseException:
        remove_tree(folder)
        raise


def _transcode(made: Callable[[], Case], context: Context) -> Iterator[Finding]:
    program = context.subject.ffmpeg_to_run()
    case = made()  # only now: a case needs the media libraries, which take a fifth of a second to load
    if context.hardware_path not in (None, *PATHS):
        with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="transcode-") as folder:
            runs = _Runs(context, program, Path(folder))
            findings = on_cards(context, case, require, runs.judged, runs.attempt)
            yield from keeping(context, case.name, Path(folder), findings)
        return
    context.measure(None, budget=budget(case))
    require(context, case)
    encoded = context.subject.bench.ahead.take(
        _key(context, case), lambda: _encoded(context, case, program, context.subject.container())
    )
    try:
        yield from keeping(context, case.name, encoded.folder, _told(context, case, program, encoded))
    finally:
        encoded.discard()


def _told(context: Context, case: Case, program: str, encoded: _Encoded) -> Iterator[Finding]:
    """What is wrong with it, with a finding where the command failed."""
    try:
        yield from _findings(context, case, encoded)
    except CommandTimeout as error:
        yield Finding(
            f"the transcode did not end: {error.message}",
            file=program,
            evidence="time-out",
            fix=context.subject.mending(
                "Run the command by hand in a container; a decoder that waits for its input shows with -v debug."
            ),
        )
    except TranscodeFailed as error:
        fix = context.subject.mending(error.remedy)
        yield Finding(error.message, file=program, evidence=error.evidence, fix=fix)


def _findings(context: Context, case: Case, encoded: _Encoded) -> Iterator[Finding]:
    """What is wrong with what was made. Raises what ended it."""
    from ...media.verdict import judge_case

    if encoded.fresh is not None:
        for problem in judge_case(case, encoded.fresh.made).problems:
            yield Finding(
                f"a clip made for this run: {problem.message}",
                evidence=f"fresh: {problem.evidence}",
                fix=context.subject.mending(problem.fix),
            )
    if encoded.error is not None:
        raise encoded.error
    assert encoded.sample is not None
    yield from _judge(context, case, encoded.sample)


def require(context: Context, case: Case) -> None:
    """Skip where the image's ffmpeg lacks what the recipe uses; a policy that requires the case sees exit code 11."""
    try:
        listed = context.subject.listings()
    except FFmpegFailed:
        context.skip(UNUSABLE)
    lacking = [
        f"the {kind} {name}"
        for kind, names, has in (
            ("encoder", case.needs.encoders, listed.encoders),
            ("decoder", case.needs.decoders, listed.decoders),
            ("filter", case.needs.filters, listed.filters),
            ("protocol", case.needs.protocols, listed.protocols),
            ("muxer", case.needs.muxers, listed.muxers),
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


@dataclass(eq=False)
class _Runs:
    """Runs of a case in the image, each with a place of its own in `folder`."""

    context: Context
    program: str
    folder: Path

    def judged(self, case: Case, container: Container) -> Iterator[Finding]:
        """What is wrong with what the recipe makes. Raises TranscodeFailed, CommandTimeout."""
        return _findings(self.context, case, self.encoded(case, container))

    def encoded(self, case: Case, container: Container) -> _Encoded:
        """Run the recipe; nothing is judged yet."""
        from ...media.clip import fresh_clip

        fresh = None
        try:
            if case.fresh:
                # A clip that nobody has seen before goes first, under the same name: what ignores its input, or replays
                # an output it made earlier, can't know the number in its frames.
                clip = self._place("clip") / "fresh.mp4"
                nonce = fresh_clip(clip)
                fresh = self._made(case, container, clip, nonce)
            return _Encoded(self.folder, fresh, self._made(case, container, self._sample(case)))
        except (TranscodeFailed, CommandTimeout) as error:
            return _Encoded(self.folder, fresh, error=error)

    def attempt(self, case: Case, container: Container) -> Attempt:
        """The recipe on the case's sample, where it may fail. Raises CommandTimeout."""
        from ...media.hardware.proof import Attempt

        try:
            result = self._made(case, container, self._sample(case), fails=True)
        except TranscodeFailed as error:
            return Attempt(error.command.exit_code, error.command.stderr, None)
        return Attempt(result.command.exit_code, result.made.log, next(iter(result.made.outputs.values()), None))

    def _made(
        self, case: Case, container: Container, source: Path, nonce: int | None = None, *, fails: bool = False
    ) -> Transcoded:
        cache = self.context.subject.bench.cache
        extras = {extra: sample_file(sample, cache) for extra, sample in case.extras.items()}
        job = Job(case.recipe, source, case.outputs, extras, case.texts, case.timeout, nonce, case.fails or fails)
        job = replace(job, server=case.server, device=case.device)
        if case.device and not fails:
            job = replace(job, counted=backend_of(self.context.hardware_path or ""))
        if tell := self.context.subject.bench.tell:
            job = replace(job, tell=partial(tell, _key(self.context, case)))
        architecture = self.context.image.platform.architecture
        path = self.context.hardware_path or "cpu"
        run = partial(transcode, container, self.program, job, path=path, architecture=architecture)
        return noted(self.context, self._place("sample" if nonce is None else "fresh"), run)

    def _sample(self, case: Case) -> Path:
        return sample_file(case.sample, self.context.subject.bench.cache)

    def _place(self, what: str) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder, prefix=f"{what}-"))


def _judge(context: Context, case: Case, result: Transcoded) -> Iterator[Finding]:
    from ...media.verdict import judge_case

    goldens = context.subject.bench.goldens
    golden = None if goldens.updating or not case.golden else goldens.entry(case.name, result)
    if result.device:
        result.origin = origin_of(result.path, context, result)
        judgement = judge_case(case, result.made)
        if golden is not None:
            hold(golden, result, judgement)
    else:
        judgement = judge_case(case, result.made, golden=golden, architecture=result.architecture)
    used = f"; {result.gpu}" if result.gpu else ""
    told = _golden_words(case, judgement, goldens.updating, result.device)
    context.measure(f"{measured(case, judgement.metrics)}{told}{used}", budget=context.measurement[1])
    yield from _problems(context, result, judgement.problems)
    if result.gpu and result.gpu.contradicts and result.path in HARDWARE:
        yield Finding(
            f"in {result.gpu.elapsed:.1f} s the command never had {result.device}, or another card, open",
            severity=Severity.WARNING,
            evidence="device never open",
            fix="Look for a wrapper around ffmpeg that prints what it doesn't do.",
        )
    if not case.golden:
        return
    if not judgement.hashes and not judgement.problems:
        if case.golden_required:
            yield Finding(
                "golden values are required, and the output has no pictures to hold to them",
                evidence="no pictures",
                fix="Write golden: false where the case is about sound.",
            )
        return
    if goldens.updating and result.device:
        goldens.later = partial(goldens.update, case.name, result, judgement, prune=True)
    elif goldens.updating:
        goldens.update(case.name, result, judgement, prune=True)
    elif judgement.hashes:
        yield from goldens.doubts(case, result, judgement, golden)


_FOR_THE_LOG = re.compile(r"unreadable|damaged|\bcodec\b|golden")
"""Evidence of problems whose cause shows in the command, or in what FFmpeg printed."""


def _problems(context: Context, result: Transcoded, problems: Sequence[Problem]) -> Iterator[Finding]:
    """A finding for each; the first that needs it tells what was run, and what that said last."""
    told = False
    for problem in problems:
        fix = problem.fix
        if not told and _FOR_THE_LOG.search(problem.evidence):
            told = True
            fix = f"{fix} It printed last: {last_words(result.command.stderr) or 'nothing'}. {result.by_hand}"
        yield Finding(problem.message, evidence=problem.evidence, fix=context.subject.mending(fix))


def _golden_words(case: Case, judgement: Judgement, updating: bool, device: str) -> str:
    if not case.golden or (updating and device):  # whether that is written shows later
        return ""
    if not judgement.hashes and not (updating and judgement.problems):
        return ""
    written = "not written" if judgement.problems else "written"
    return f", golden {written if updating else judgement.golden.status}"
