"""Threads that work ahead: what reads, unpacks and hashes a layer does so beside what looks into it.

Hashing, unpacking and reading from a socket let other threads run; a pure Python reader of headers does not. With a
queue of a few blocks between them each gets a core of its own, and memory stays bounded.
"""

from __future__ import annotations

import hashlib
import queue
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

BLOCK = 1 << 20
"""Bytes that are handed on at a time."""
_AHEAD = 4
_PATIENCE = 1.0  # seconds
# Python's own interval of 5 ms would let each block wait that long for the reader of headers.
_SWITCH_INTERVAL = 0.0001


@contextmanager
def quick_switching() -> Iterator[None]:
    """Threads that wait for the interpreter get it sooner, for the time of the block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _SWITCH_INTERVAL))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Ahead:
    """Runs an iterator of blocks in a thread, a few blocks ahead of whoever asks for them.

    The first BLOCK of bytes is made by whoever asks: what is short needs no thread. An exception of the iterator comes
    out where its block would have. After `close`, which any thread may call, there are no more blocks.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._ready: deque[bytes | BaseException] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._made = 0
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._made < BLOCK and not self._ended:
            block = next(self._blocks)
            self._made += len(block)
            return block
        with self._changed:
            if self._thread is None and not self._ended:
                self._thread = threading.Thread(target=self._run, name="mediaimage-ahead", daemon=True)
                self._thread.start()
            while not self._ready and not self._ended:
                self._changed.wait()
            if not self._ready:
                raise StopIteration
            item = self._ready.popleft()
            self._changed.notify()
        if isinstance(item, BaseException):
            raise item
        return item

    def _run(self) -> None:
        try:
            for block in self._blocks:
                if not self._put(block):
                    break
        except BaseException as error:
            self._put(error)
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _put(self, item: bytes | BaseException) -> bool:
        """False where nobody wants it any more."""
        with self._changed:
            while len(self._ready) >= _AHEAD and not self._ended:
                self._changed.wait()
            if self._ended:
                return False
            self._ready.append(item)
            self._changed.notify()
            return True

    def close(self) -> None:
        """End the thread; one that waits for its source is left to it, and ends with the source."""
        with self._changed:
            self._ended = True
            self._ready.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_PATIENCE)


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Hasher:
    """A hash that is computed in a thread of its own, once there is more than a block of data."""

    def __init__(self, algorithm: str) -> None:
        self._hash: _Hash = hashlib.new(algorithm)
        self.algorithm = algorithm
        self._queue: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None
        self._seen = 0

    def update(self, block: bytes) -> None:
        if self._seen < BLOCK:
            self._seen += len(block)
            self._hash.update(block)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mediaimage-hash", daemon=True)
            self._thread.start()
        self._queue.put(block)

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            self._hash.update(block)

    def close(self) -> None:
        """End the thread after what was given to it."""
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def digest(self) -> str:
        """`algorithm:hex` of all that was given; ends the thread."""
        self.close()
        return f"{self.algorithm}:{self._hash.hexdigest()}"
