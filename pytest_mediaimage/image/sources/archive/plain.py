"""The uncompressed bytes of an archive that was compressed as a whole: with gzip, zstd, xz or bzip2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Protocol

from ....errors import CorruptImage
from ...compression import compression_of, plain_blocks, refuse_bomb
from ...pipeline import BLOCK

# `xz -9` asks for 65 MiB to decompress; a larger dictionary is a way to make us allocate memory.
_XZ_MEMORY = 128 * 1024 * 1024


class _Decompressor(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def compression_of_file(file: IO[bytes]) -> str:
    """`zstd`, `gzip`, `bzip2`, `xz` or `none`, told by the first bytes; the file stands at its beginning again."""
    head = file.read(6)
    file.seek(0)
    return compression_of(head)


def plain_bytes(file: IO[bytes], compression: str, where: str) -> Iterator[bytes]:
    """What `file` holds from here to its end, uncompressed, in blocks of a megabyte at the most.

    Raises CorruptImage, with the byte of the file, where it is damaged, ends too soon or is a bomb.
    """
    blocks = iter(lambda: file.read(BLOCK), b"")
    if compression in ("xz", "bzip2"):
        return _plain_members(blocks, compression, where)
    return plain_blocks(blocks, compression, where)


def _plain_members(blocks: Iterator[bytes], compression: str, where: str) -> Iterator[bytes]:
    """Several streams in a row are one; zeros may follow each, as the format of xz allows."""
    make, damage = _decompressor(compression)
    taken = length = 0
    data = b""
    while True:
        while not (data := data.lstrip(b"\0")):
            if not (data := next(blocks, b"")):
                return
            taken += len(data)
        member = make()
        while not member.eof:
            try:
                piece = member.decompress(data, BLOCK)
            except damage as error:
                raise _damaged(f"the {compression} stream is damaged ({error})", where, taken) from error
            data = b""
            length += len(piece)
            refuse_bomb(taken, length, where)
            if piece:
                yield piece
            if member.needs_input and not member.eof:
                if not (data := next(blocks, b"")):
                    raise _damaged(f"the {compression} stream ends too soon", where, taken)
                taken += len(data)
        data = member.unused_data


def _decompressor(compression: str) -> tuple[Callable[[], _Decompressor], type[Exception]]:
    """How to make one, and what it raises."""
    if compression == "xz":
        import lzma

        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), lzma.LZMAError
    import bz2

    return bz2.BZ2Decompressor, OSError


def _damaged(message: str, where: str, offset: int) -> CorruptImage:
    return CorruptImage(message, blob=where, offset=offset, remedy="Make or copy the archive again.")
