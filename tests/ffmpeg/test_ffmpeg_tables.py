"""What is read in FFmpeg's tables is what the build itself lists, name by name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support import builds
from support.builds import BUILDS, real_build
from table_writer import AARCH64, X86_64, Codec, TableWriter, known_identity

from pytest_mediaimage.ffmpeg.build import combine_builds, read_build
from pytest_mediaimage.ffmpeg.elf import ElfFile
from pytest_mediaimage.ffmpeg.identity import FFmpegIdentity
from pytest_mediaimage.ffmpeg.tables import TABLES, Tables, read_tables


@pytest.mark.parametrize("name", BUILDS)
def test_tables_equal_what_the_build_prints(name: str) -> None:
    real = real_build(name)
    build = combine_builds([found for file in real.files if (found := read_build(file)) is not None])
    printed = real.ask()
    assert len(printed["encoders"]) > 100 and len(printed["decoders"]) > 300, "the listing itself was understood"
    for table in TABLES:
        read = getattr(build, table)
        if table not in printed:  # these libraries come without libavfilter
            assert name == "shared-4.4" and table == "filters" and read is None
            continue
        assert read is not None, f"{table} unknown"
        assert list(read) == sorted(printed[table]), table


@pytest.mark.parametrize("name", ["lgpl-fdk-aac", "gpl-nonfree"])
def test_tables_of_a_build_with_a_handful_of_codecs(tiny_ffmpeg: dict[str, Path], name: str) -> None:
    read, printed = read_build(tiny_ffmpeg[name]), builds.printed([str(tiny_ffmpeg[name])])
    assert read is not None and "libfdk_aac" in printed["encoders"]
    assert {table: list(getattr(read, table) or ()) for table in TABLES} == {
        table: sorted(printed[table]) for table in TABLES
    }


def tables(data: bytes, identity: FFmpegIdentity | None = None) -> Tables:
    return read_tables(ElfFile(io.BytesIO(data), len(data)), identity or known_identity())


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
@pytest.mark.parametrize("how", ["fixed", "rela", "relr"])
def test_small_tables_however_the_file_is_linked(how: str, machine: int) -> None:
    assert tables(TableWriter(how, machine).everything().write()) == Tables(
        encoders=("aac", "libx264"),
        decoders=("aac", "h264"),
        filters=("abuffer", "abuffersink", "buffer", "buffersink", "null", "scale"),
        muxers=("mp4", "null"),
        demuxers=("mov,mp4,m4a,3gp,3g2,mj2",),
        protocols=("file", "https"),
        bitstream_filters=("h264_mp4toannexb", "null"),
    )


CODECS = [
    Codec("aac", True),
    Codec("aac", False, flushes=True),
    Codec("receiving_encoder", True),
    Codec("receiving_decoder", False),
    Codec("h264", False, flushes=True),
]


@pytest.mark.parametrize(
    ("version", "callbacks", "send_frame"),
    [
        ("58.18.100", 160, True),  # FFmpeg 4.0
        ("58.54.100", 160, True),  # 4.2
        ("58.80.100", 152, True),
        ("58.91.100", 152, True),  # 4.3
        ("58.99.100", 152, False),
        ("58.134.100", 152, False),  # 4.4
        ("59.3.102", 152, False),
        ("59.18.100", 144, False),  # 5.0, if its private part had begun eight bytes earlier
    ],
)
def test_callbacks_of_ffmpeg_4_to_5_0(version: str, callbacks: int, send_frame: bool) -> None:
    writer = TableWriter()
    writer.codecs(CODECS, callbacks=callbacks, send_frame=send_frame)
    found = tables(writer.write(), known_identity(version))
    assert found.encoders == ("aac", "receiving_encoder")
    assert found.decoders == ("aac", "h264", "receiving_decoder")


@pytest.mark.parametrize("version", ["57.107.100", "61.19.101", "64.0.100"])
def test_another_layout_is_unknown(version: str) -> None:
    """With the callbacks where FFmpeg 4.4 has them, and a version that has none there."""
    writer = TableWriter()
    writer.codecs(CODECS, callbacks=152)
    found = tables(writer.write(), known_identity(version))
    assert (found.encoders, found.decoders) == (None, None)


def test_without_a_version_the_layout_that_fits_is_taken() -> None:
    assert tables(TableWriter().everything().write(), known_identity(None)).encoders == ("aac", "libx264")


def test_a_codec_twice_on_one_side_fits_no_layout() -> None:
    writer = TableWriter()
    writer.codecs([*CODECS, Codec("h264", False)], bits=96)
    assert tables(writer.write()).decoders is None


def test_a_build_without_encoders_has_none() -> None:
    writer = TableWriter()
    writer.codecs([Codec("h264", False)], bits=96)
    found = tables(writer.write())
    assert (found.encoders, found.decoders) == ((), ("h264",))


@pytest.mark.parametrize("category", [36, 48, 56])
def test_devices_are_listed_with_the_formats(category: int) -> None:
    writer = TableWriter()
    writer.muxers(["mp4"])
    writer.muxers(["fbdev"], writer.device_class(category))
    writer.demuxers(["wav"])
    writer.demuxers(["alsa"], writer.device_class(category))
    found = tables(writer.write())
    assert (found.muxers, found.demuxers) == (("fbdev", "mp4"), ("alsa", "wav"))


def test_devices_alone_are_no_list_of_formats() -> None:
    writer = TableWriter()
    writer.muxers(["fbdev"], writer.device_class(36))
    assert tables(writer.write()).muxers is None
    assert tables(writer.write(), known_identity(None, "library", "libavdevice")).muxers == ("fbdev",)


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        ("libavcodec", {"encoders", "decoders", "bitstream_filters"}),
        ("libavformat", {"muxers", "demuxers", "protocols"}),
        ("libavfilter", {"filters"}),
        ("libavutil", set()),
    ],
)
def test_a_library_holds_its_own_tables_only(library: str, expected: set[str]) -> None:
    data = TableWriter().everything().write()
    found = tables(data, known_identity("62.28.102", "library", library))
    assert {name for name in TABLES if getattr(found, name) is not None} == expected


def test_lists_of_other_software_are_none_of_ffmpegs() -> None:
    writer = TableWriter()
    writer.protocols(["jabber", "smtp"])
    writer.muxers(["parquet", "arrow"])
    writer.demuxers(["parquet"])
    writer.bitstream_filters(["zip"])
    writer.listed([writer.words(writer.text("x"), writer.text("y"), 0, 0, 0, 0, 0)])
    assert tables(writer.write()) == Tables()


def test_what_stands_before_a_list_is_no_part_of_it() -> None:
    writer = TableWriter()
    other = writer.words(writer.text("not a codec"), writer.code, 0, 0)
    codec = writer._codec(Codec("h264", False), 96, 0, False)
    writer.words(other, codec, 0)
    assert tables(writer.write()).decoders == ("h264",)


def test_a_list_without_an_end_is_none() -> None:
    writer = TableWriter()
    codec = writer._codec(Codec("h264", False), 96, 0, False)
    writer.words(codec, 7)
    assert tables(writer.write()).decoders is None


@pytest.mark.parametrize("machine", [40, 243])
def test_another_machine_is_unknown(machine: int) -> None:
    data = bytearray(TableWriter("fixed").everything().write())
    data[18:20] = machine.to_bytes(2, "little")
    assert tables(bytes(data)) == Tables()
