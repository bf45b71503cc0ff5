"""Golden values of a team's own cases in a run: missing, outdated, required, forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

CASE = """\
sample: bars-384x216
command: [ffmpeg, -nostdin, -i, "{input}", -an, -c:v, libx264, -preset, ultrafast, -crf, 23, -threads:v, 2, "{output}"]
rules:
- streams: {format: mp4, video_codec: h264, pix_fmt: yuv420p}
"""
SOUND = """\
sample: bars-384x216
command: [ffmpeg, -nostdin, -i, "{input}", -vn, -c:a, aac, "{output}"]
outputs: [output.m4a]
rules:
- streams: {format: mp4, audio_codec: aac}
"""


@pytest.fixture
def case(pytester: pytest.Pytester):
    """Writes the team's one case."""

    def write(text: str) -> Path:
        file = pytester.path / "mediaimage.yaml"
        file.write_text("version: 1\ntranscode: {cases: [ours]}\n")
        (pytester.path / "cases").mkdir(exist_ok=True)
        (pytester.path / "cases" / "ours.yaml").write_text(text)
        return pytester.path / "golden" / "ours.json"

    return write


def test_sound_alone_has_no_golden_values(media, case) -> None:
    golden = case(SOUND)
    outcome = media("demo", "-k", "ours")
    assert (outcome.code, outcome.messages("transcode.ours")) == (0, [])
    assert "golden" not in outcome.result("transcode.ours")["measured"]
    outcome = media("demo", "-k", "ours", "--media-update-golden")
    assert (outcome.code, outcome.statuses()) == (0, {"transcode.ours": "passed"})
    assert not golden.exists()
    case(f"{SOUND}golden: required\n")
    assert "has no pictures" in media("demo", "-k", "ours").messages("transcode.ours")[0]


def test_a_changed_recipe_is_a_warning_until_its_values_are_written(media, case, pytester: pytest.Pytester) -> None:
    golden = case(CASE)
    media("demo", "-k", "ours", "--media-update-golden")
    assert media("demo", "-k", "ours").messages("transcode.ours") == []
    case(CASE.replace("23", "24"))
    outcome = media("demo", "-k", "ours")
    (finding,) = outcome.result("transcode.ours")["findings"]
    assert outcome.code == 0 and finding["severity"] == "warning"
    assert finding["message"].startswith("the recipe changed since the golden values were written")
    with (pytester.path / "mediaimage.yaml").open("a") as policy:
        policy.write("severity: {transcode.ours: error}\n")
    assert media("demo", "-k", "ours").code == 1
    text = media("demo", "-k", "ours", "--media-update-golden").text
    assert "gone: " in text and "new: " in text
    assert len(json.loads(golden.read_text())["entries"]) == 1
    outcome = media("demo", "-k", "ours")
    assert outcome.messages("transcode.ours") == [] and "which nothing asks for" not in outcome.text


def test_where_they_are_required_their_lack_is_an_error(media, case) -> None:
    case(f"{CASE}golden: required\n")
    outcome = media("demo", "-k", "ours")
    assert outcome.code == 1 and "there is no golden value" in outcome.messages("transcode.ours")[0]
    media("demo", "-k", "ours", "--media-update-golden")
    assert media("demo", "-k", "ours").code == 0


def test_an_output_that_cant_be_read_is_told_once_with_the_command(media, case) -> None:
    golden = case(CASE)
    media("demo", "-k", "ours", "--media-update-golden")
    before = golden.read_text()
    case(CASE.replace('"{output}"', '-f, framecrc, "{output}"'))
    outcome = media("demo", "-k", "ours")
    (finding,) = outcome.result("transcode.ours")["findings"]
    assert outcome.code == 1 and "can't be read" in finding["message"]
    assert "It printed last: " in finding["fix"] and "-f framecrc output.mp4" in finding["fix"]
    assert "not written, the output is wrong" in media("demo", "-k", "ours", "--media-update-golden").text
    assert golden.read_text() == before


def test_a_wrong_codec_tells_the_command_once(media, case) -> None:
    case(CASE.replace("video_codec: h264", "video_codec: hevc, audio_codec: aac") + "golden: false\n")
    fixes = [finding["fix"] for finding in media("demo", "-k", "ours").result("transcode.ours")["findings"]]
    assert sum("-preset ultrafast" in fix for fix in fixes) == 1


def test_a_file_of_a_case_that_is_gone_is_told(media, case, pytester: pytest.Pytester) -> None:
    golden = case(CASE)
    media("demo", "-k", "ours", "--media-update-golden")
    for name in ("old", "web"):
        golden.with_name(f"{name}.json").write_text(golden.read_text())
    test = pytester.makepyfile('def test_web(transcode, golden):\n    golden.check(transcode([]), "web")\n')
    text = media("demo", "-k", "ours").text
    assert "golden/old.json holds values of a case that isn't there" in text and "golden/web.json" not in text
    test.write_text('def test_web(transcode, golden):\n    golden.check(transcode([]), f"{1}")\n')
    assert "golden/old.json" not in media("demo", "-k", "ours").text
