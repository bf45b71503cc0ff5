"""Collects what a process writes: both streams at once, bounded in memory and in time."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .base import WATCH_SECONDS, Watch

OUTPUT_LIMIT = 16 << 20
"""Bytes kept of each stream."""
GRACE = 0.25
"""Seconds that output is still awaited after the process ended, when a child of it keeps the pipe open."""


class BoundedOutput:
    """Keeps the first `limit` bytes and counts the rest."""

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._kept = 0
        self._dropped = 0

    def feed(self, data: bytes) -> None:
        kept = data[: self._limit - self._kept]
        if kept:
            self._chunks.append(kept)
            self._kept += len(kept)
        self._dropped += len(data) - len(kept)

    def since(self, start: int) -> bytes:
        """What is kept from byte `start` on. May be asked while another thread feeds."""
        return b"".join(list(self._chunks))[start:]

    def text(self) -> str:
        """The output as UTF-8, what isn't valid replaced; a last line says how much was dropped."""
        text = b"".join(self._chunks).decode(errors="replace")
        return text + f"\n[{self._dropped} bytes more were dropped]\n" if self._dropped else text


def cpu_seconds(pid: int) -> float:
    """What a process, and those that it waited for, took so far, to 0.01 s. Known until its end is waited for."""
    try:
        # proc(5): utime, stime, cutime and cstime are the fields 14 to 17, the second is in brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    except OSError:
        return 0.0
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")


def collect(
    process: subprocess.Popen[bytes],
    timeout: float,
    *,
    on_end: Callable[[int], None] = lambda pid: None,
    watch: Watch | None = None,
) -> tuple[int | None, BoundedOutput, BoundedOutput]:
    """Read stdout and stderr until the process has ended.

    Returns its status as `Popen.returncode` (None where it still runs after `timeout` seconds), and what it wrote.
    `on_end` is given its pid when it has ended and is still a zombie. What `watch` raises goes through.
    """
    assert process.stdout is not None and process.stderr is not None
    outputs = {process.stdout.fileno(): BoundedOutput(), process.stderr.fileno(): BoundedOutput()}
    stdout, stderr = outputs.values()
    deadline = time.monotonic() + timeout
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for descriptor in (*outputs, ended):
                selector.register(descriptor, selectors.EVENT_READ)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                for key, _ in selector.select(left if watch is None else min(left, WATCH_SECONDS)):
                    if key.fd == ended:
                        on_end(process.pid)
                        deadline = min(deadline, time.monotonic() + GRACE)
                        selector.unregister(ended)
                    elif data := os.read(key.fd, 1 << 16):
                        outputs[key.fd].feed(data)
                        if watch is not None and outputs[key.fd] is stdout:
                            watch(data)
                    else:
                        selector.unregister(key.fd)
                if watch is not None:
                    watch(b"")
    finally:
        os.close(ended)
    with suppress(subprocess.TimeoutExpired):
        process.wait(0)
    return process.returncode, stdout, stderr
