"""All that is read of a build, from a file and from a stream, and put together from the files of a shared one."""

from __future__ import annotations

import io
import json
import random
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_writer import CODE, DATA, Codec, TableWriter, known_identity
from test_ffmpeg_identity import LIBRARY, TOOL

from pytest_mediaimage.errors import StorageFault
from pytest_mediaimage.ffmpeg import anchors, scanner
from pytest_mediaimage.ffmpeg.build import Build, combine_builds, read_build
from pytest_mediaimage.ffmpeg.elf import ElfError
from pytest_mediaimage.ffmpeg.scanner import BuildScanner


def small_tool(how: str = "rela", *, before: int = 0) -> bytes:
    """An ffmpeg of a few kB; its texts stand behind the tables, or `before` bytes later."""
    writer = TableWriter(how).everything()
    writer.data += bytes(before)
    for text in (*TOOL, *LIBRARY[1:]):
        writer.data += b"\0" + text.replace(b"61.19.101", b"62.28.102") + b"\0"
    return writer.write()


def scanned(data: bytes, *cuts: int, length: int | None = None) -> Build | None:
    reader = BuildScanner(len(data) if length is None else length)
    for low, high in zip((0, *cuts), (*cuts, len(data)), strict=True):
        reader.feed(data[low:high])
    return reader.finish()


def certain(data: bytes) -> Build:
    build = read_build(io.BytesIO(data))
    assert build is not None
    return build


def test_a_real_build_as_a_file_as_a_stream_and_as_json(build: Path) -> None:
    read = read_build(build)
    assert read is not None and read.damage is None
    assert read.version and read.configuration and read.compiler
    assert Build.from_json(json.loads(json.dumps(read.to_json()))) == read
    chance = random.Random(3)
    reader = BuildScanner(build.stat().st_size)
    with build.open("rb") as file:
        while chunk := file.read(chance.randrange(1, 600_000)):
            reader.feed(chunk)
    assert reader.finish() == read


def test_a_small_tool() -> None:
    build = certain(small_tool())
    assert (build.version, build.stated_license, build.concluded_license) == ("7.1.5", *["GPL-2.0-or-later"] * 2)
    assert (build.encoders, build.decoders) == (("aac", "libx264"), ("aac", "h264"))
    listed = [one.id for one in build.components if any(proof.technique == "codec-table" for proof in one.evidence)]
    assert listed == ["libx264"], "what a table lists is held"


def test_no_ffmpeg_gives_none() -> None:
    assert read_build(io.BytesIO(TableWriter().everything().write())) is None
    assert read_build(io.BytesIO(b"")) is None
    assert scanned(TableWriter().everything().write()) is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ffmpeg"
    path.write_bytes(small_tool()[:-20])
    with pytest.raises(ElfError, match=f"{path}: a segment would end at byte"):
        read_build(path)
    build = scanned(path.read_bytes())
    assert build is not None and build.version == "7.1.5"
    assert build.encoders is None and build.damage and "beyond the file's end" in build.damage
    assert Build.from_json(build.to_json()) == build


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["fixed", "rela", "relr"]), st.lists(st.integers(0, 12_000), max_size=6))
def test_a_stream_gives_the_same_however_cut(how: str, cuts: list[int]) -> None:
    data = small_tool(how)
    assert scanned(data, *sorted(min(cut, len(data)) for cut in cuts)) == certain(data)


@pytest.mark.parametrize("early", [True, False])
def test_what_passed_long_before_the_texts_is_kept_up_to_a_border(monkeypatch: pytest.MonkeyPatch, early: bool) -> None:
    """Tables may come first, and the texts that tell an FFmpeg many megabytes later."""
    monkeypatch.setattr(anchors, "WINDOW", 20_000)
    monkeypatch.setattr(anchors, "LEAD", 100_000 if early else 3000)
    # A file whose code isn't separate: its last segment, of data that can't be written, becomes one that can.
    data = bytearray(small_tool("fixed", before=100_000))
    data[64 + 56 * 4 + 4] = 6
    results = [scanned(bytes(data), *range(step, len(data), step)) for step in (1000, 7001, 64_000)]
    assert results[0] is not None and all(one == results[0] for one in results)
    assert (results[0].damage is None) is early
    assert results[0].encoders == (("aac", "libx264") if early else None)


def test_a_sparse_file_says_so() -> None:
    build = scanned(small_tool(), length=1_000_000)
    assert build is not None and build.damage and "sparse" in build.damage


def test_debug_information_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "TAIL", 1000)
    written: list[int] = []
    write = scanner._Spool._write
    monkeypatch.setattr(
        scanner._Spool, "_write", lambda self, start, data: (written.append(len(data)), write(self, start, data))[1]
    )
    data = small_tool()
    build = scanned(data + bytes(500_000), *range(1000, 400_000, 1000))
    assert build is not None and build.encoders == ("aac", "libx264")
    code = DATA - CODE - 33  # but for the border, where an anchor might begin or end
    assert sum(written) == len(data) - code + 1000


def test_more_than_a_bound_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "MOST", 5000)
    build = scanned(small_tool())
    assert build is not None and build.damage and "weren't kept" in build.damage


def test_a_full_disk_is_the_environments_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: open("/dev/full", "wb", buffering=0))  # noqa: SIM115, PTH123
    with pytest.raises(StorageFault, match="no space left"):
        scanned(small_tool())


def test_memory_of_a_large_file_is_bounded() -> None:
    writer = TableWriter("fixed").everything()
    for text in (*TOOL, *LIBRARY[1:]):
        writer.data += b"\0" + text + b"\0"
    writer.data += bytes(60 << 20)
    data = writer.write()
    del writer
    view = memoryview(data)
    tracemalloc.start()
    reader = BuildScanner(len(data))
    for low in range(0, len(data), 1 << 18):
        reader.feed(bytes(view[low : low + (1 << 18)]))
    build = reader.finish()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert build is not None and build.filters
    assert peak < 40 << 20


def library(name: str, **tables: tuple[str, ...]) -> Build:
    return Build(known_identity("62.28.102", "library", name), **tables)


def test_a_shared_build_is_put_together() -> None:
    build = combine_builds(
        [
            Build(known_identity(None, "tool", "libavutil"), needed=("libavcodec.so.62",)),
            library("libavcodec", encoders=("aac",), decoders=("aac", "h264"), bitstream_filters=("null",)),
            library("libavformat", muxers=("mp4",), demuxers=("wav",), protocols=("file",)),
            library("libavdevice", muxers=("fbdev",), demuxers=("alsa",)),
        ]
    )
    assert (build.encoders, build.decoders) == (("aac",), ("aac", "h264"))
    assert (build.muxers, build.demuxers) == (("fbdev", "mp4"), ("alsa", "wav"))
    assert (build.filters, build.needed) == (None, ("libavcodec.so.62",))


def test_what_one_library_does_not_tell_is_unknown() -> None:
    devices = library("libavdevice", muxers=("fbdev",))
    assert combine_builds([devices, library("libavformat")]).muxers is None
    assert combine_builds([devices]).muxers is None
    with pytest.raises(ValueError, match="no identity"):
        combine_builds([])


def test_an_unknown_layout_is_not_an_empty_list() -> None:
    writer = TableWriter()
    writer.codecs([Codec("aac", True), Codec("aac", False)], callbacks=152)
    for text in (*TOOL, *LIBRARY[1:]):
        writer.data += b"\0" + text + b"\0"
    build = certain(writer.write())
    assert build.version == "7.1.5" and build.encoders is None
    assert "encoders" not in build.to_json()
