"""`container.exit-code`: an encode that failed says so."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ...result import Finding, Severity
from ...runtime.base import NotStarted
from ..context import Context
from ..registry import check
from ..transcode.sampling import sample_file
from ..transcode.watching import WroteTooMuch, wait_for
from .command import LONG, Command, Started, command_of, endless, start, words_of

_LIMIT = 60.0
"""Seconds that one short encode may take."""
_PAGE = 4096
_FIX = "Let the wrapper end with ffmpeg's exit code: `set -eo pipefail`, `exec ffmpeg ...`, no `|| true`."


@dataclass(frozen=True, slots=True)
class _Trial:
    """`note` is any small file, `sample` a good film."""

    context: Context
    command: Command
    sample: Path
    note: Path
    folder: Path


@check(
    "container.exit-code",
    fails="a command that ends with exit code 0 though its input can't be read, its disk is full, or its ffmpeg was "
    "killed",
    why="A job that fails and says that it went well is never run again, and its film is missing.",
)
def exit_code(context: Context) -> Iterator[Finding]:
    context.measure(None, budget="not 0 after a failure")
    if context.subject.static:
        context.skip("nothing is started under --media-static")
    from ...media.cases import DEFAULT_SAMPLE

    command = command_of(context)
    sample = sample_file(DEFAULT_SAMPLE, context.subject.bench.cache)
    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="exit-") as name:
        folder = Path(name)
        (folder / "note").touch()
        trial = _Trial(context, command, sample, folder / "note", folder)
        try:
            yield from _failures(trial)
        except NotStarted as error:
            yield Finding(error.message, evidence="not started", fix="See config.entrypoint.")
        except WroteTooMuch as error:
            yield endless(command, error)


def _failures(trial: _Trial) -> Iterator[Finding]:
    """First a good encode: what always fails, or never ends, tells nothing about failures."""
    started = start(trial.context, trial.command, trial.sample, trial.note)
    with closing(started.process):
        code = wait_for(started.process, _LIMIT)
        length = started.process.length_of(started.output) or 0
        if code != 0 or not length:
            ended = "didn't end" if code is None else f"ended with exit code {code} and wrote {length} bytes"
            yield Finding(
                f"{started.argv[0]} {ended} on a good film: {words_of(started.process)}",
                file=started.argv[0],
                evidence="a good film fails",
                fix=f"Run it by hand: {' '.join(started.argv)}",
            )
            return
    told = []
    for name, fails in (("unreadable input", _unreadable), ("full disk", _full_disk), ("killed ffmpeg", _killed)):
        found = list(fails(trial, length))
        yield from found
        told += [] if found else [name]
    trial.context.measure(", ".join(told) or "none", budget="not 0 after a failure")


def _unreadable(trial: _Trial, length: int) -> Iterator[Finding]:
    from ...media.looping import without_index

    broken = trial.folder / f"broken{trial.sample.suffix}"
    broken.write_bytes(without_index(trial.sample.read_bytes()))
    started = start(trial.context, trial.command, broken, trial.note)
    yield from _judged(started, "an input without its index (moov)", "unreadable input")


def _full_disk(trial: _Trial, length: int) -> Iterator[Finding]:
    room = length // 4 // _PAGE * _PAGE
    if room < _PAGE:
        yield _unjudged(f"a full disk: the output has only {length} bytes")
        return
    started = start(trial.context, trial.command, trial.sample, trial.note, full_at=room)
    yield from _judged(started, f"an output disk that was full after {room} bytes", "full disk")


def _killed(trial: _Trial, length: int) -> Iterator[Finding]:
    """The kernel kills the largest process when memory is short: ffmpeg, and not the script around it."""
    from ...media.looping import looped

    source = trial.sample
    if not trial.command.is_ffmpeg:
        source = trial.folder / "long.mp4"
        looped(trial.sample, source, LONG)
    started = start(trial.context, trial.command.endless(), source, trial.note)
    with closing(started.process):
        if not _until(lambda: "ffmpeg" in started.process.programs(), 5.0):
            yield _unjudged("a killed ffmpeg: the command starts none")
            return
        if started.process.programs()[:1] == ("ffmpeg",):
            return  # it is process 1 itself: its end is the container's, and the kernel gives the exit code
        if not started.process.kill_program("ffmpeg"):
            yield _unjudged("a killed ffmpeg: it can't be killed alone in this engine")
            return
        if wait_for(started.process, 10.0) is None:
            yield _unjudged("a killed ffmpeg: the command goes on, and may have started another")
            return
        yield from _judged(started, "an ffmpeg that was killed (SIGKILL, as when memory is short)", "killed ffmpeg")


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _judged(started: Started, what: str, evidence: str) -> Iterator[Finding]:
    with closing(started.process):
        code = wait_for(started.process, _LIMIT)
        if code == 0 or code is None:
            ended = "ended with exit code 0" if code == 0 else f"didn't end within {_LIMIT:g} s"
            yield Finding(
                f"{started.argv[0]} {ended} after {what}",
                file=started.argv[0],
                evidence=evidence,
                fix=_FIX,
            )


def _unjudged(what: str) -> Finding:
    return Finding(
        f"not judged: {what}",
        severity=Severity.NOTE,
        evidence=f"not judged: {what.partition(':')[0]}",
        fix="Name the command that encodes in container.command.",
    )
