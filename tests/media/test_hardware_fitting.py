"""A team's own recipe on a hardware path: what becomes of its words."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.media.hardware.encoders import own_encoder
from pytest_mediaimage.media.hardware.fitting import Source, fitted
from pytest_mediaimage.media.hardware.paths import Probe
from pytest_mediaimage.media.recipe import recipe_of

NODE = "/dev/dri/renderD129"
H264, HEVC10 = Source("h264", "yuv420p"), Source("hevc", "yuv420p10le")
WEB = ("-i", "{input}", "-c:v", "libx264", "-preset", "slow", "-crf", "23", "-c:a", "aac", "{output}")


def put(path: str, *words: str, source: Source = H264, own: Any = None) -> tuple[str, Probe]:
    recipe, probe = fitted(recipe_of(list(words)), path, NODE, source, own)
    assert recipe.argv[:3] == ("{ffmpeg}", "-v", "debug")
    return " ".join(recipe.argv[3:]), probe


def test_a_software_encoder_becomes_the_path_s() -> None:
    text, probe = put("nvenc", *WEB)
    assert text == ("-i {input} -c:v h264_nvenc -preset p4 -rc constqp -qp 23 -pix_fmt yuv420p -c:a aac {output}")
    assert (probe.encoder, probe.kind, probe.codec) == ("h264_nvenc", "encode", "h264")
    text, probe = put("vaapi", *WEB)
    assert text.startswith(f"-init_hw_device vaapi=v:{NODE} -filter_hw_device v -i") and "format=nv12,hwupload" in text


def test_a_bit_rate_stays_and_no_quantiser_overrules_it() -> None:
    for path in ("nvenc", "vaapi", "qsv", "vulkan"):
        text, _ = put(path, "-i", "{input}", "-vf", "scale=640:360", "-c:v", "libx265", "-b:v", "2M", "{output}")
        assert "-b:v 2M" in text and "-qp" not in text and "quality" not in text
        assert "-vf scale=640:360" in text


def test_a_recipe_for_the_device_is_left_alone() -> None:
    words = ("-loglevel", "error", "-vaapi_device", "{device}", "-i", "{input}", "-filter_complex", "hwupload")
    text, probe = put("vaapi", *words, "-c:v", "vp9_vaapi", "{output}")
    assert text == f"-vaapi_device {NODE} -i {{input}} -filter_complex hwupload -c:v vp9_vaapi {{output}}"
    assert (probe.encoder, probe.codec, probe.surface) == ("vp9_vaapi", "vp9", "")
    text, probe = put("nvenc", "-hwaccel", "cuda", "-i", "{input}", "-c:v", "h264_nvenc", "{output}")
    assert probe.surface == "cuda", "the decoder must say that it used it too"


def test_a_decode_goes_to_the_device() -> None:
    text, probe = put("nvdec", "-i", "{input}", "-vf", "scale=640:360", "-c:v", "libx264", "{output}")
    assert text == (
        "-hwaccel cuda -hwaccel_output_format cuda -i {input} "
        "-vf hwdownload,format=nv12,format=yuv420p,scale=640:360 -c:v libx264 {output}"
    )
    assert (probe.surface, probe.encoder, probe.codec) == ("cuda", "", "h264")
    text, probe = put("qsv", "-i", "{input}", "-c:v", "ffv1", "{output}", source=HEVC10)
    assert "-c:v hevc_qsv -i {input}" in text and "format=p010le,format=yuv420p10le -c:v ffv1" not in text
    assert text.endswith("-c:v ffv1 -vf hwdownload,format=p010le,format=yuv420p10le {output}")
    assert probe.codec == "hevc"


def test_filters_of_a_decode_stand_before_the_output_whatever_follows_it() -> None:
    text, _ = put("nvdec", "-i", "{input}", "-c:v", "ffv1", "{output}", "-y")
    assert text.endswith("-c:v ffv1 -vf hwdownload,format=nv12,format=yuv420p {output} -y")
    text, _ = put("nvdec", "-i", "{input}", "-hls_segment_filename", "{folder}/%d.ts", "{folder}/index.m3u8", "-y")
    assert text.endswith("{folder}/%d.ts -vf hwdownload,format=nv12,format=yuv420p {folder}/index.m3u8 -y")


def test_a_path_of_one_s_own() -> None:
    own = own_encoder(("-c:v", "h264_x", "-b:v", "2M"), "Using card", NODE)
    text, probe = put("x", *WEB, own=own)
    assert text == "-i {input} -c:v h264_x -b:v 2M -c:a aac {output}" and probe.proof and probe.kind == "own"
    text, _ = put("x", "-dev", "{device}", "-i", "{input}", "-c:v", "h264_x", "{output}", own=own)
    assert text == f"-dev {NODE} -i {{input}} -c:v h264_x {{output}}"


@pytest.mark.parametrize(
    ("path", "words", "told"),
    [
        ("nvenc", ("-i", "{input}", "-c:v", "libvpx-vp9", "{output}"), "libvpx-vp9 has no counterpart on nvenc"),
        ("vaapi", ("-i", "{input}", "-filter_complex", "null", "-c:v", "libx264", "{output}"), "-filter_complex"),
        ("nvdec", ("-i", "{input}", "-filter_complex", "null", "-c:v", "libx264", "{output}"), "-filter_complex"),
        ("vaapi", ("-i", "{input}", "-c:v:0", "libx264", "-c:v:1", "libx264", "{output}"), "several encoders"),
        ("nvenc", ("/app/encode", "{input}", "-c:v", "libx264", "{output}"), "another program than ffmpeg"),
    ],
)
def test_what_can_t_be_put(path: str, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fitted(recipe_of(list(words)), path, NODE, H264)


@pytest.mark.parametrize(
    "words",
    [
        ("-i", "{input}", "{output}"),
        ("-c:v", "h264", "-i", "{input}", "{output}"),
        ("-i", "{input}", "-c:v:1", "x", "{output}"),
    ],
)
def test_a_path_of_one_s_own_needs_an_encoder_to_take_the_place_of(words: tuple[str, ...]) -> None:
    own = own_encoder(("-c:v", "h264_x"), "Using card", NODE)
    with pytest.raises(UsageError, match="names no encoder of video, in whose place x's could be put") as caught:
        put("x", *words, own=own)
    assert "Write -c:v" in caught.value.remedy


def test_shapes_that_are_not_brought_back_are_told() -> None:
    with pytest.raises(UsageError, match=r"only tried with 4:2:0 of 8 or 10 bits; the input is yuv422p"):
        put("nvdec", "-i", "{input}", "-c:v", "ffv1", "{output}", source=Source("h264", "yuv422p"))
