"""Layers as they travel: gzip, zstd or plain, told apart by their first bytes and checked against their digest."""

from __future__ import annotations

import hashlib
import zlib
from typing import Protocol

import zstandard
from isal import igzip, isal_zlib

from ..errors import CorruptImage
from .digest import Digest

# zstd's own default limit is 128 MiB; a larger window is a way to make us allocate memory.
_MAX_WINDOW = 128 * 1024 * 1024
_READ = 256 * 1024
_DAMAGE: tuple[type[Exception], ...] = (
    EOFError,
    zlib.error,
    isal_zlib.error,  # type: ignore[assignment]
    igzip.BadGzipFile,
    zstandard.ZstdError,
)


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Hashing:
    """Passes a stream on while counting and hashing it."""

    def __init__(self, stream: ByteStream, algorithm: str = "sha256") -> None:
        self._stream = stream
        self._hash = hashlib.new(algorithm)
        self._algorithm = algorithm
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        self.count += len(data)
        return data

    @property
    def digest(self) -> Digest:
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def drain(self) -> None:
        while self.read(_READ):
            pass


class _Rewound:
    """A stream whose first bytes were already read."""

    def __init__(self, head: bytes, stream: ByteStream) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            if size < 0:
                head, self._head = self._head, b""
                return head + self._stream.read(-1)
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)

    def readinto(self, buffer: memoryview, /) -> int:
        """What isal's gzip reader asks for."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def compression_of(head: bytes) -> str:
    """`zstd`, `gzip`, `bzip2`, `xz` or `none`, from at least six first bytes."""
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh":
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\0":
        return "xz"
    return "none"


class LayerStream:
    """The uncompressed bytes of a layer, checked when `verify` is called.

    `compressed` is the blob's digest and length in bytes, or None where the source keeps no compressed blobs.
    `diff_id` is what the configuration says of the uncompressed bytes, or None where the source can't tell
    which layer this is before the end.
    """

    def __init__(
        self,
        raw: ByteStream,
        *,
        where: str,
        compressed: tuple[Digest, int] | None = None,
        diff_id: Digest | None = None,
    ) -> None:
        self.where = where
        self._expected = compressed
        self.diff_id = diff_id
        self._raw = Hashing(raw, compressed[0].algorithm if compressed else "sha256")
        head = self._raw.read(6)
        while 0 < len(head) < 6 and (more := self._raw.read(6 - len(head))):
            head += more
        self.compression = compression_of(head)
        whole = _Rewound(head, self._raw)
        self._plain = Hashing(_decompressor(whole, self.compression, where), diff_id.algorithm if diff_id else "sha256")

    def read(self, size: int, /) -> bytes:
        try:
            return self._plain.read(size)
        except _DAMAGE as error:
            raise CorruptImage(
                f"the {self.compression} stream is damaged ({error})",
                blob=self.where,
                offset=self._raw.count,
                remedy="Build or copy the image again.",
            ) from error

    def verify(self) -> Digest:
        """Read to the end and return the diffID.

        Raises CorruptImage where digest, length or diffID isn't what the image says.
        """
        while self.read(_READ):
            pass
        self._raw.drain()
        if self._expected:
            digest, length = self._expected
            if self._raw.count != length:
                raise self._mismatch(f"{self._raw.count} bytes where its descriptor says {length}")
            if self._raw.digest != digest:
                raise self._mismatch(f"its content has the digest {self._raw.digest}")
        if self.diff_id and self._plain.digest != self.diff_id:
            raise self._mismatch(f"its uncompressed content is {self._plain.digest}, the diffID is {self.diff_id}")
        return self._plain.digest

    @property
    def uncompressed_length(self) -> int:
        """Bytes read so far; after `verify`, of the whole layer."""
        return self._plain.count

    def _mismatch(self, message: str) -> CorruptImage:
        return CorruptImage(
            f"the layer is damaged: {message}", blob=self.where, remedy="Build or copy the image again."
        )


def _decompressor(raw: _Rewound, compression: str, where: str) -> ByteStream:
    if compression == "zstd":
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
        return decompressor.stream_reader(raw, read_across_frames=True)  # type: ignore[arg-type]
    if compression == "gzip":
        gzip: ByteStream = igzip.IGzipFile(fileobj=raw, mode="rb")  # type: ignore[no-untyped-call]
        return gzip
    if compression in ("bzip2", "xz"):
        raise CorruptImage(
            f"the layer is compressed with {compression}, which no container engine reads",
            blob=where,
            remedy="Use gzip or zstd.",
        )
    return raw
