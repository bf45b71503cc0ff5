"""How layers travel: gzip, zstd or plain, told apart by their first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard
from isal import igzip_lib, isal_zlib

from ..errors import CorruptImage
from .limits import MAX_COMPRESSION_RATIO, MAX_LAYER_LENGTH, MAX_UNQUESTIONED_LENGTH, MAX_ZSTD_WINDOW
from .pipeline import BLOCK

_DAMAGE: tuple[type[Exception], ...] = (EOFError, zlib.error, isal_zlib.error, zstandard.ZstdError)  # type: ignore[assignment]
_SKIPPABLE = b"\x2a\x4d\x18"  # with 0x50 to 0x5F before it (RFC 8878, 3.1.2)


# zstd's words for what it can't or won't do.
_REFUSED = {
    "Dictionary mismatch": "the zstd stream needs a dictionary, which no container engine has",
    "too much memory": f"the zstd stream has a window of more than {MAX_ZSTD_WINDOW >> 20} MiB, which zstd refuses",
}


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def compression_of(head: bytes) -> str:
    """`zstd`, `gzip`, `bzip2`, `xz` or `none`, from at least six first bytes."""
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh":
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\0":
        return "xz"
    return "none"


def plain_blocks(blocks: Iterator[bytes], compression: str, where: str) -> Iterator[bytes]:
    """The uncompressed bytes of `blocks`, in blocks of BLOCK bytes at the most.

    Raises CorruptImage where the stream is damaged, is a bomb, or is compressed in a way that no engine reads.
    """
    ways: dict[str, Callable[[_Counted], Iterator[bytes]]] = {"zstd": _unzstd, "gzip": _gunzip, "none": _cut}
    if compression not in ways:
        raise CorruptImage(
            f"the layer is compressed with {compression}, which no container engine reads",
            blob=where,
            remedy="Use gzip or zstd.",
        )
    source = _Counted(blocks, where)
    length = 0
    try:
        for block in ways[compression](source):
            length += len(block)
            refuse_bomb(source.count, length, where)
            yield block
    except _DAMAGE as error:
        unknown = next((reason for word, reason in _REFUSED.items() if word in str(error)), "")
        raise CorruptImage(
            unknown or f"the {compression} stream is damaged ({error})",
            blob=where,
            offset=source.count,
            remedy="Build or copy the image again.",
        ) from error


def refuse_bomb(taken: int, length: int, where: str) -> None:
    """Raises CorruptImage where `taken` compressed bytes have become `length`, more than real images make of them."""
    ratio = length > MAX_UNQUESTIONED_LENGTH and length > MAX_COMPRESSION_RATIO * taken
    if ratio or length > MAX_LAYER_LENGTH:
        message = f"a decompression bomb: {taken} bytes have become {length}, and there is more"
        raise CorruptImage(message, blob=where, offset=taken)


class _Counted:
    """Blocks, and a count of the bytes that were taken."""

    def __init__(self, blocks: Iterator[bytes], where: str) -> None:
        self._blocks = blocks
        self.where = where
        self.count = 0

    def next(self) -> bytes:
        """The next block, empty at the end."""
        block = next(self._blocks, b"")
        self.count += len(block)
        return block

    def read(self, size: int = -1, /) -> bytes:
        """What zstandard asks for; it takes any length."""
        return self.next()


def _cut(source: _Counted) -> Iterator[bytes]:
    block = source.next()
    _refuse_file_system(block, source.where)
    while block:
        for at in range(0, len(block), BLOCK):
            yield block if len(block) <= BLOCK else block[at : at + BLOCK]
        block = source.next()


def _refuse_file_system(head: bytes, where: str) -> None:
    """Some layers are mounted, and are no tar: RAFS and EROFS (nydus), squashfs."""
    for offset, magic, name in ((0, b"SFAR", "RAFS"), (1024, b"\xe2\xe1\xf5\xe0", "EROFS"), (0, b"hsqs", "squashfs")):
        if head[offset : offset + 4] == magic and head[257:262] != b"ustar":
            raise CorruptImage(f"a {name} file system, as nydus uses it, is no tar and can't be read", blob=where)


def _unzstd(source: _Counted) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    reader = decompressor.stream_reader(source, read_across_frames=True)  # type: ignore[arg-type]
    while block := reader.read(BLOCK):
        yield block


def _gunzip(source: _Counted) -> Iterator[bytes]:
    """Several members in a row are one stream; zeros may follow the last (RFC 1952, and what GNU gzip takes)."""
    rest = source.next()
    while True:
        while rest and not rest.strip(b"\0"):
            rest = source.next()
        if not rest:
            return
        member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        while not member.eof:
            block = member.decompress(rest, BLOCK)
            rest = b""
            if block:
                yield block
            if member.needs_input and not member.eof:
                rest = source.next()
                if not rest:
                    raise EOFError("it ends too soon")
        rest = member.unused_data
        # A member's first bytes may lie in two blocks.
        while 0 < len(rest.lstrip(b"\0")) < 18 and (more := source.next()):
            rest += more
        rest = rest.lstrip(b"\0") if rest[:1] == b"\0" else rest
