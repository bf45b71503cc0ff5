"""The line that shows how the reading of an image goes, on a terminal."""

from __future__ import annotations

import threading
import time
from typing import TextIO

from ..result import format_bytes

_EVERY = 0.2  # seconds
_ERASE = "\r\x1b[K"


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
