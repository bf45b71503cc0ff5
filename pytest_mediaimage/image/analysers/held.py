"""The parts of a stream that are needed later, kept while it passes by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Range = tuple[int, int]
"""[low, high) of a file, in bytes."""
_END = 1 << 64  # beyond every file
_ALL = [(0, _END)]


class Held:
    """Keeps what is wanted of the chunks that are added one after the other; a chunk wanted whole isn't copied."""

    def __init__(self) -> None:
        self.length = 0  # bytes added
        self._wanted: list[Range] = []
        self._readable = _ALL  # narrower where a chunk was added that should have been cut
        self._starts: list[int] = []
        self._pieces: list[bytes] = []

    def want(self, ranges: Iterable[Range]) -> None:
        """From now on these ranges are kept, and no others."""
        self._wanted = _merged(ranges)

    def add(self, chunk: bytes) -> None:
        """The stream's next bytes; kept whole until they are trimmed."""
        self._starts.append(self.length)
        self._pieces.append(chunk)
        self.length += len(chunk)

    def stand_at(self, place: int) -> None:
        """Let nothing be read that wouldn't be held, had the last chunk been cut at this place and trimmed."""
        self._readable = _merged([*_common(self._readable, self._wanted), (place, _END)])

    def trim(self, *, last: bool = False) -> None:
        """Let go of what isn't wanted; with `last` only the last chunk is looked at."""
        index = len(self._pieces) - 1 if last else 0
        wanted = _common(self._readable, self._wanted)
        self._readable = _ALL
        pieces = list(zip(self._starts[index:], self._pieces[index:], strict=True))
        del self._starts[index:], self._pieces[index:]
        for start, piece in pieces:
            for low, high in wanted:
                if low < start + len(piece) and start < high:
                    self._starts.append(max(low, start))
                    self._pieces.append(piece[max(low - start, 0) : high - start])

    def read(self, start: int, most: int) -> bytes:
        """What is held from `start` on without a gap, at most so many bytes."""
        index = bisect_right(self._starts, start) - 1
        end = next((high for low, high in self._readable if low <= start < high), 0)
        if index < 0 or end <= start:
            return b""
        most = min(most, end - start)
        at = start - self._starts[index]
        found = [self._pieces[index][at : at + most]]
        length = len(found[0])
        while length and length < most and index + 1 < len(self._starts):
            index += 1
            if self._starts[index] != start + length:
                break
            found.append(self._pieces[index][: most - length])
            length += len(found[-1])
        return b"".join(found)


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """The same bytes in order, each once."""
    merged: list[Range] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        elif low < high:
            merged.append((low, high))
    return merged


def _common(some: list[Range], others: list[Range]) -> list[Range]:
    """What stands in both."""
    if some is _ALL:
        return others
    return [
        (low if low > start else start, high if high < end else end)
        for low, high in some
        for start, end in others
        if low < end and start < high
    ]
