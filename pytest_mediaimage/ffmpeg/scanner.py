"""Reads a file that passes by once, as a layer's do, and gives the build in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO

from ..errors import ElfError
from ..storage import storage_faults
from .build import Build, build_of
from .components import configured_components
from .elf import ElfFile
from .elf.headers import SegmentKind, read_header, read_segments
from .identity import FFmpegIdentity, IdentityScanner

# Symbols and section headers stand at a file's end; what lies between them and the loaded parts may be gigabytes of
# debug information.
TAIL = 64 << 20
MOST = 512 << 20
"""Bytes of one file that are kept, at the most; the largest FFmpeg seen needs 40 MB."""


class BuildScanner:
    """Is fed a file of `length` bytes in order, in chunks of any size: `feed` them, then `finish`.

    Once an FFmpeg shows, all but its code goes to a temporary file without a name. Holds little of it in memory:
    12 MiB before that besides the 12 of IdentityScanner, 4 MiB and the pointers afterwards. The result doesn't depend
    on how the bytes were cut. Raises StorageFault where the temporary file can't be written.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._fed = 0
        self._spool: _Spool | None = None
        self._scanner = IdentityScanner(self._keep)

    def feed(self, chunk: bytes) -> None:
        self._fed += len(chunk)
        self._scanner.feed(chunk)

    def found(self) -> bool:
        """Whether the file is an FFmpeg, when all of it was fed. Where it is, `finish` must be called."""
        if self._scanner.finish() is None:
            self._drop()
            return False
        return True

    def finish(self) -> Build | None:
        """The build, or None where the file is no FFmpeg; to be called once."""
        identity, spool = self._scanner.finish(), self._spool
        try:
            if identity is None:
                return None
            if self._fed != self._length or spool is None:
                return _unread(identity, "it's a sparse file, whose bytes come without their places")
            with storage_faults(Path(tempfile.gettempdir())):
                return build_of(ElfFile(spool.file, self._length, spool.kept), identity)
        except ElfError as error:
            assert identity is not None
            return _unread(identity, error.message)
        finally:
            self._drop()

    def _drop(self) -> None:
        if self._spool is not None:
            self._spool.file.close()
            self._spool = None

    def _keep(self, start: int, data: bytes) -> None:
        if self._spool is None:
            self._spool = _Spool(data, self._length)
        self._spool.write(start, data)


def _unread(identity: FFmpegIdentity, damage: str) -> Build:
    return Build(identity, components=configured_components(identity), damage=damage)


class _Spool:
    """Parts of a file at their places; the holes between them take no space."""

    def __init__(self, head: bytes, length: int) -> None:
        self.kept: list[tuple[int, int]] = []
        self._left = MOST
        self._loaded, self._tail = _loaded(head, length), length - TAIL
        with storage_faults(Path(tempfile.gettempdir())):
            self.file: BinaryIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by the scanner

    def write(self, start: int, data: bytes) -> None:
        end = min(start + len(data), start + self._left)
        for low, high in ((start, min(end, self._loaded)), (max(start, self._loaded, self._tail), end)):
            if low < high:
                self._write(low, memoryview(data)[low - start : high - start])

    def _write(self, start: int, data: memoryview) -> None:
        self._left -= len(data)
        end = start + len(data)
        if self.kept and self.kept[-1][1] == start:
            self.kept[-1] = self.kept[-1][0], end
        else:
            self.kept.append((start, end))
        with storage_faults(Path(tempfile.gettempdir())):
            self.file.seek(start)
            while data:
                data = data[self.file.write(data) :]


def _loaded(head: bytes, length: int) -> int:
    """Where the file's last loaded byte ends; the whole file where its headers don't tell."""

    def read(offset: int, count: int) -> bytes:
        if offset + count > len(head):
            raise ElfError("the headers aren't at the file's beginning")
        return head[offset : offset + count]

    try:
        segments = read_segments(read_header(head[:64]), read, length)
    except ElfError:
        return length
    return max((one.offset + one.length for one in segments if one.kind == SegmentKind.LOAD), default=length)
