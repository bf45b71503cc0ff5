"""ReadStream: what a stream of blobs has in common."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class ReadStream(io.RawIOBase):
    """An unbuffered stream made of one method, `next_bytes`."""

    def next_bytes(self, count: int) -> bytes:
        """Up to `count` bytes, at least one but at the end; as soon as there are any."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return self.readall()
        return self.next_bytes(size) if size else b""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
