"""Which codec a name of FFmpeg's tables stands for, and who does its work."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from pytest_mediaimage.sbom.patents import built_in, implementation_of, parse_codec


@pytest.mark.parametrize(
    ("name", "side", "codec", "device"),
    [
        ("libx264", "encoder", "h264", False),
        ("libx264rgb", "encoder", "h264", False),
        ("libopenh264", "decoder", "h264", False),
        ("h264", "decoder", "h264", False),
        ("h264_nvenc", "encoder", "h264", True),
        ("h264_cuvid", "decoder", "h264", True),
        ("nvenc", "encoder", "h264", True),
        ("nvenc_hevc", "encoder", "hevc", True),
        ("hevc_vaapi", "encoder", "hevc", True),
        ("hevc_qsv", "decoder", "hevc", True),
        ("h264_ni_quadra_enc", "encoder", "h264", True),
        ("libaom-av1", "encoder", "av1", False),
        ("libdav1d", "decoder", "av1", False),
        ("av1", "decoder", "av1", True),  # FFmpeg's own only drives hardware
        ("av1_vulkan", "encoder", "av1", True),
        ("libvpx", "encoder", "vp8", False),
        ("libvpx-vp9", "decoder", "vp9", False),
        ("mpeg2_qsv", "encoder", "mpeg2video", True),
        ("mpegvideo", "decoder", "mpeg2video", False),
        ("aac", "encoder", "aac", False),
        ("libfdk_aac", "encoder", "aac", False),
        ("aac_latm", "decoder", "aac", False),
        ("eac3", "encoder", "eac3", False),
        ("dca", "decoder", "dts", False),
        ("mlp", "encoder", "truehd", False),
        ("mp3float", "decoder", "mp3", False),
        ("libmp3lame", "encoder", "mp3", False),
        ("libopus", "encoder", "opus", False),
    ],
)
def test_names(name: str, side: str, codec: str, device: bool) -> None:
    assert implementation_of(name, side) == (codec, device)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["pcm_s16le", "png", "h264_mp4toannexb", "xh264", "mjpeg_qsv", "ffv1_vulkan", "vp3", ""]
)
def test_other_names_are_nobodys(name: str) -> None:
    assert implementation_of(name, "encoder") is None


def test_a_teams_file_may_teach_names() -> None:
    statement = {
        "by": "A pool",
        "kind": "asks",
        "scope": ["encode"],
        "says": "a pool asks",
        "source": "https://pool.example/",
        "confidence": "low",
    }
    own = parse_codec("x1", {"name": "X1", "names": ["libx1"], "statements": [statement]}, datetime.date(2027, 1, 1))
    data = built_in().extended(type(built_in())(datetime.date(2027, 1, 1), "own.yaml", {"x1": own}))
    assert implementation_of("libx1", "encoder", data) == ("x1", False)
    assert implementation_of("libx1_nvenc", "encoder", data) == ("x1", True)


def test_every_codec_of_the_data_has_a_name_in_a_real_ffmpeg_or_waits_for_one(static_ffmpeg: Path) -> None:
    found = set()
    for side in ("encoder", "decoder"):
        listed = subprocess.run(
            [static_ffmpeg, "-hide_banner", f"-{side}s"], capture_output=True, text=True, check=True
        )
        names = [line.split()[1] for line in listed.stdout.partition("------")[2].splitlines() if line.strip()]
        found |= {known.codec for name in names if (known := implementation_of(name, side))}  # type: ignore[arg-type]
    assert set(built_in().codecs) - found <= {"lcevc", "avs2", "avs3", "evc"}
