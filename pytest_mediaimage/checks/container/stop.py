"""`container.stop`: the encoder hears that it is to stop, and leaves a film that can be played."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...errors import JudgeError
from ...result import Finding, Severity
from ...runtime.base import NotStarted
from ..context import Context
from ..registry import check
from ..transcode.sampling import sample_file
from ..transcode.watching import WroteTooMuch, wait_for
from .command import LONG, Command, Started, command_of, endless, start, words_of

_UNDER_WAY = 1000
"""Bytes of output that show an encode in progress; a header alone has less."""
_PATIENCE = 8.0
"""Seconds after which a command that shows no output is stopped all the same: it may write elsewhere."""
_FIX = (
    'Let the encoder be process 1 (end the script with `exec ffmpeg ...` or `exec "$@"`), start the script under '
    "tini, or trap TERM in it, hand the signal on and wait."
)


@check(
    "container.stop",
    fails="a command that SIGTERM in the middle of an encode doesn't end within the grace period, or that then leaves "
    "a film which can't be played",
    why="Each deployment and each drained node stops encoders in the middle of their work; what is killed loses it.",
)
def stop(context: Context) -> Iterator[Finding]:
    grace = context.policy.container_grace
    context.measure(None, budget=grace, unit="seconds")
    if context.subject.static:
        context.skip("nothing is started under --media-static")
    command = command_of(context)
    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="stop-") as folder:
        source = _long(context, command, Path(folder))
        note = Path(folder) / "note"
        note.touch()
        try:
            started = start(context, command.endless(), source, note)
        except NotStarted as error:
            yield Finding(error.message, evidence="not started", fix="See config.entrypoint.")
            return
        with closing(started.process):
            try:
                yield from _stop(context, started, Path(folder), grace)
            except WroteTooMuch as error:
                yield endless(command, error)


def _long(context: Context, command: Command, folder: Path) -> Path:
    from ...media.cases import DEFAULT_SAMPLE
    from ...media.looping import looped

    sample = sample_file(DEFAULT_SAMPLE, context.subject.bench.cache)
    if command.is_ffmpeg:
        return sample
    looped(sample, folder / "long.mp4", LONG)
    return folder / "long.mp4"


def _stop(context: Context, started: Started, folder: Path, grace: int) -> Iterator[Finding]:
    process = started.process
    code = _await_encode(started)
    if code == 0:
        context.skip(f"the command encodes {5 * LONG} s of film faster than it could be stopped")
    if code is not None:
        yield Finding(
            f"{started.argv[0]} ended with exit code {code} before it was stopped: {words_of(process)}",
            file=started.argv[0],
            evidence="failed before the stop",
            fix=f"Run it by hand: {' '.join(started.argv)}",
        )
        return
    running = process.programs()
    began = time.monotonic()
    process.terminate()
    code = wait_for(process, grace)
    took = time.monotonic() - began
    if code is None:
        names = ", ".join(process.programs()) or "nothing"
        process.kill()
        process.wait(10)
        context.measure(None, budget=grace, unit="seconds")
        yield Finding(
            f"{started.argv[0]} still ran {grace} s after SIGTERM and would be killed; running: {names}",
            file=started.argv[0],
            evidence="deaf to SIGTERM",
            fix=_FIX,
        )
        return
    context.measure(round(took, 1), budget=grace, unit="seconds")
    yield from _plays(started, code, running, folder)


def _await_encode(started: Started) -> int | None:
    """Wait until the encode is under way; the exit code where the command ended before."""

    def is_under_way() -> bool:
        return (started.process.length_of(started.output) or 0) >= _UNDER_WAY

    wait_for(started.process, _PATIENCE, every=0.2, until=is_under_way)
    return started.process.wait(0)


def _plays(started: Started, code: int, running: tuple[str, ...], folder: Path) -> Iterator[Finding]:
    from ...media import judge, probing

    output = folder / "output.mp4"
    try:
        started.process.copy_out(started.output, output)
    except OSError:
        # Who takes an unfinished film away, and says that it failed, has stopped well.
        yield Finding(
            f"{started.argv[0]} ended with exit code {code} after SIGTERM and left no output",
            severity=Severity.ERROR if code == 0 else Severity.NOTE,
            file=started.argv[0],
            evidence="no output after SIGTERM",
            fix="Let it finish the file, or end with an exit code that isn't 0.",
        )
        return
    try:
        probing.probe(output)
        count = sum(1 for _ in judge.frames(output))
        problem = "" if count else "it has no frames"
    except JudgeError as error:
        problem = error.message.replace(str(output), "it")
    if problem:
        if children := ", ".join(running[1:]):
            problem += f"; {children} ran below process 1, {running[0]}, and is killed where that doesn't wait for it"
        yield Finding(
            f"the film that {started.argv[0]} left after SIGTERM can't be played: {problem}",
            file=started.argv[0],
            evidence="unplayable after SIGTERM",
            fix=_FIX,
        )
