"""`transcode.limits`: an encode within a small worker's memory and CPU."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import JudgeError
from ...result import Finding, Severity, format_bytes
from ...runtime.base import FOLDER, Resources
from ..context import Context
from ..last_words import last_words
from ..registry import check
from ..subject import UNUSABLE, FFmpegFailed
from .sampling import sample_file
from .watching import WroteTooMuch, wait_for

if TYPE_CHECKING:
    from ...runtime.base import Process

_REPEATED = 2
_LIMIT = 120.0
"""Seconds that the encode may take; on one core of this decade it takes two."""
_INSIDE = f"{FOLDER}/limits"
_THREADS = re.compile(rb"\bthreads=(\d{1,4}) lookahead_threads=")  # x264, common/base.c: x264_param2string
_HEAD = 1 << 16
_PEAK = re.compile(r"^bench: maxrss=(\d{1,12})Ki?B", re.MULTILINE)  # FFmpeg, fftools/ffmpeg.c
_MOST_THREADS = 2
"""For each core of the quota. Own: with twice as many as cores x264 still gains a little, with more it only waits."""


@check(
    "transcode.limits",
    fails="an encode that is killed for its memory, fails, or loses frames under the memory and CPU of "
    "`transcode.limits`. More threads than twice the CPU's quota are a note",
    why="A scheduler gives a job a part of a machine; FFmpeg counts the whole machine's cores, and takes threads and "
    "memory for all of them.",
)
def limits(context: Context) -> Iterator[Finding]:
    allowed = context.policy.transcode_limits
    context.measure(None, budget=allowed.memory, unit="bytes")
    program = context.subject.ffmpeg_to_run()
    can = context.subject.bench.runtime.capabilities()["memory-limit"]
    if not can.available:
        context.skip(f"memory can't be limited here: {can.reason}")
    try:
        if "libx264" not in context.subject.listings().encoders:
            context.skip("ffmpeg lacks the encoder libx264")
    except FFmpegFailed:
        context.skip(UNUSABLE)
    from ...media.cases import DEFAULT_SAMPLE
    from ...media.looping import looped

    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="limits-") as name:
        folder = Path(name)
        looped(sample_file(DEFAULT_SAMPLE, context.subject.bench.cache), folder / "long.mp4", _REPEATED)
        (folder / "note").touch()
        # Without the pins of the cases: what a job gets that says nothing of threads.
        argv = [program, "-nostdin", "-hide_banner", "-nostats", "-benchmark", "-y", "-i", f"{_INSIDE}/input.mp4"]
        argv += ["-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", f"{_INSIDE}/output/output.mp4"]
        process = context.subject.start_command(
            argv,
            {f"{_INSIDE}/input.mp4": folder / "long.mp4", f"{_INSIDE}/output/.made": folder / "note"},
            Resources(memory=allowed.memory, cpus=allowed.cpus),
        )
        with closing(process):
            yield from _judge(context, process, folder)


def _judge(context: Context, process: Process, folder: Path) -> Iterator[Finding]:
    allowed = context.policy.transcode_limits
    try:
        code, peak = _watch(process)
    except WroteTooMuch as error:
        yield Finding(
            f"the encode wrote without end: {error.message}", evidence="endless output", fix="Run it by hand in them."
        )
        return
    peak = max([peak, *(int(kib) * 1024 for kib in _PEAK.findall(process.output))])
    is_killed = process.out_of_memory
    # FFmpeg's own figure has pages in it that are charged to others, and more than the limit none can have held.
    peak = allowed.memory if is_killed else min(peak, process.peak_memory or allowed.memory)
    context.measure(peak or None, budget=allowed.memory, unit="bytes")
    within = f"{format_bytes(allowed.memory)} of memory and {allowed.cpus:g} CPU"
    if is_killed:
        yield Finding(
            f"the encode was killed out of memory within {within}",
            evidence="out of memory",
            fix="Limit threads (-threads, -filter_threads) and lookahead, or raise transcode.limits.memory.",
        )
        return
    if code != 0:
        how = f"didn't end within {_LIMIT:g} s" if code is None else f"ended with exit code {code}"
        words = last_words(process.output)
        yield Finding(f"the encode {how} within {within}: {words}", evidence="failed", fix="Run it by hand in them.")
        return
    yield from _output(context, process, folder)


def _watch(process: Process) -> tuple[int | None, int]:
    """The exit code, None where it didn't end in time, and the most memory seen, in bytes. Raises WroteTooMuch."""
    peak = 0

    def look() -> None:
        nonlocal peak
        usage = process.usage()
        peak = max(peak, usage.memory if usage else 0)

    return wait_for(process, _LIMIT, every=0.1, until=look), peak


def _output(context: Context, process: Process, folder: Path) -> Iterator[Finding]:
    from ...media import judge

    output = folder / "output.mp4"
    try:
        process.copy_out(f"{_INSIDE}/output/output.mp4", output)
        wanted, count = (sum(1 for _ in judge.frames(path)) for path in (folder / "long.mp4", output))
        problem = "" if wanted == count else f"{count} of {wanted} frames are there"
    except (OSError, JudgeError) as error:
        problem = str(error)
    if problem:
        yield Finding(f"the output is wrong: {problem}", evidence="wrong output", fix="Look at what FFmpeg printed.")
        return
    cpus = context.policy.transcode_limits.cpus
    with output.open("rb") as file:
        found = _THREADS.search(file.read(_HEAD))
    if found and int(found[1]) > _MOST_THREADS * cpus:
        yield Finding(
            f"x264 took {int(found[1])} threads, for the cores of the machine; its quota is {cpus:g} CPU",
            severity=Severity.NOTE,
            evidence="threads beyond the quota",
            fix="Give jobs -threads by their quota, or pin them to cores (--cpuset-cpus).",
        )
