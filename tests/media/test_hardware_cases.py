"""Packaged cases on hardware paths: their commands, and their rules on software encodes that pose as a device's."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from case_runs import problems, skip_if_lacking

from pytest_mediaimage.checks.transcode.cards import ENCODING, codec_of
from pytest_mediaimage.checks.transcode.on_cards import CODECS
from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.hardware.cases import on_path
from pytest_mediaimage.media.hardware.encoders import encoder_of, own_encoder, takes_ten_bits
from pytest_mediaimage.media.hardware.software import METRICS, Curve, software_at
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.recipe import argv_of
from pytest_mediaimage.media.rules.hardware import BesideSoftware

NODE = "/dev/dri/renderD128"
# Options that make the case's own software encoder pose as a device's, put before the output.
POSING = {
    "h264-aac": ("-bsf:v", "filter_units=remove_types=6"),
    "hevc-hdr10": ("-x265-params", "{params}:info=0"),
    "av1-svt": (),
}
ENTRY = "\n[posed @ 0x1] Using VAAPI entrypoint VAEntrypointEncSlice (6).\n"


def fitted(name: str, path: str) -> Case:
    case = CASES[name]
    return on_path(case, CODECS[name], encoder_of(path, CODECS[name], NODE, ten_bits=takes_ten_bits(case.recipe)))


@pytest.mark.parametrize("path", ENCODING)
@pytest.mark.parametrize("name", CODECS)
def test_the_command_is_the_case_s_with_the_path_s_encoder(name: str, path: str) -> None:
    words, case = list(fitted(name, path).recipe.argv), fitted(name, path)
    assert words[words.index("-c:v") + 1] == f"{CODECS[name]}_{path}"
    assert not {"-crf", "-x265-params", "-svtav1-params", "-threads:v"} & set(words) and "lib" not in " ".join(words)
    for option in ("-c:v", "-preset", "-pix_fmt", "-g", "-vf", "-v", "-i"):
        assert words.count(option) <= 1
    assert words[words.index("-v") + 1] == "debug" and words[words.index("-g") + 1] == "50"
    if path == "nvenc":
        assert words[words.index("-pix_fmt") + 1] == ("p010le" if name == "hevc-hdr10" else "yuv420p")
    else:
        form = "p010" if name == "hevc-hdr10" else "nv12"
        assert words[words.index("-vf") + 1].startswith(f"format={form},hwupload")
        assert words.index("-init_hw_device") < words.index("-i")
    rest = [word for word in CASES[name].recipe.argv if word.startswith(("-map", "-c:a", "-color", "-tag", "-flags"))]
    assert [word for word in words if word in rest] == rest
    assert f"{CODECS[name]}_{path}" in case.needs.encoders and case.golden == CASES[name].golden
    assert "libx264" not in case.needs.encoders and ("aac" in case.needs.encoders) == (name == "h264-aac")


def posed(name: str, program: str, folder: Path, *more: str) -> Made:
    """What the case's recipe makes with its software encoder, signed by a device's."""
    words = CASES[name].recipe.argv
    params = words[words.index("-x265-params") + 1] if "-x265-params" in words else ""
    options = [word.replace("{params}", params) for word in POSING[name]]
    skip_if_lacking(CASES[name], program)
    output = folder / "output.mp4"
    argv = argv_of(CASES[name].recipe, program, samples.sample(CASES[name].sample), output)
    at = argv.index(str(output))
    argv[at:at] = [*options, "-metadata:s:v:0", f"encoder=Lavc {CODECS[name]}_vaapi", *more]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return Made(samples.sample(CASES[name].sample), {"output.mp4": output}, log=done.stderr)


@pytest.mark.parametrize("name", CODECS)
def test_software_is_no_worse_than_software(name: str, any_ffmpeg: str, tmp_path: Path) -> None:
    made = posed(name, any_ffmpeg, tmp_path)
    case = fitted(name, "vaapi")
    quick = replace(case, rules=tuple(rule for rule in case.rules if not isinstance(rule, BesideSoftware)))
    assert "nothing that was printed shows the device" in problems(quick, made)
    made.log += ENTRY
    assert problems(case, made) == ""
    assert made.metrics["psnr_y_mean"] > made.metrics["software_psnr_y_mean"]


def test_what_is_worse_than_software_is_told_by_how_much(any_ffmpeg: str, tmp_path: Path) -> None:
    made = posed("h264-aac", any_ffmpeg, tmp_path, "-vf", "noise=alls=20:all_seed=1:allf=t")
    made.log += ENTRY
    told = problems(fitted("h264-aac", "vaapi"), made)
    assert "mean PSNR-Y is" in told and "dB; software gives" in told and "mean SSIM-Y is" in told


def test_software_at_a_size() -> None:
    source = samples.sample("bars-384x216")
    found = [software_at(source, "h264", length) for length in (100_000, 300_000, 10**9)]
    assert all(tuple(metrics) == METRICS for metrics in found)
    for name in METRICS:
        values = [metrics[name] for metrics in found]
        assert values == sorted(values), name
    assert Curve(((1024, 30.0), (2048, 36.0))).at(512) == pytest.approx(24.0)
    assert Curve(((1024, 30.0), (2048, 36.0))).at(10**9) == 36.0


def test_own_arguments_become_an_encoder() -> None:
    plain = own_encoder(("-map", "0:v:0", "-an", "-c:v", "h264_x", "-b:v", "2M", "-f", "mp4"), "proof", "/dev/x0")
    assert plain and (plain.name, plain.options, plain.before) == ("h264_x", ("-b:v", "2M"), ())
    words = ("-hw", "x={device}", "-i", "{input}", "-vf", "up", "-c:v", "h264_x", "{output}")
    whole = own_encoder(words, "proof", "/dev/x0")
    assert whole and (whole.before, whole.filters, whole.options) == (("-hw", "x=/dev/x0"), "up", ())
    case = on_path(CASES["h264-aac"], "h264", replace(whole, options=("-q", "3")))
    text = " ".join(case.recipe.argv)
    assert "-hw x=/dev/x0 -i {input}" in text and "-c:v h264_x -q 3 -vf up" in text


@pytest.mark.parametrize(
    "words",
    [("-b:v", "2M"), ("-filter_complex", "x", "-c:v", "h264_x"), ("-i", "x={input}", "-c:v", "h264_x", "{output}")],
)
def test_own_arguments_that_can_t(words: tuple[str, ...]) -> None:
    assert own_encoder(words, "proof", "/dev/x0") is None


@pytest.mark.parametrize(
    ("name", "codec"),
    [("h264_ni_quadra_enc", "h264"), ("hevc_rkmpp", "hevc"), ("x_h265_enc", "hevc"), ("av1_amf", "av1"), ("h2645", "")],
)
def test_the_codec_of_own_arguments(name: str, codec: str) -> None:
    assert codec_of(("-an", "-c:v", name)) == codec
    assert codec_of(("-an",)) == ""
