"""What is seen of an encode while it runs: how far it is, and how much it has written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ...errors import MediaImageError
from ...result import format_bytes

if TYPE_CHECKING:
    from ...runtime.base import Container, Process

MOST_BYTES = 4 * 10**9
"""That all outputs of one command may have together: as much as is fetched of a single one."""
_EVERY = 1.0
"""Seconds between two looks at what was written: an engine counts all that lies in the container each time."""
# FFmpeg, fftools/ffmpeg.c, print_report: `-progress` writes these lines in blocks that end with `progress=`.
_LINES = re.compile(
    r"^(?:frame|fps|stream_\d+_\d+_\w+|bitrate|total_size|out_time(?:_us|_ms)?|dup_frames|drop_frames|speed|progress)="
    r".*\n?",
    re.MULTILINE,
)
_FRAME = re.compile(rb"^frame=\s*(\d{1,12})\s*\nfps=\s*(\d{1,9}(?:\.\d+)?)\s*\n", re.MULTILINE)
_TAIL = 4096


class Progress(NamedTuple):
    """Frames that were encoded so far, and frames per second as FFmpeg says; both 0 where it has no picture yet."""

    frame: int
    fps: float


Tell = Callable[[Progress], None]


class WroteTooMuch(MediaImageError):
    """A command was ended for what it wrote."""


@dataclass(eq=False)
class Watcher:
    """A `runtime.base.Watch` for one command, whose outputs lie in `folder`.

    Raises WroteTooMuch, which ends the command, where they grow beyond MOST_BYTES.
    """

    container: Container
    folder: str
    tell: Tell | None = None
    before: int = 0
    _looked: float = field(default_factory=time.monotonic)
    _tail: bytes = b""

    def __call__(self, output: bytes) -> None:
        if output and self.tell is not None:
            self._tail = (self._tail + output)[-_TAIL:]
            if found := _FRAME.findall(self._tail):
                self.tell(Progress(int(found[-1][0]), float(found[-1][1])))
        if time.monotonic() - self._looked >= _EVERY:
            _require_few(self.container.written(self.folder) - self.before)
            self._looked = time.monotonic()


def _require_few(written: int) -> None:
    if written > MOST_BYTES:
        raise WroteTooMuch(
            f"{format_bytes(written)} were written when it was ended, "
            f"and its outputs may have {format_bytes(MOST_BYTES)} in all"
        )


def wait_for(
    process: Process, seconds: float, *, every: float = _EVERY, until: Callable[[], object] = lambda: False
) -> int | None:
    """As Process.wait, or until `until` is true, which is called `every` so many seconds.

    Raises WroteTooMuch, and kills the process, where it writes more than MOST_BYTES.
    """
    now = looked = time.monotonic()
    deadline = now + seconds
    while (code := process.wait(max(0, min(deadline - now, every)))) is None:
        is_enough = until()
        now = time.monotonic()
        if now - looked >= _EVERY:
            try:
                _require_few(process.written())
            except WroteTooMuch:
                process.kill()
                raise
            looked = now
        if is_enough or now >= deadline:
            break
    return code


def with_progress(argv: Sequence[str], program: str) -> list[str]:
    """The command, told to write on stdout how far it is; it encodes the same. What isn't FFmpeg itself, or does so
    already, is left as it is."""
    if argv[0] != program or "-progress" in argv:
        return list(argv)
    return [argv[0], "-progress", "pipe:1", *argv[1:]]


def without_progress(stdout: str) -> str:
    """What else was written on stdout."""
    return _LINES.sub("", stdout)
