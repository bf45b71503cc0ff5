"""A team's own transcode cases: what a file may hold, and what is told of its mistakes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pytest_mediaimage.checks.transcode.case_files import names, read_case
from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.media.case import Threshold
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.rules import RULES
from pytest_mediaimage.media.rules.hls import Hls
from pytest_mediaimage.media.rules.ladder import Ladder
from pytest_mediaimage.media.rules.pictures import Pictures
from pytest_mediaimage.media.rules.segments import Limits
from pytest_mediaimage.media.rules.sprites import Sprites
from pytest_mediaimage.media.rules.streams import Streams

GOOD = """\
version: 1
sample: bars-384x216
command: [ffmpeg, -nostdin, -i, "{input}", -c:v, libx264, -an, "{output}"]
needs: {encoders: [libx264]}
outputs: [small.mp4]
texts: {list.txt: "file {input}"}
golden: false
timeout: 5
rules:
- streams: {format: mp4, video_codec: h264, max_gop: 10, color: [bt709, bt709, bt709, tv]}
- pictures: {psnr_y_mean: 30, frames: 125}
"""


def write(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / "cases" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_a_case(tmp_path: Path) -> None:
    case = read_case(write(tmp_path, GOOD))
    assert (case.name, case.sample, case.outputs, case.golden, case.timeout) == (
        "mine",
        "bars-384x216",
        ("small.mp4",),
        False,
        5.0,
    )
    assert case.recipe.argv[:2] == ("{ffmpeg}", "-nostdin")
    assert case.needs.encoders == ("libx264",)
    streams, pictures = case.rules
    assert isinstance(streams, Streams) and isinstance(pictures, Pictures)
    assert (streams.video_codec, streams.audio_codec, streams.max_gop) == ("h264", None, 10.0)
    assert pictures.thresholds == {"psnr_y_mean": Threshold(30.0, "the team's own")} and pictures.frames == 125


def test_numbers_in_a_command_are_words_as_they_are_written(tmp_path: Path) -> None:
    text = GOOD.replace("-an", "-crf, 23, -r, 29.970, -ss, 1:30, -b, 010")
    assert read_case(write(tmp_path, text)).recipe.argv[6:14] == (
        "-crf",
        "23",
        "-r",
        "29.970",
        "-ss",
        "1:30",
        "-b",
        "010",
    )


def test_golden_values_may_be_required(tmp_path: Path) -> None:
    case = read_case(write(tmp_path, GOOD.replace("golden: false", "golden: required")))
    assert (case.golden, case.golden_required) == (True, True)


def test_a_sample_beside_the_case(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("bars-384x216", "ours.mp4"))
    (path.parent / "ours.mp4").write_bytes(b"x")
    assert read_case(path).sample == str(path.parent / "ours.mp4")
    assert names(tmp_path) == ["mine"] and names(tmp_path / "cases") == []


def test_rules_that_hold_others(tmp_path: Path) -> None:
    rules = """\
- ladder: {rungs: [{output: a.mp4, bit_rate: 300000}, {output: b.mp4, bit_rate: 100000}], max_gop: 2}
- hls: {limits: {duration: 2, video: {384x216: {psnr_y_mean: 30}}, audio: {audio_offset: 0.01}, alignment: 0.11}}
- sprites: {columns: 2, rows: 1, width: 96, height: 54, frames: [0, 25], tile_ssim: 0.9}
"""
    ladder, hls, sprites = read_case(write(tmp_path, GOOD.partition("rules:\n")[0] + "rules:\n" + rules)).rules
    assert isinstance(ladder, Ladder) and [rung.bit_rate for rung in ladder.rungs] == [300000, 100000]
    assert isinstance(hls, Hls) and hls.limits.video[384, 216]["psnr_y_mean"].limit == 30.0
    assert isinstance(sprites, Sprites) and sprites.frames == (0, 25)


def test_braces_of_the_commands_own_are_no_placeholders(tmp_path: Path) -> None:
    words = """[sh, -c, "awk '{ print }' ${HOME}; drawtext=%{pts}:%{eif}", "{input}", "{output}", "{extra:list.txt}"]"""
    command = GOOD.partition("command: ")[2].partition("\n")[0]
    case = read_case(write(tmp_path, GOOD.replace(command, words).replace('"file {input}"', r"'{\an8}{b}'")))
    assert case.recipe.argv[0] == "sh"


def test_all_that_the_packaged_cases_limit_can_be_limited() -> None:
    for case in CASES.values():
        for rule in case.rules:
            for record in (rule, getattr(rule, "limits", None)):
                for field, metrics in getattr(record, "METRICS", {}).items():
                    limits = getattr(record, field)
                    many = limits.values() if any(isinstance(key, tuple) for key in limits) else [limits]
                    assert all(set(one) <= set(metrics) for one in many), (case.name, rule)


def test_every_rule_says_what_it_limits() -> None:
    for rule in RULES.values():
        has_limits = {"thresholds", "limits"} & {field.name for field in dataclasses.fields(rule)}
        named = getattr(Limits if "limits" in has_limits else rule, "METRICS", {})
        assert bool(named) == bool(has_limits), rule


def test_every_rule_of_the_packaged_cases_has_a_name() -> None:
    assert {type(rule) for case in CASES.values() for rule in case.rules} <= set(RULES.values())


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("sample: bars-384x216", "sampel: bars-384x216", 2, "unknown key 'sampel'; did you mean 'sample'?"),
        ("sample: bars-384x216\n", "", 1, "a case needs 'sample'"),
        ('"{input}", -c:v', "a.mp4, -c:v", 3, "it needs {input}"),
        ("timeout: 5", "timeout: soon", 8, "timeout: 'soon' is no number"),
        ("golden: false", "golden: 1", 7, "golden: 1 is neither true nor false"),
        ("- streams:", "- stream:", 10, "unknown rule 'stream'; did you mean 'streams'?"),
        ("max_gop: 10", "max_gop: ten", 10, "streams.max_gop: 'ten' is no number"),
        ("color: [bt709, ", "color: [", 10, "4 values are wanted, 3 are there"),
        ("video_codec: h264", "codec: h264", 10, "streams: unknown key 'codec'"),
        ("format: mp4, ", "", 10, "streams: it needs format"),
        ("psnr_y_mean: 30", "psnr_y_mean: good", 11, "pictures.psnr_y_mean: 'good' is no number"),
        ("encoders: [libx264]", "encoder: [libx264]", 4, "needs: unknown key 'encoder'"),
        ("rules:", "rules: [", 10, "no valid YAML"),
        ("- streams:", "- ladder: {rungs: [{output: a, bitrate: 1}]}\n- streams:", 10, "unknown key 'bitrate'"),
        ("- streams:", "- hls: {limits: {video: {wide: {}}}}\n- streams:", 10, "'wide' is no size of a picture"),
        ("psnr_y_mean", "psnr_y_maen", 11, "pictures: unknown key 'psnr_y_maen'; did you mean 'psnr_y_mean'?"),
        ("psnr_y_mean", "psnr_mean_y", 11, "unknown key 'psnr_mean_y'; did you mean 'psnr_y_mean'?"),
        ("psnr_y_mean", "ssim_y_mean", 11, "pictures: unknown key 'ssim_y_mean'"),
        ("{psnr_y_mean: 30,", "{\n    psnr_y_mean: 30,\n    psnr_u_mxan: 30,", 13, "did you mean 'psnr_u_mean'?"),
        ("- streams:", "- sound: {audio_ofset: 1}\n- streams:", 10, "'audio_ofset'; did you mean 'audio_offset'?"),
        ("- streams:", "- hls: {limits: {video: {9x9: {psnr_y: 1}}}}\n- streams:", 10, "unknown limit 'psnr_y'"),
        ("- streams:", "- dash: {limits: {audio: {psnr_y_min: 1}}}\n- streams:", 10, "unknown limit 'psnr_y_min'"),
        ("psnr_y_mean: 30", "psnr_y_mean: .nan", 11, "pictures.psnr_y_mean: nan is no number"),
        ("psnr_y_mean: 30", "psnr_y_mean: -30", 11, "-30 is no limit"),
        ("psnr_y_mean: 30", "psnr_y_mean: true", 11, "True is no number"),
        ("psnr_y_mean: 30", "view: {first: 0}", 11, "unknown key 'view'"),
        ("max_gop: 10", "max_gop: .inf", 10, "streams.max_gop: inf is no number"),
        ("- streams:", "- tracks: {dispositions: [forcd]}\n- streams:", 10, "no disposition 'forcd'"),
        ("- streams:", "- reported: {words: '('}\n- streams:", 10, "reported: missing )"),
        (
            "- streams:",
            "- joined: {parts: [two]}\n- streams:",
            10,
            "joined.parts: 'two' isn't one of the case's",
        ),
        ("sample: bars-384x216", "sample: bars", 2, "sample: there is no sample 'bars'"),
        ("sample: bars-384x216", "sample: bars-384x261", 2, "did you mean 'bars-384x216'?"),
        ("sample: bars-384x216", "sample: oras:registry.example.com/clip:1", 2, "isn't pinned"),
        ("golden: false", "extras: {logo: logo.png}", 7, "extras: logo: there is no sample 'logo.png'"),
        ('"{input}", -c:v', '"{input}", -i,\n  "{extra:logo}", -c:v', 4, "unknown placeholder '{extra:logo}'"),
        ('"{output}"', '"{output}", "{ouput}"', 3, "'{ouput}'; did you mean 'output'?"),
        ('"{output}"', '"{output}", "x={extra:list.tx}"', 3, "did you mean 'extra:list.txt'?"),
        ('"file {input}"', '"file {extra:one}"', 6, "texts: list.txt: unknown placeholder {extra:one}"),
        ('"{output}"]', "{output}]", 3, 'write "{output}"'),
        ("version: 1", "version: 2", 1, "version: 2 isn't known"),
        ("timeout: 5", "timeout: -5", 8, "timeout: -5 s"),
        ("[small.mp4]", "[]", 5, "at least one"),
        ("[small.mp4]", "[../small.mp4]", 5, "names of files in {folder}"),
        ('"{output}"', '"{outptu}"', 3, "unknown placeholder '{outptu}'; did you mean 'output'?"),
        ("-an", "-y, on", 3, 'command: on is no text to YAML; write "on"'),
        ("[libx264]", "[23]", 4, 'needs.encoders: 23 is no text; put it in quotes: "23"'),
        ("frames: 125", "frames: 1.5", 11, "pictures.frames: 1.5 is no whole number"),
        ("golden: false", "golden: always", 7, "golden: 'always' isn't true, false or required"),
        ("golden: false", "extras: {my logo: bars-384x216}", 7, "extras: 'my logo' can't name a file"),
        ("list.txt:", "..:", 6, "texts: '..' can't name a file"),
        ("list.txt:", "input.mp4:", 6, "texts: 'input.mp4' is a name of ours"),
        ("list.txt:", "output:", 6, "texts: 'output' is a name of ours"),
        ("list.txt:", "extra-logo.png:", 6, "texts: 'extra-logo.png' is a name of ours"),
        ("golden: false", "extras: {list.txt: bars-384x216}", 6, "texts: 'list.txt' stands under extras too"),
        ("video_codec: h264", "video_codec: h265", 10, "FFmpeg knows no codec 'h265'; did you mean 'hevc'?"),
        ("video_codec: h264", "video_codec: libx264", 10, "no codec 'libx264'; did you mean 'h264'?"),
        ("video_codec: h264", "audio_codec: acc", 10, "streams.audio_codec: FFmpeg knows no codec 'acc'; did you mean"),
        ("- streams:", "- ladder: {rungs: [{output: a.mp4}]}\n- streams:", 10, "ladder.rungs: it needs bit_rate"),
        ("psnr_y_mean", "ssim_y_mean", 11, "unknown key 'ssim_y_mean'; scaled would take it"),
        ("sample: bars-384x216", "sample: oras:example.com/clip@sha256:12", 2, "sample: 'sha256:12' is no digest"),
        (
            "- streams:",
            f"- survived: {{intact: 'oras:example.com/c@sha256:{64 * 'a'}', frames: 1, damaged: []}}\n- streams:",
            10,
            "survived.intact: a bundled clip or a file beside the case is wanted",
        ),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    with pytest.raises(PolicyError) as caught:
        read_case(write(tmp_path, GOOD.replace(old, new, 1)))
    assert words in str(caught.value)
    assert f"cases/mine.yaml:{line}" in str(caught.value) or "no valid YAML" in words
