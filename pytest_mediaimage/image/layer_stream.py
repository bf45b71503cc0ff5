"""A layer as it is read: unpacked on the way, and checked against its digests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol, runtime_checkable

from ..errors import CorruptImage
from .compression import ByteStream, compression_of, plain_blocks
from .digest import Digest
from .pipeline import BLOCK, Ahead, Hasher

_SMALLEST = 64 * 1024
"""Sources hand out what they have; joining pieces below this length is cheaper than handing them on."""


@runtime_checkable
class HashedStream(Protocol):
    """A source that hashes the blob by itself as it is read: it keeps it."""

    def read(self, size: int, /) -> bytes: ...
    def digest_of_all(self) -> str:
        """`algorithm:hex` of all that was handed out, by the algorithm of the blob's digest."""


class LayerStream:
    """The uncompressed bytes of a layer, checked when `verify` is called. Close it: threads work for it.

    `compressed` is the blob's digest and length in bytes, or None where the source keeps no compressed blobs.
    `diff_id` is what the configuration says of the uncompressed bytes, or None where the source can't tell
    which layer this is before the end. `on_read` is called with the count of bytes that came from the source.
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
        self.diff_id = diff_id
        self.on_read: Callable[[int], None] | None = None
        self._expected = compressed
        self._raw = raw
        self._count = 0
        self._plain_count = 0
        head = raw.read(6)
        while 0 < len(head) < 6 and (more := raw.read(6 - len(head))):
            head += more
        self.compression = compression_of(head)
        # Where nothing is unpacked both digests are of the same bytes; one hash serves both.
        self._plain_hash = Hasher(diff_id.algorithm if diff_id else "sha256")
        self._raw_hash: Hasher | None = None
        is_plain = self.compression == "none" and compressed and compressed[0].algorithm == self._plain_hash.algorithm
        if compressed and not is_plain and not isinstance(raw, HashedStream):
            self._raw_hash = Hasher(compressed[0].algorithm)
        self._source = Ahead(self._raw_blocks(head))
        blocks = plain_blocks(self._source, self.compression, where)
        self._blocks = Ahead(blocks) if self.compression != "none" else blocks
        self._rest = b""

    def _raw_blocks(self, head: bytes) -> Iterator[bytes]:
        pieces, length = [head], len(head)
        while piece := self._raw.read(BLOCK):
            pieces.append(piece)
            length += len(piece)
            if length >= _SMALLEST:
                yield self._take(b"".join(pieces))
                pieces, length = [], 0
        if length:
            yield self._take(b"".join(pieces))

    def _take(self, block: bytes) -> bytes:
        self._count += len(block)
        if self._expected and self._count > self._expected[1]:
            raise self._mismatch(f"it has more bytes than the {self._expected[1]} that its descriptor says")
        if self._raw_hash:
            self._raw_hash.update(block)
        if self.on_read:
            self.on_read(len(block))
        return block

    def read(self, size: int, /) -> bytes:
        """Up to `size` of the uncompressed bytes, none at the end. Raises CorruptImage."""
        if not self._rest:
            block = next(self._blocks, b"")
            if not block:
                return b""
            self._plain_hash.update(block)
            self._plain_count += len(block)
            if len(block) <= size:
                return block
            self._rest = block
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def verify(self) -> Digest:
        """Read to the end and return the diffID.

        Raises CorruptImage where digest, length or diffID isn't what the image says.
        """
        while self.read(BLOCK):
            pass
        for _ in self._source:  # whatever follows what was unpacked belongs to the blob, too
            pass
        plain = Digest(self._plain_hash.digest())
        if self._expected:
            digest, length = self._expected
            if self._count != length:
                raise self._mismatch(f"{self._count} bytes where its descriptor says {length}")
            actual = self._digest_of_blob() or plain
            if actual != digest:
                raise self._mismatch(f"its content has the digest {actual}")
        if self.diff_id and plain != self.diff_id:
            raise self._mismatch(f"its uncompressed content is {plain}, the diffID is {self.diff_id}")
        return plain

    def _digest_of_blob(self) -> str:
        """Empty where the blob is what it holds, uncompressed, and so was hashed as that."""
        if isinstance(self._raw, HashedStream):
            return self._raw.digest_of_all()
        return self._raw_hash.digest() if self._raw_hash else ""

    @property
    def packing(self) -> tuple[Digest, str] | None:
        """The blob's digest and how it is compressed; None where the source keeps no compressed blobs."""
        return (self._expected[0], self.compression) if self._expected else None

    @property
    def uncompressed_length(self) -> int:
        """Bytes read so far; after `verify`, of the whole layer."""
        return self._plain_count

    def close(self) -> None:
        """End the threads. May be called again, and from another thread, where the reader then finds the end."""
        if isinstance(self._blocks, Ahead):
            self._blocks.close()
        self._source.close()
        self._plain_hash.close()
        if self._raw_hash:
            self._raw_hash.close()

    def __enter__(self) -> LayerStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _mismatch(self, message: str) -> CorruptImage:
        return CorruptImage(
            f"the layer is damaged: {message}", blob=self.where, remedy="Build or copy the image again."
        )
