"""The cheap first look at a file: whether it can hold an FFmpeg at all.

Most files hold none, and looking for all of FFmpeg's texts costs ten times as much as looking for two.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator

from .elf import code_ranges
from .search import find

# No FFmpeg is without one of these, and both are long and rare: they're looked for at gigabytes per second then.
ANCHORS = (b"%sbuilt with %s\n", b" license: ")
HEAD = 24 << 10  # where the program headers must lie
WINDOW = 8 << 20  # how far before its first anchor a build's other texts are looked for; 2.2 MB in a libavcodec 59
BEFORE = 4097  # bytes to look back from there: as far as a compiler's name stands, and the NUL before it
LEAD = 12 << 20
"""How much of what stands before a file's code is held back, too: relocations, 7.3 MB in a 9.0.2."""
_REACH = 32  # more than an anchor's length, and than a licence text stands before its anchor

Piece = tuple[int, bytes]
"""An offset in the file, and the bytes from there on."""


class Gate:
    """Holds back a file's bytes, but for its machine code, till an anchor shows; from then on it lets them through.

    What has passed out of the window before is gone. Holds WINDOW bytes and a chunk at the most, by reference
    where a chunk holds no code. `counted` is the offset from which texts count: it doesn't depend on how the file
    was cut into chunks. `lead` are pieces that have passed out of the window, but stand before the code, in the
    file's first LEAD bytes; they are kept only on demand.
    """

    def __init__(self, *, keep_lead: bool = False) -> None:
        self.counted = 0
        self.lead: list[Piece] = []
        self._lead_end = LEAD if keep_lead else 0
        self._opened = False
        self._closed = False  # for good: the file isn't ELF
        self._head: list[bytes] | None = []  # what was fed before the program headers were known
        self._data: list[tuple[int, int]] = []  # the file's ranges that aren't code
        self._fed = 0
        self._held: deque[Piece] = deque()
        self._last: Piece = (0, b"")  # the end of the piece that was searched last: an anchor may go on in the next

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Take the file's next bytes, and give those that are let through, in order; to be read to its end."""
        if self._closed:
            return iter(())
        if self._head is None:
            return self._pass(chunk)
        self._head.append(chunk)
        self._fed += len(chunk)
        return self.end_of_head() if self._fed >= HEAD else iter(())

    def end_of_head(self) -> Iterator[Piece]:
        """Look at what was held back for the sake of the headers; to be called at the end of a file, too."""
        if self._head is None or self._closed:
            return iter(())
        whole, self._head, self._fed = b"".join(self._head), None, 0
        self._closed = whole[:4] != b"\x7fELF"
        if self._closed:
            return iter(())
        low = 0
        code = code_ranges(whole[:HEAD])
        self._lead_end = min(self._lead_end, code[0][0] + _REACH) if code else self._lead_end
        for code_low, code_high in code:
            # An anchor may stand where a text goes on into the code; and a text wants to see the byte before it.
            begin, end = code_low + _REACH, code_high - 1
            if begin < end and low < end:
                self._data.append((low, max(low, begin)))
                low = end
        self._data.append((low, sys.maxsize))
        return self._pass(whole)

    def complete(self, start: int, data: bytes) -> Iterator[Piece]:
        """The parts of a piece that is let through which don't depend on how the file was cut."""
        for low, high in ((0, min(self._lead_end, self.counted)), (self.counted, sys.maxsize)):
            if low < start + len(data) and start < high:
                yield max(low, start), data[max(low - start, 0) : high - start]

    def _pass(self, chunk: bytes) -> Iterator[Piece]:
        start, self._fed = self._fed, self._fed + len(chunk)
        for low, high in self._data:
            if low < self._fed and start < high:
                piece = max(low, start), chunk[max(low - start, 0) : high - start]
                self._held.append(piece)
                if not self._opened:
                    self._search(*piece)
                while self._opened and self._held:
                    yield self._held.popleft()

    def _search(self, start: int, data: bytes) -> None:
        last_start, last = self._last
        if last_start + len(last) != start:
            last = b""
        border = last + data[:_REACH]
        found = [start - len(last) + at for anchor in ANCHORS if (at := border.find(anchor)) >= 0]
        found += [start + at for anchor in ANCHORS if (at := find(data, anchor)) >= 0]
        if found:
            self._opened = True
            self.counted = max(0, min(found) - WINDOW)
            return
        end = start + len(data)
        tail = (last + data[-_REACH:])[-_REACH:]
        self._last = end - len(tail), tail
        needless = end - _REACH - WINDOW - BEFORE
        while self._held[0][0] + len(self._held[0][1]) <= needless:
            begin, past = self._held.popleft()
            if begin < self._lead_end:
                self.lead.append((begin, past[: self._lead_end - begin]))
