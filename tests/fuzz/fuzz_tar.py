"""Any bytes as a layer's tar: members with sane fields, or CorruptImage; the same however the stream is cut."""

from __future__ import annotations

import io
from collections.abc import Iterator

import harness

with harness.instrumented():
    from pytest_mediaimage.errors import CorruptImage
    from pytest_mediaimage.image.limits import MAX_FILE_LENGTH
    from pytest_mediaimage.image.scan import entry_of
    from pytest_mediaimage.image.tar import Member, TarReader

_BLOCK = 512


class _Pieces:
    """A stream that gives less than it is asked for."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file = io.BytesIO(data)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._most))

    def skip(self, count: int) -> None:
        self._file.seek(count, io.SEEK_CUR)


def _read(data: bytes, most: int) -> tuple[list[tuple[Member, bytes]], str]:
    """What was read, and the error that ended it, if one did."""
    reader = TarReader(_Pieces(data, most), where="fuzz")
    found: list[tuple[Member, bytes]] = []
    try:
        for member in reader:
            content = b"".join(reader.chunks())
            assert reader.position <= len(data)
            _check(member, content, len(data))
            found.append((member, content))
    except CorruptImage as error:
        assert error.offset is not None and 0 <= error.offset <= len(data), error
        return found, str(error)
    return found, ""


def _check(member: Member, content: bytes, length: int) -> None:
    assert "\0" not in member.name and "\0" not in member.linkname
    assert (member.name + member.linkname).encode("utf-8", "surrogateescape") is not None
    assert len(member.type) == 1 and member.type not in "xgLKS\0" + "7"
    assert 0 <= member.size <= MAX_FILE_LENGTH
    assert 0 <= member.mode <= 0o7777
    assert 0 <= member.uid < 1 << 32 and 0 <= member.gid < 1 << 32
    assert -(1 << 63) <= member.mtime < 1 << 63
    assert 0 <= member.offset <= length - _BLOCK and member.offset % _BLOCK == 0
    if member.sparse is not None:
        assert sum(count for _, count in member.sparse) == len(content)
        ends = [0]
        for start, count in member.sparse:
            assert ends[-1] <= start and count >= 0
            ends.append(start + count)
        assert ends[-1] <= member.size
    elif member.type == "0":
        assert len(content) == member.size == member.stored
    else:
        assert member.size == 0
    entry = entry_of(member)
    if not isinstance(entry, str):
        assert not entry.path.startswith("/") and ".." not in entry.path.split("/")


def one_input(data: bytes) -> None:
    whole = _read(data, 1 << 20)
    assert _read(data, 1 + len(data) % 700) == whole
    stream = _Pieces(data, _BLOCK)
    try:
        skipped = [member.name for member in TarReader(stream, where="fuzz", skip=stream.skip)]
    except CorruptImage:
        return
    # Who skips doesn't see where the stream ends, and may so go without an error.
    assert whole[1] or skipped == [member.name for member, _ in whole[0]]


def seeds() -> Iterator[bytes]:
    from corpus_words import Case
    from layer_corpus import CASES
    from tar_pieces import END, FILE, long_name, old_sparse, pax
    from tar_refused import REFUSED

    from pytest_mediaimage.image.build import tar_of

    case: Case
    for case in CASES:
        yield from (layer if isinstance(layer, bytes) else tar_of(layer) for layer in case.layers)
    yield from (data + END for data in REFUSED.values() if len(data) < 8192)
    yield old_sparse([(b"0", b"2"), (b"10", b"1")], b"144", 3) + b"abc".ljust(_BLOCK, b"\0") + END
    yield pax(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"9")) + FILE + END
    yield pax(("comment", b"c"), kind=b"g") + long_name(b"n" * 300) + long_name(b"l" * 300, b"K") + FILE + END


WORDS = (
    "ustar\\x0000",
    "ustar  \\x00",
    "path=",
    "linkpath=",
    "size=",
    "uid=",
    "mtime=",
    "SCHILY.xattr.",
    "GNU.sparse.major=1",
    "GNU.sparse.minor=0",
    "GNU.sparse.map=",
    "GNU.sparse.realsize=",
    "GNU.sparse.offset=",
    "GNU.sparse.numbytes=",
    "GNU.sparse.name=",
    ".wh.",
    ".wh..wh..opq",
    "../",
    "\\x80\\x00\\x00\\x00",
    "\\xff\\xff\\xff\\xff",
)


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """libFuzzer's own change, and then right checksums wherever a header may be: else nothing gets past them."""
    import atheris

    changed = bytearray(atheris.Mutate(data, len(data)) if seed % 4 else atheris.Mutate(data, most))
    for at in range(0, len(changed) - _BLOCK + 1, _BLOCK):
        if changed[at + 257 : at + 262] == b"ustar" or at == 0:
            changed[at + 148 : at + 156] = b" " * 8
            changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + _BLOCK])
    return bytes(changed)


if __name__ == "__main__":
    harness.main(one_input, seeds, WORDS, mutate)
