"""What was read from files and is wanted again soon: a sample's frames and sound, of which every case takes some."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """Values by key, those that were used last, of `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: OrderedDict[Hashable, tuple[_T, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> _T | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Hashable, value: _T, length: int) -> None:
        """`length` is in bytes; what is longer than all that may be kept isn't."""
        if length > self.limit or key in self._values:
            return
        self._values[key] = value, length
        self._bytes += length
        self._evict()

    def grow(self, key: Hashable, value: _T, length: int) -> None:
        """The value that is kept under this key has become longer by `length` bytes."""
        if self._is(key, value):
            self._values[key] = value, self._values[key][1] + length
            self._bytes += length
            self._evict()

    def drop(self, key: Hashable, value: _T) -> None:
        """Keep this value no more, where it is the one under this key."""
        if self._is(key, value):
            self._bytes -= self._values.pop(key)[1]

    def _is(self, key: Hashable, value: _T) -> bool:
        return key in self._values and self._values[key][0] is value

    def _evict(self) -> None:
        while self._bytes > self.limit:
            self._bytes -= self._values.popitem(last=False)[1][1]


def identity_of(path: Path) -> tuple[object, ...]:
    """Changes when the file does. Raises OSError."""
    found = path.stat()
    return str(path), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
