"""What a build says of hardware, in real builds, and however the file was cut."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.ffmpeg import combine, read_identity
from pytest_mediaimage.ffmpeg.hardware import DRIVERS, HardwareTexts

SENTENCE = b"\0The minimum required Nvidia driver for nvenc is %s or newer\n\0"


def read(data: bytes, *cuts: int, counted: int = 0) -> HardwareTexts:
    texts = HardwareTexts(counted)
    for low, high in zip((0, *cuts), (*cuts, len(data)), strict=True):
        texts.feed(low, data[low:high])
    return texts


def test_a_real_build_has_the_paths_that_it_lists_itself(build: Path) -> None:
    if "ffprobe" in build.name:
        pytest.skip("only ffmpeg lists its encoders")
    listed = subprocess.run([build, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=60).stdout
    identity = read_identity(build)
    assert identity is not None
    if "libavcodec" not in identity.licenses:
        pytest.skip("a shared build's tool holds no codecs")
    for path in ("nvenc", "vaapi", "qsv", "vulkan"):
        if re.search(rf"_{path}\b", listed):
            assert path in identity.hardware
    assert (identity.nvidia_driver is not None) == ("nvenc" in identity.hardware)


def test_the_wheels_builds_name_the_drivers_of_their_nvenc(bundled: dict[str, Path]) -> None:
    codecs = read_identity(bundled["libavcodec"])
    assert codecs is not None
    assert "nvenc" in codecs.hardware
    assert codecs.nvidia_driver in DRIVERS
    util = read_identity(bundled["libavutil"])
    assert util is not None and util.nvidia_driver is None
    assert combine([util, codecs]).nvidia_driver == codecs.nvidia_driver


@pytest.mark.parametrize("version", [*DRIVERS, "640.12", "700.55.03"])
@pytest.mark.parametrize("before", [True, False])
def test_the_version_may_stand_on_either_side_of_the_sentence(version: str, before: bool) -> None:
    text = b"\0%b\0" % version.encode()
    data = text + bytes(3_000_000) + SENTENCE if before else SENTENCE + bytes(3_000_000) + text
    assert read(data).nvidia_driver == version


@pytest.mark.parametrize(
    "data",
    [
        b"\x00570.0\0",
        SENTENCE + b"\x001570.0\0 570.0\0",
        SENTENCE + bytes(5_000_000) + b"570.0\0",
        SENTENCE + b"\x00500.1\0",
        b"",
    ],
    ids=["no-sentence", "part-of-a-text", "too-far", "no-driver-of-nvenc", "empty"],
)
def test_a_number_that_merely_looks_like_a_version_is_none(data: bytes) -> None:
    assert read(data).nvidia_driver is None


def test_the_known_and_then_the_nearest_of_several_numbers_counts() -> None:
    assert (
        read(SENTENCE + b"\x00700.1\0" + bytes(100) + b"\x00570.0\0" + bytes(99) + b"\x00378.13\0").nvidia_driver
        == "570.0"
    )


def test_names_that_merely_begin_or_end_alike_are_no_path() -> None:
    assert read(b"\0h264_nvenc_mock\0vaapi\0 h264_qsvx\0").paths == []
    assert read(b"\0av1_nvenc\0vp9_cuvid\0scale_vaapi\0vpp_qsv\0scale_vulkan\0").paths == [
        "nvenc", "nvdec", "vaapi", "qsv", "vulkan",
    ]  # fmt: skip


def test_what_stands_before_the_counted_offset_doesn_t_count() -> None:
    data = b"\0h264_nvenc\0" + SENTENCE + b"\x00570.0\0"
    assert read(data, 5, counted=len(data)).paths == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1_200_000), max_size=6), st.integers(0, 2**16))
def test_the_answer_doesn_t_depend_on_how_the_file_was_cut(cuts: list[int], seed: int) -> None:
    chance = random.Random(seed)
    parts = [b"\x00570.0\0", b"\x00610.00\0", b"\x00640.1\0", SENTENCE, b"\0h264_nvenc\0", b"\0hevc_vaapi\0"]
    chance.shuffle(parts)
    data = b"".join(part + bytes(chance.randrange(300_000)) for part in parts).ljust(1_200_000, b"\0")
    whole, cut = read(data), read(data, *sorted(cuts))
    assert (whole.paths, whole.nvidia_driver) == (cut.paths, cut.nvidia_driver)
