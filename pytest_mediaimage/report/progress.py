"""What a terminal shows while something is under way: how the reading of an image goes, and how far an encode is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import TextIO

from ..result import format_bytes

_EVERY = 0.2  # seconds
_ERASE = "\r\x1b[K"
_KEEP_PLACE, _GO_BACK, _ERASE_REST = "\x1b7", "\x1b8", "\x1b[K"  # DECSC, DECRC, EL
_LEAST_ROOM = 12


class ProgressLine:
    """Redraws one line until the image is read, then takes it away. Told by several threads at once."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._drawer: threading.Thread | None = None
        self._ended = threading.Event()

    def begin(self, image: str, layers: int, expected: int | None) -> None:
        self._image, self._layers, self._expected = image, layers, expected
        self._bytes = self._done = 0
        self._start = time.monotonic()
        self._ended.clear()
        self._drawer = threading.Thread(target=self._draw, name="mediaimage-progress", daemon=True)
        self._drawer.start()

    def advance(self, count: int) -> None:
        with self._lock:
            self._bytes += count

    def layer_done(self) -> None:
        with self._lock:
            self._done += 1

    def end(self) -> None:
        if self._drawer is not None:
            self._ended.set()
            self._drawer.join()
            self._drawer = None
            self._out.write(_ERASE)
            self._out.flush()

    def _draw(self) -> None:
        while not self._ended.wait(_EVERY):
            self._out.write(_ERASE + self.text(time.monotonic() - self._start))
            self._out.flush()

    def text(self, seconds: float) -> str:
        """What the line says after so many seconds."""
        with self._lock:
            count, done = self._bytes, self._done
        layer = f"layer {min(done + 1, self._layers)} of {self._layers}"
        if not count:
            return f"reading {self._image}: waiting for {layer}, {seconds:.0f} s"
        amount = format_bytes(count) + (f" of {format_bytes(self._expected)}" if self._expected else "")
        rate = f"{format_bytes(round(count / seconds))}/s" if seconds else ""
        return f"reading {self._image}: {layer}, {amount}, {rate}"


class StepLine:
    """Redraws one line with the step that is under way, and takes it away at the end; without `out` does nothing."""

    def __init__(self, out: TextIO | None, steps: int) -> None:
        self._out = out
        self._steps = steps

    def __enter__(self) -> StepLine:
        return self

    def __exit__(self, *_: object) -> None:
        self._write(_ERASE)

    def show(self, step: int, name: str) -> None:
        self._write(f"{_ERASE}check {step} of {self._steps}: {name}")

    def _write(self, text: str) -> None:
        if self._out is not None:
            self._out.write(text)
            self._out.flush()


class EncodeLine:
    """Shows how far the encode is that a test waits for, behind what pytest wrote of it, and takes it away again.

    `room` tells how many columns are left there. Encodes tell of themselves by a key, from any thread, also before
    their test begins.
    """

    def __init__(self, out: TextIO, room: Callable[[], int]) -> None:
        self._out = out
        self._room = room
        self._seen: dict[Hashable, tuple[int, float]] = {}
        self._drawer: threading.Thread | None = None
        self._ended = threading.Event()

    def tell(self, key: Hashable, progress: tuple[int, float]) -> None:
        """Frames so far, and frames per second."""
        self._seen[key] = progress

    def begin(self, key: Hashable, name: str) -> None:
        self._ended.clear()
        self._drawer = threading.Thread(target=self._draw, args=(key, name), name="mediaimage-encode", daemon=True)
        self._drawer.start()

    def end(self) -> None:
        if self._drawer is not None:
            self._ended.set()
            self._drawer.join()
            self._drawer = None

    def _draw(self, key: Hashable, name: str) -> None:
        drawn = ""
        while not self._ended.wait(_EVERY):
            text = self.text(key, name)
            if text and text != drawn:
                self._out.write(f"{_KEEP_PLACE}{_ERASE_REST}{text}{_GO_BACK}")
                self._out.flush()
                drawn = text
        if drawn:
            self._out.write(_ERASE_REST)
            self._out.flush()
        self._seen.pop(key, None)

    def text(self, key: Hashable, name: str) -> str:
        """What is shown of an encode, "" where it hasn't told of a frame yet or there is no room."""
        frame, rate = self._seen.get(key, (0, 0.0))
        room = self._room()
        return f" {name}: frame {frame}, {rate:.0f} fps"[:room] if frame and room >= _LEAST_ROOM else ""
