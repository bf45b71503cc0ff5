"""Media files by their signature: real ones, made here by FFmpeg's own muxers, and what only looks like one."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_helpers import make_image

from pytest_mediaimage.image.analysers.media import NAME, MediaFiles, media_kind
from pytest_mediaimage.image.build import Item
from pytest_mediaimage.image.sources.demo import find_ffmpeg

Options = dict[str, str]


def media(format: str, video: str = "", audio: str = "", options: Options | None = None, frames: int = 30) -> bytes:
    """A small file of that format, with a moving picture, a tone, or both."""
    with (
        tempfile.NamedTemporaryFile() as out,
        av.open(out.name, "w", format=format, options=options or {}) as container,
    ):
        picture = container.add_stream(video, rate=25) if video else None
        tone = container.add_stream(audio, rate=48000) if audio else None
        if isinstance(picture, av.VideoStream):
            picture.width, picture.height, picture.pix_fmt = 160, 96, "yuv420p"
            pictures = map(av.VideoFrame.from_ndarray, moving(frames))
            container.mux([packet for frame in (*pictures, None) for packet in picture.encode(frame)])
        if isinstance(tone, av.AudioStream):
            container.mux([packet for frame in (*sound(tone), None) for packet in tone.encode(frame)])
        container.close()
        return Path(out.name).read_bytes()


def moving(frames: int) -> Iterator[numpy.ndarray[Any, numpy.dtype[numpy.uint8]]]:
    for number in range(frames):
        picture = numpy.full((96, 160, 3), number * 8 % 256, numpy.uint8)
        picture[:, number % 150 : number % 150 + 10] = random.Random(number).randrange(255)
        yield picture


def sound(tone: av.AudioStream) -> Iterator[av.AudioFrame]:
    formats = tone.codec_context.codec.audio_formats
    assert formats is not None
    size = tone.codec_context.frame_size or 1024
    resampler = av.AudioResampler(formats[0].name, "stereo", 48000, frame_size=size)
    for number in range(24):
        wave = (numpy.sin(numpy.arange(2 * size) * 0.05) * 9000).astype(numpy.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * size, Fraction(1, 48000)
        yield from resampler.resample(frame)


def without_ftyp(movie: bytes) -> bytes:
    """QuickTime files from before 2001 begin with their first atom."""
    return movie[int.from_bytes(movie[:4], "big") :]


def segment(movie: bytes) -> bytes:
    """A fragmented movie without its initialisation: what a packager leaves for each few seconds."""
    return movie[movie.index(b"moof") - 4 :]


def segment_with_index(movie: bytes) -> bytes:
    styp = b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix"
    sidx = b"\0\0\0\x2csidx\0\0\0\0" + struct.pack(">IIIIHHIII", 1, 12800, 0, 0, 0, 1, 500, 12800, 0x90000000)
    return styp + sidx + segment(movie)


def fragmented() -> bytes:
    return media("mp4", "mpeg4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"})


def middle_of(stream: bytes, packet: int) -> bytes:
    """A transport stream cut off from its tables: what a recorder leaves."""
    pictures = [at for at in range(0, len(stream), packet) if stream[at + packet - 187] & 0x1F]
    assert len(pictures) > 12
    return stream[pictures[5] :]


REAL: dict[str, tuple[Callable[[], bytes], str]] = {
    "mp4": (lambda: media("mp4", "mpeg4", "aac"), "an MP4 file (ISO base media)"),
    "mp4-fragmented": (
        lambda: media("mp4", "mpeg4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        "an MP4 file (ISO base media)",
    ),
    "m4a": (lambda: media("ipod", "", "aac"), "an MP4 file (ISO base media)"),
    "3gp": (lambda: media("3gp", "mpeg4"), "an MP4 file (ISO base media)"),
    "mov": (lambda: media("mov", "mpeg4", "aac"), "a QuickTime movie"),
    "mov-moov-first": (
        lambda: without_ftyp(media("mov", "mpeg4", options={"movflags": "faststart"})),
        "a QuickTime movie",
    ),
    "mov-wide-first": (lambda: without_ftyp(media("mov", "mpeg4")), "a QuickTime movie"),
    "mkv": (lambda: media("matroska", "mpeg4", "aac"), "a Matroska file"),
    "mka": (lambda: media("matroska", "", "flac"), "a Matroska file"),
    "webm": (lambda: media("webm", "libvpx-vp9", "libopus"), "a WebM file"),
    "ts": (lambda: media("mpegts", "mpeg2video", "mp2"), "an MPEG transport stream"),
    "ts-middle": (lambda: middle_of(media("mpegts", "mpeg2video", frames=60), 188), "an MPEG transport stream"),
    "m2ts": (
        lambda: media("mpegts", "mpeg2video", options={"mpegts_m2ts_mode": "1"}),
        "an MPEG transport stream",
    ),
    "mpg": (lambda: media("mpeg", "mpeg1video", "mp2"), "an MPEG program stream"),
    "vob": (lambda: media("vob", "mpeg2video", "mp2"), "an MPEG program stream"),
    "flv": (lambda: media("flv", "flv"), "an FLV file"),
    "avi": (lambda: media("avi", "mpeg4"), "an AVI file"),
    "mxf": (lambda: media("mxf", "mpeg2video"), "an MXF file"),
    "ogg": (lambda: media("ogg", "", "libopus"), "an Ogg file"),
    "flac": (lambda: media("flac", "", "flac"), "a FLAC file"),
    "mp3": (lambda: media("mp3", "", "libmp3lame"), "an MP3 file"),
    "mp3-bare": (
        lambda: media("mp3", "", "libmp3lame", options={"write_id3v2": "0", "id3v2_version": "0", "write_xing": "0"}),
        "an MP3 file",
    ),
    "wav": (lambda: media("wav", "", "pcm_s16le"), "a WAV file"),
    "segment": (lambda: segment(fragmented()), "a media segment (fragmented MP4)"),
    "segment-with-index": (lambda: segment_with_index(fragmented()), "a media segment (fragmented MP4)"),
    "h264": (lambda: media("h264", "libx264"), "a raw H.264 stream"),
    "h264-with-delimiters": (
        lambda: media("h264", "libx264", options={"x264-params": "aud=1"}),
        "a raw H.264 stream",
    ),
    "hevc": (lambda: media("hevc", "libx265"), "a raw HEVC stream"),
    "ivf": (lambda: media("ivf", "libvpx-vp9"), "an IVF file"),
    "aac": (lambda: media("adts", "", "aac"), "an AAC file (ADTS)"),
    "asf": (lambda: media("asf", "wmv2"), "a Windows Media file"),
    "aiff": (lambda: media("aiff", "", "pcm_s16be"), "an AIFF file"),
    "y4m": (lambda: b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + bytes(384), "a YUV4MPEG2 file"),
    "m3u8": (lambda: b"#EXTM3U\n#EXT-X-VERSION:7\n#EXTINF:6,\na.m4s\n#EXT-X-ENDLIST\n", "an HLS playlist"),
    "mpd": (
        lambda: b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "a DASH manifest",
    ),
    "rf64": (lambda: media("wav", "", "pcm_s16le", options={"rf64": "always"}), "a WAV file"),
}


@pytest.fixture(scope="module")
def real() -> dict[str, bytes]:
    return {name: make() for name, (make, _) in REAL.items()}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str, real: dict[str, bytes]) -> None:
    assert media_kind(real[name][:4096], len(real[name])) == REAL[name][1]


def test_found_in_layers_whatever_they_are_called(tmp_path: Path, real: dict[str, bytes]) -> None:
    """In every layer, the deleted ones too, by the ordinal of the entry that holds them."""
    items = [Item("d/.wh.nothing"), *(Item(f"d/{name}.bin", data) for name, data in real.items()), Item("d/t", b"text")]
    image = make_image(tmp_path / "l", [items, [Item(".wh.d")]], analysers=[MediaFiles()])
    lower, upper = image.layer_facts
    found = {lower.entries[ordinal].path: fact for ordinal, fact in lower.found[NAME].items()}
    assert found == {f"d/{name}.bin": kind for name, (_, kind) in REAL.items()}
    assert upper.found == {}


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + b"\0\0\0\x08free" * 10


def png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    body = zlib.compress(bytes(200))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)) + chunk(b"IDAT", body)


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("f", b"ftypmp42" * 100)
    return out.getvalue()


def genome(seed: int) -> bytes:
    return bytes(random.Random(seed).choices(b"GATC", k=4096))


OTHER: dict[str, bytes] = {
    "heic": ftyp(b"heic", b"mif1", b"heic"),
    "heif": ftyp(b"mif1", b"mif1", b"heic"),
    "heif-sequence": ftyp(b"msf1", b"hevc"),
    "avif-sequence": ftyp(b"avis", b"msf1", b"avif"),
    "miaf": ftyp(b"miaf", b"heic"),
    "cr3": ftyp(b"crx ", b"crx ", b"isom"),
    "ftyp-in-text": b"the ftyp atom of an MP4 file",
    "ftyp-of-no-length": b"\0\0\0\0ftypmp42" + bytes(100),
    "letter-G": b"G" * 4096,
    "letter-G-in-lines": (b"G" * 79 + b"\n") * 52,
    "sync-bytes-and-zeros": (b"G" + bytes(187)) * 21,
    "sync-bytes-with-an-error": (b"G\x80\x11\x10" + bytes(184)) * 21,
    "three-packets": (b"G\x40\x11\x10" + bytes(184)) * 3,
    "riff-webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(100),
    "riff-cursor": b"RIFF\x24\0\0\0ACON" + bytes(100),
    "ebml-of-another-kind": b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88database" + bytes(100),
    "id3-in-text": b"ID3 tags are " * 50,
    "flv-in-text": b"FLV is a format" * 50,
    "ogg-in-text": b"OggS is the magic" * 50,
    "utf-16": "\ufeffmoov".encode("utf-16-le") * 100,
    "one-mp3-header": b"\xff\xfb\x90\x00" + bytes(4000),
    "one-adts-header": b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(4000),
    "start-codes-of-random-units": b"".join(b"\0\0\1" + bytes([n, n, n, n, n]) for n in range(256)),
    "an-sps-without-a-pps": b"\0\0\0\1\x67\x64\0\x1f" + b"\0\0\0\1\x65\x88\x84\x10" + bytes(900),
    "m3u-of-songs": b"#EXTM3U\n#EXTINF:123,Artist - Title\nsong.mp3\n",
    "dash-in-a-page": b"<?xml version='1.0'?><page>the &lt;MPD element</page>",
    "styp-in-text": b"the styp box and the moof box",
    "amr-in-a-script": b"#!/bin/sh\necho '#!AMR'\n",
    "all-ones": b"\xff" * 4096,
    "zeros": bytes(4096),
    "mpeg-video-elementary": b"\x00\x00\x01\xb3" + bytes(200),
    "moov-in-text": b"the moov atom and the mdat atom" * 9,
    "png": png(),
    "zip": a_zip(),
    "truetype": b"\x00\x01\x00\x00\x00\x0f\x00\x80\x00\x03\x00\x70DSIG" + bytes(200),
    "opentype": b"OTTO\x00\x0c\x00\x80\x00\x03\x00\x40CFF " + bytes(200),
    "woff2": b"wOF2\x00\x01\x00\x00" + bytes(200),
    "gif": b"GIF89a\x08\0\x08\0" + bytes(200),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(200),
    "gzip": b"\x1f\x8b\x08\0" + bytes(200),
    "empty": b"",
    "short": b"\0\0\0\x18ftyp",
}


@pytest.mark.parametrize("name", OTHER)
def test_no_media(name: str) -> None:
    assert media_kind(OTHER[name][:4096], len(OTHER[name])) is None


def test_avif_made_by_ffmpeg(tmp_path: Path) -> None:
    # In a process of its own: as root SVT-AV1 gives the process that it runs in a real-time priority, for good.
    ffmpeg = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96", "-frames:v", "1"]
    subprocess.run([*ffmpeg, "-c:v", "libsvtav1", "-preset", "12", "-f", "avif", tmp_path / "still"], check=True)
    assert (tmp_path / "still").read_bytes()[4:8] == b"ftyp"
    assert media_kind((tmp_path / "still").read_bytes()[:4096], 5000) is None


def test_no_media_among_this_machines_files() -> None:
    """Programs, libraries, scripts and modules of the Python that runs this."""
    folder = Path(random.__file__).parent
    files = [Path(sys.executable), *sorted(folder.glob("*.py"))[:150], *sorted(folder.glob("lib-dynload/*.so"))[:50]]
    named = {str(path): media_kind(path.read_bytes()[:4096], path.stat().st_size) for path in files}
    assert len(named) > 100
    assert not {path: kind for path, kind in named.items() if kind}


def test_no_media_in_genomes() -> None:
    """The letter G at four places in a row is what chance brings in one of 256."""
    assert not [seed for seed in range(3000) if media_kind(genome(seed), 4096)]


def test_no_media_in_random_bytes() -> None:
    chance = random.Random(7)
    starts = (b"", b"\0\0\1", b"\0\0\0\1\x67", b"\0\0\0\1\x40\1", b"\xff", b"\xff\xf1", b"\xff\xfb")
    kinds = [media_kind(starts[n % 7] + chance.randbytes(2000), 10_000) for n in range(20_000)]
    assert set(kinds) == {None}


def test_no_media_among_bytecode_fonts_and_the_loader(tmp_path: Path) -> None:
    names = [*Path(random.__file__).parent.glob("**/*.pyc"), *Path("/usr/share/fonts").glob("**/*.[to]tf")]
    names += [*Path("/usr/lib").glob("*/*.so*"), *Path("/usr/lib").glob("**/*.o"), *Path("/usr/lib").glob("**/*.a")]
    files = [path for path in names if path.is_file() and not path.is_symlink()]
    assert len(files) > 100
    kinds = {}
    for path in files:
        with path.open("rb") as file:
            kinds[str(path)] = media_kind(file.read(4096), path.stat().st_size)
    assert not {path: kind for path, kind in kinds.items() if kind}


@given(
    st.binary(max_size=900), st.sampled_from([b"", b"\0\0\0\x20ftyp", b"\xff\xfb\x90\0", b"ID3\4\0\0", b"OggS\0", b"G"])
)
def test_any_bytes(data: bytes, start: bytes) -> None:
    kind = media_kind(start + data, len(start + data))
    assert kind is None or kind.startswith(("a ", "an "))
