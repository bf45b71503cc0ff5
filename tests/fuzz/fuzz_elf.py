"""Any bytes as an FFmpeg: a build with sane names, or ElfError; from a stream the same, or damage."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import harness

with harness.instrumented():
    from pytest_mediaimage.ffmpeg.build import Build, read_build
    from pytest_mediaimage.ffmpeg.elf import ElfError, ElfFile
    from pytest_mediaimage.ffmpeg.identity import FFmpegIdentity
    from pytest_mediaimage.ffmpeg.scanner import BuildScanner
    from pytest_mediaimage.ffmpeg.tables import TABLES, Tables, read_tables

_IDENTITY = FFmpegIdentity("embedded", "8.1", "", {}, {"libavcodec": "62.28.102"}, None, {})


def _check(tables: Build | Tables) -> None:
    for table in TABLES:
        names = getattr(tables, table)
        assert names is None or list(names) == sorted(set(names)), table
        assert names or names is None or table in ("encoders", "decoders"), f"{table}: empty where it is unknown"
        assert all(name.isascii() and name.isprintable() and len(name) <= 200 for name in names or ()), names


def _read(data: bytes) -> None:
    """The file's parts and tables, whether or not it says that it is an FFmpeg."""
    elf = ElfFile(io.BytesIO(data), len(data))
    _check(read_tables(elf, _IDENTITY))
    end = 0
    for offset, piece in elf.pieces(1000):
        assert end <= offset and piece == data[offset : offset + len(piece)]
        end = offset + len(piece)
    assert end <= len(data)
    assert all(isinstance(name, str) for name in (*elf.needed, *elf.defined_symbols()))


def one_input(data: bytes) -> None:
    try:
        _read(data)
    except ElfError as error:
        assert error.message
    reader = BuildScanner(len(data))
    step = 1 + len(data) % 5000
    for low in range(0, len(data), step):
        reader.feed(data[low : low + step])
    streamed = reader.finish()
    try:
        build = read_build(io.BytesIO(data))
    except ElfError:
        assert streamed is not None and streamed.damage
        return
    # Where the headers lie about what is code, a stream may have left out what was needed; it must say so.
    if streamed is not None and streamed.damage:
        assert build is not None and streamed.identity == build.identity
    else:
        assert streamed == build
    if build is not None:
        _check(build)
        assert Build.from_json(json.loads(json.dumps(build.to_json()))) == build


def seeds() -> Iterator[bytes]:
    from support.elf_writer import ElfWriter
    from table_writer import AARCH64, X86_64, Codec, TableWriter

    texts = (
        b"%s version 8.1.2",
        b"%sbuilt with %s\n",
        b"gcc 14 (Debian 14.2.0-19)",
        b"%sconfiguration: --enable-gpl --enable-libx264\n",
        b"libavcodec license: GPL version 2 or later",
        b"Lavc62.28.102",
    )
    for how in ("fixed", "rela", "relr"):
        for machine in (X86_64, AARCH64):
            writer = TableWriter(how, machine).everything()
            writer.data += b"\0".join((b"", *texts, b""))
            yield writer.write()
    for at in (152, 160):
        writer = TableWriter()
        writer.codecs([Codec("aac", True), Codec("aac", False)], callbacks=at)
        writer.muxers(["mp4"], writer.device_class(36))
        yield writer.write()
    for bits in (32, 64):
        for order in "<>":
            yield ElfWriter(bits=bits, order=order, soname=b"libx.so.1", needed=(b"libc.so.6",)).write()


WORDS = (
    "\\x7fELF\\x02\\x01\\x01",
    "\\x07\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
    "\\x08\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
    "\\x24\\x00\\x00\\x00\\x00\\x00\\x00\\x00",
    "\\x00\\x20\\x40\\x00\\x00\\x00\\x00\\x00",
    "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff",
    "aac",
    "null",
    " license: GPL version 2 or later\\x00",
    "%sbuilt with %s\\x0a",
)


if __name__ == "__main__":
    harness.main(one_input, seeds, WORDS, None)
