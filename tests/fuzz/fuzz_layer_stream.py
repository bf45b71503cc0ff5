"""Any bytes as a compressed layer: what comes out is what other decompressors make of them, or CorruptImage."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator

import harness

with harness.instrumented():
    from pytest_mediaimage.errors import CorruptImage
    from pytest_mediaimage.image.layer_stream import LayerStream

# A few kB of zstd can stand for gigabytes: that the limits hold is a test's to show, not a fuzzer's.
_ENOUGH = 16 << 20


class _Pieces:
    def __init__(self, data: bytes, most: int) -> None:
        self._file = io.BytesIO(data)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._most))


def _read(data: bytes, most: int) -> tuple[bytes | None, str]:
    """The first bytes that come out, or None and the error; and what the compression was taken for."""
    pieces = []
    length = 0
    with LayerStream(_Pieces(data, most), where="fuzz") as stream:
        try:
            while length < _ENOUGH and (piece := stream.read(1 << 20)):
                assert len(piece) <= 1 << 20
                pieces.append(piece)
                length += len(piece)
            if length < _ENOUGH:
                stream.verify()
                assert stream.uncompressed_length == length
        except CorruptImage as error:
            assert str(error).startswith("fuzz"), error
            return None, stream.compression
    return b"".join(pieces), stream.compression


def one_input(data: bytes) -> None:
    try:
        plain, compression = _read(data, 1 << 20)
    except CorruptImage as error:  # of a compression that no engine reads
        assert "which no container engine reads" in str(error), error
        return
    try:
        pieces, _ = _read(data, 1 + len(data) % 50)
    except CorruptImage as error:
        raise AssertionError(f"only in pieces: {error}") from error
    assert pieces == plain, "another outcome where the stream comes in pieces"
    if plain is None:
        return
    if compression == "none":
        assert plain == data
    if compression == "gzip" and len(plain) < _ENOUGH:
        assert gzip.decompress(data) == plain


def seeds() -> Iterator[bytes]:
    import zstandard
    from corpus_words import Case
    from layer_corpus import CASES

    from pytest_mediaimage.image.build import layer

    case: Case
    for number, case in enumerate(CASES):
        for items in case.layers[:1]:
            yield layer(items, compression=("gzip", "zstd", "none")[number % 3]).data
    text = b"some text, and again some text" * 9
    first, second = gzip.compress(text, mtime=0), gzip.compress(b"", mtime=0)
    yield from (first + second, first + bytes(20), first[:-1], first + b"garbage", second * 3)
    named = io.BytesIO()
    with gzip.GzipFile("name", "wb", fileobj=named, mtime=1) as file:
        file.write(text)
    yield named.getvalue()
    for options in ({"write_checksum": True}, {"write_content_size": False}, {"level": 19}):
        yield zstandard.ZstdCompressor(**options).compress(text)
    frame = zstandard.ZstdCompressor().compress(text)
    yield b"\x50\x2a\x4d\x18\4\0\0\0skip" + frame + frame
    yield from (b"BZh91AY", b"\xfd7zXZ\0\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"")


WORDS = (
    "\\x1f\\x8b\\x08\\x00",
    "\\x28\\xb5\\x2f\\xfd",
    "\\x50\\x2a\\x4d\\x18",
    "\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
)


if __name__ == "__main__":
    harness.main(one_input, seeds, WORDS, None)
