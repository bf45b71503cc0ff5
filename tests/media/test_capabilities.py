from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.media import capabilities

# As ffmpeg 4.4 prints them: three flags for filters.
OLD_FILTERS = """Filters:
  T.. = Timeline support
  .S. = Slice threading
  ..C = Command support
  A = Audio input/output
  V = Video input/output
  N = Dynamic number and/or type of input/output
  | = Source or sink filter
 ..C acompressor       A->A       Audio compressor.
 TSC overlay           VV->V      Overlay a video source on top of the input.
 ... nullsink          V->|       Do absolutely nothing with the input video.
 ..C amerge            N->A       Merge two or more audio streams into a single multi-channel stream.
 ... testsrc2          |->V       Generate another test pattern.
"""
NEW_FILTERS = """Filters:
  T.. = Timeline support
  .S. = Slice threading
  A = Audio input/output
  ------
 TS psnr              VV->V      Calculate the PSNR between two video streams.
 .. concat            N->N       Concatenate audio and video streams.
"""
MUXERS = """File formats:
 D. = Demuxing supported
 .E = Muxing supported
 --
  E 3gp             3GP (3GPP file format)
  E stream_segment,ssegment streaming segment muxer
 DE mp3             MP3
"""
NEW_MUXERS = """Formats:
 D.. = Demuxing supported
 .E. = Muxing supported
 ..d = Is a device
 ---
  Ed fbdev           Linux framebuffer
  E  mp4             MP4 (MPEG-4 Part 14)
 D   concat          Virtual concatenation script
"""
CODECS = """Encoders:
 V..... = Video
 .....D = Supports direct rendering method 1
 ------
 V....D libx264              libx264 H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10 (codec h264)
[warning] something a driver printed
 A..X.D opus                 Opus
 VFS..D png                  PNG (Portable Network Graphics) image
 S..... ssa                  ASS (Advanced SubStation Alpha) subtitle (codec ass)
"""


def test_formats() -> None:
    assert capabilities.filters(OLD_FILTERS) == {"acompressor", "overlay", "nullsink", "amerge", "testsrc2"}
    assert capabilities.filters(NEW_FILTERS) == {"psnr", "concat"}
    assert capabilities.muxers(MUXERS) == {"3gp", "stream_segment", "ssegment", "mp3"}
    assert capabilities.muxers(NEW_MUXERS) == {"fbdev", "mp4"}
    assert capabilities.encoders(CODECS) == {"libx264", "opus", "png", "ssa"}
    assert capabilities.protocols("Supported file protocols:\nInput:\n  file\n  https\nOutput:\n  srt\n") == {
        "file",
        "https",
        "srt",
    }


def test_real_builds(any_ffmpeg: str) -> None:
    def listing(*what: str) -> str:
        return subprocess.run([any_ffmpeg, *what], capture_output=True, text=True, timeout=30, check=True).stdout

    encoders = listing("-hide_banner", "-encoders")
    assert {"libx264", "aac", "libx265", "wrapped_avframe"} <= capabilities.encoders(encoders)
    # Every line below the legend is a codec, and each is read.
    assert len(capabilities.encoders(encoders)) == len(encoders.split("------\n")[1].splitlines())
    decoders = listing("-hide_banner", "-decoders")
    assert len(capabilities.decoders(decoders)) == len(decoders.split("------\n")[1].splitlines())
    filters = listing("-hide_banner", "-filters")
    assert len(capabilities.filters(filters)) == sum("->" in line for line in filters.splitlines())
    assert {"file", "pipe"} <= capabilities.protocols(listing("-hide_banner", "-protocols"))
    version = capabilities.version(listing("-version"))
    assert version is not None
    assert any(character.isdigit() for character in version)


@pytest.mark.parametrize("text", ["", "busybox v1", "sh: ffmpeg: not found", " ffmpeg version 5"])
def test_no_version(text: str) -> None:
    assert capabilities.version(text) is None


@given(st.text())
def test_odd_text_does_no_harm(text: str) -> None:
    for parse in (capabilities.encoders, capabilities.decoders, capabilities.filters, capabilities.protocols):
        assert all(name and not name.isspace() for name in parse(text))
    capabilities.version(text)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"])), max_size=6), st.integers(0, 6))
def test_odd_lines_between_hide_nothing(lines: list[str], at: int) -> None:
    known = CODECS.splitlines()
    noisy = "\n".join(known[: 4 + at % 5] + ["@" + line for line in lines] + known[4 + at % 5 :])
    assert capabilities.encoders(noisy) == {"libx264", "opus", "png", "ssa"}
