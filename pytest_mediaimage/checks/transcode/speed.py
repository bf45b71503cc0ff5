"""`transcode.speed`: how fast the image encodes, and whether that is slower than the previous release was."""

from __future__ import annotations

import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandTimeout, EnvironmentFault, JudgeError
from ...policy.model import BASE_CASE
from ...result import Finding, Severity, Skip, format_bytes
from ..context import Context
from ..registry import check
from .cards import Absent, container_with, nodes_of
from .cases import base_case, packaged_case, require
from .on_cards import fitted_to
from .running import Job, Transcoded, TranscodeFailed, transcode
from .sampling import sample_file

if TYPE_CHECKING:
    from ...media.case import Case
    from ...media.hardware.counters import GpuUse
    from ...media.hardware.devices import Node
    from ...runtime.base import Container
    from ..subject import Subject

_REPEATED = 2
_REPEATED_ON_CARDS = 6
"""A card encodes faster, and what it takes to begin must not be most of what is measured."""
PAIRS = 5
"""From the least to the greatest of five ratios their median lies with 94 % (1 - 2 / 2^5, the sign test)."""
_ALONE = 2
_FAILURES = (TranscodeFailed, CommandTimeout, JudgeError)


@dataclass(eq=False)
class Runner:
    """One image's runs of the case in a container of its own. `rates` are frames per second, `gpu` is what the hardware
    did in the run that isn't timed."""

    subject: Subject
    program: str
    container: Container
    case: Case
    film: Path
    folder: Path
    backend: str = ""
    peak: int = 0
    gpu: GpuUse | None = None
    rates: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """A run that isn't timed: files are read for the first time, memory and the device are watched."""
        with _watched(self):
            result = self._run("warm-up", counted=self.backend)
        self.gpu = result.gpu
        if self.backend:
            _require_device(self.case, result)

    def measure(self) -> None:
        """A run that is timed. Raises TranscodeFailed, CommandTimeout, JudgeError."""
        before = self.container.usage().cpu_seconds
        result = self._run(str(len(self.rates)))
        self.cpu_seconds.append(self.container.usage().cpu_seconds - before)
        frames = result.info.video.frames if result.info.video else 0
        if not frames:
            raise JudgeError("the output has no frame of video")
        self.rates.append(frames / result.command.duration)

    def _run(self, name: str, counted: str = "") -> Transcoded:
        into = self.folder / name
        into.mkdir(parents=True)
        job = Job(self.case.recipe, self.film, self.case.outputs, timeout=self.case.timeout)
        job = replace(job, device=self.case.device, counted=counted)
        return transcode(self.container, self.program, job, into)


@contextmanager
def _watched(runner: Runner) -> Iterator[None]:
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            try:
                runner.peak = max(runner.peak, runner.container.usage().memory)
            except EnvironmentFault:
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@check(
    "transcode.speed",
    fails="an encode that is slower than the baseline's by more than `transcode.speed`, with certainty; without "
    "`--media-baseline` it is only measured",
    why="A build without assembly, with other flags or another allocator encodes the same pictures at twice the cost.",
)
def speed(context: Context) -> Iterator[Finding]:
    program = context.subject.ffmpeg_to_run()
    place = _on_card(context) if context.hardware_path else _Place(context, base_case(context))
    case = place.case
    from ...media.looping import looped

    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="speed-") as name, ExitStack() as stack:
        film = Path(name) / "long.mp4"
        repeated = _REPEATED_ON_CARDS if place.node else _REPEATED
        looped(sample_file(case.sample, context.subject.bench.cache), film, repeated)

        def runner(subject: Subject, program: str, folder: str) -> Runner:
            container = stack.enter_context(closing(place.container(subject)))
            return Runner(subject, program, container, case, film, Path(name) / folder, place.backend)

        try:
            current = runner(context.subject, program, "current")
            current.warm_up()
        except _FAILURES:
            context.skip(f"the transcode fails: see transcode.{BASE_CASE}")
        baseline, why = None, ""
        previous = context.subject.previous
        if previous is not None:
            old = previous.ffmpeg_program()
            why = "" if old else "the baseline has no ffmpeg"
            try:
                baseline = runner(previous, old, "baseline") if old else None
                if baseline:
                    baseline.warm_up()
            except _FAILURES as error:
                baseline, why = None, f"the baseline's transcode fails: {error.message}"
            except Skip as skip:
                baseline, why = None, f"of the baseline {skip}"
        try:
            why = _measure(current, baseline) or why
        except _FAILURES:
            context.skip(f"the transcode fails: see transcode.{BASE_CASE}")
        if why:
            baseline = None
    yield from _compare(context, current, baseline)
    if why:
        yield Finding(f"not compared: {why}", severity=Severity.NOTE, evidence="no comparison", fix="Look into it.")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the case is run: on the processor, or on a device of a hardware path."""

    context: Context
    case: Case
    node: Node | None = None
    backend: str = ""

    def container(self, subject: Subject) -> Container:
        """A container of its own. Skips where it can't be given the device."""
        if self.node is None:
            return subject.new_container()
        try:
            return container_with(self.node, self.backend, replace(self.context, subject=subject))
        except Absent as reason:
            self.context.skip(str(reason))


def _on_card(context: Context) -> _Place:
    """The first device of the path. Skips where there is none, or the image can't use it."""
    path = context.hardware_path or ""
    try:
        nodes, backend = nodes_of(path, context)
    except Absent as reason:
        context.skip(str(reason))
    case = fitted_to(context, packaged_case(BASE_CASE), path, nodes[0])
    require(context, case)
    return _Place(context, case, nodes[0], backend)


def _require_device(case: Case, result: Transcoded) -> None:
    """A speed that isn't the device's is none. Skips where nothing shows that it did the work."""
    from ...media.rules.hardware import OnDevice

    problems = [problem for rule in case.rules if isinstance(rule, OnDevice) for problem in rule.judge(result.made)]
    if problems:
        raise Skip(f"it isn't proven that the device encodes: see transcode.{BASE_CASE} and hardware.*")


def _measure(current: Runner, baseline: Runner | None) -> str:
    """In turns, so that what else the machine does meets both alike. Gives why the baseline can't be compared.

    Raises what ends a run of `current`.
    """
    why = ""
    for turn in range(PAIRS if baseline else _ALONE):
        pair = [runner for runner in (current, baseline) if runner]
        for runner in pair if turn % 2 else reversed(pair):
            if runner is current:
                runner.measure()
            elif not why:
                try:
                    runner.measure()
                except _FAILURES as error:
                    why = f"the baseline's transcode fails: {error.message}"
    return why


def _compare(context: Context, current: Runner, baseline: Runner | None) -> Iterator[Finding]:
    tolerance = context.policy.transcode_speed
    rate = statistics.median(current.rates)
    told = (
        f"{rate:.0f} frames/s ({rate / 25:.1f} x real time), {statistics.median(current.cpu_seconds):.2f} CPU seconds, "
        f"{format_bytes(current.peak)} of memory"
    )
    told += f"; {current.gpu}" if current.gpu else ""
    if baseline is None:
        context.measure(told)
        return
    ratios = sorted(new / old for new, old in zip(current.rates, baseline.rates, strict=True))
    median, least, most = statistics.median(ratios), ratios[0], ratios[-1]
    work = statistics.median(current.cpu_seconds) / max(statistics.median(baseline.cpu_seconds), 0.01)
    told += f"; {median:.2f} of the baseline's speed ({least:.2f} to {most:.2f})"
    context.measure(told, budget=f"at most {tolerance:g} % slower than the baseline")
    limit = 1 - tolerance / 100
    if median >= limit:
        return
    certain = most < limit
    words = (
        f"{(1 - median) * 100:.0f} % slower than the baseline (in {PAIRS} pairs {(1 - most) * 100:.0f} to "
        f"{(1 - least) * 100:.0f} %, at {work:.2f} of its CPU time), more than {tolerance:g} %"
    )
    yield Finding(
        words if certain else f"{words}; the pairs differ too much to be sure",
        severity=None if certain else Severity.NOTE,
        file=current.program,
        evidence="slower than the baseline",
        fix="Compare both builds' `ffmpeg -version` (--disable-x86asm, compiler flags, library versions), and the C "
        "library's allocator.",
    )
